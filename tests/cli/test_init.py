"""`--init` at the command line: painted, known again, replayed, in a batch; and what is refused."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthpaint.record.picture_file import read_record
from depthpaint.record.run_record import RecordError, RunRecord
from depthpaint.report.recipe import recipe
from fake_painter import FakePainter

Run = Callable[..., tuple[int, str, str]]
SAME = ("generate", "depth.npy", "p", "--size", "64x48", "--init", "start.png", "--steps", 4)


@pytest.fixture(autouse=True)
def start(work: Path) -> Path:
    """A picture to start from, in the working folder."""
    pixels = np.random.default_rng(5).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(work / "start.png")
    return work / "start.png"


def pixels_of(path: str) -> list[object]:
    with Image.open(path) as picture:
        return [picture.size, picture.tobytes()]


def another(path: Path | str) -> None:
    Image.new("RGB", (128, 96), "red").save(path)


def test_the_record_and_the_infotext_name_it(cli: Run) -> None:
    status, path, err = cli(*SAME, "--denoise", 0.75)
    assert (status, "init" in err) == (0, False)
    record = read_record(Path(path.strip()))
    assert (record.settings.init, record.settings.denoise) == ("../start.png", 0.75)
    assert (len(record.plan.timesteps), record.settings.num_inference_steps) == (3, 4)
    with Image.open(path.strip()) as picture:
        assert "Model: diorama, Denoising strength: 0.75, RNG: CPU" in picture.info["parameters"]
    plain = cli(*SAME[:5])[1].strip()
    with Image.open(plain) as picture:
        assert "Denoising" not in picture.info["parameters"]
    assert read_record(Path(plain)).digests.init == ""


def test_another_share_and_another_picture_are_other_pictures(cli: Run) -> None:
    paths = [cli(*SAME, "--denoise", share)[1].strip() for share in (0.25, 0.5, 1)]
    plain = cli(*SAME[:5], "--steps", 4)[1].strip()
    contents = [pixels_of(path) for path in (*paths, plain)]
    assert contents[2] == contents[3], "all steps from noise alone"
    assert contents[0] != contents[1] != contents[2]
    another("start.png")
    assert pixels_of(cli(*SAME, "--denoise", 0.25)[1].strip()) != contents[0]


def test_the_same_request_again_is_not_painted_but_with_other_bytes_is(
    cli: Run, painter: FakePainter
) -> None:
    first = cli(*SAME)
    painter.calls.clear()
    assert cli(*SAME)[:2] == first[:2]
    assert not painter.calls
    another("start.png")
    assert cli(*SAME)[1] == "output_images/p-12345-2.png\n"


def test_it_is_replayed_where_folder_and_inputs_were_moved(cli: Run, work: Path) -> None:
    path = cli(*SAME)[1].strip()
    assert "bit-equal (every value is equal)" in cli("replay", path)[1]
    (work / "moved").mkdir()
    for name in ("output_images", "depth.npy", "start.png"):
        (work / name).rename(work / "moved" / name)
    assert "bit-equal (every value is equal)" in cli("replay", f"moved/{path}")[1]


def test_replay_refuses_a_missing_or_changed_one_unless_it_is_named(cli: Run, work: Path) -> None:
    path = cli(*SAME)[1].strip()
    (work / "else").mkdir()
    (work / "start.png").rename(work / "else" / "mine.png")
    status, out, err = cli("replay", path)
    assert (status, out) == (3, "")
    assert "the picture ../start.png, from which output_images/p-12345.png was started, was not found" in err
    assert "--init" in err
    another("start.png")
    assert "has changed since" in cli("replay", path)[2]
    assert "bit-equal" in cli("replay", path, "--init", "else/mine.png")[1]
    status, out, _ = cli("replay", path, "--init", "start.png")
    assert status == 4
    assert "changed: the picture to start from" in out


def test_verify_and_best_of_take_it(cli: Run) -> None:
    status, path, _ = cli(*SAME, "--best-of", 3)
    assert status == 0
    record = read_record(Path(path.strip()))
    assert record.agreement is not None and record.agreement.most_tries == 3
    assert cli("verify", path.strip())[0] == 0
    assert "bit-equal" in cli("replay", path.strip())[1]


def test_several_seeds_start_from_it(cli: Run, painter: FakePainter) -> None:
    paths = cli(*SAME, "--count", 3)[1].split()
    assert len({str(pixels_of(path)) for path in paths}) == 3
    assert painter.calls["encode"] == 1


def test_the_recipe_paints_it_again(cli: Run, start: Path) -> None:
    path = cli(*SAME, "--denoise", 0.25)[1].strip()
    command = shlex.split(recipe(read_record(Path(path)), Path("depth.npy"), start))
    assert "--init=start.png" in command
    again = cli(*command[1:], "--out", "again")[1].strip()
    assert pixels_of(again) == pixels_of(path)


@pytest.mark.parametrize(
    "place", ["/etc/passwd", "C:\\start.png", "a/../../start.png", "../" * 21 + "x.png", ""]
)
def test_a_foreign_record_names_no_file_elsewhere(cli: Run, place: str) -> None:
    text = read_record(Path(cli(*SAME)[1].strip())).to_json()
    values = json.loads(text)
    values["settings"]["init"] = place
    with pytest.raises(RecordError, match=r"settings"):
        RunRecord.from_json(json.dumps(values))


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--init", "absent.png"), 3, "cannot read absent.png: there is no such file"),
        (("--init", "depth.npy"), 3, "not a PNG, JPEG or WebP picture"),
        (("--init", "."), 3, "it is a folder"),
        (("--init", ""), 2, "init: a name must not be empty"),
        (("--denoise", 0), 2, "denoise: must be greater than 0"),
        (("--denoise", 1.5), 2, "denoise: must be less than or equal to 1"),
        (("--denoise", "much"), 2, "--denoise"),
    ],
)
def test_what_is_wrong_is_one_line(cli: Run, arguments: tuple[object, ...], status: int, words: str) -> None:
    for more in ((), ("--dry-run",)):
        found, out, err = cli("generate", "depth.npy", "p", *arguments, *more)
        assert (found, out) == (status, "")
        assert words in err
        assert not Path("output_images").exists()


def test_a_share_without_a_picture_has_no_effect_and_is_told(cli: Run) -> None:
    assert (
        "denoise has no effect without init (--init)"
        in cli("generate", "depth.npy", "p", "--denoise", 0.3)[2]
    )
    assert "init has no effect" in cli(*SAME, "--denoise", 0.8)[2]


def test_it_is_never_replaced(cli: Run, start: Path) -> None:
    before = start.read_bytes()
    status, _, err = cli(*SAME, "--out", ".", "--name", "start", "--overwrite")
    assert status == 8
    assert "start.png" in err
    assert start.read_bytes() == before


def test_a_batch_has_a_column_for_it(cli: Run, work: Path) -> None:
    (work / "rows").mkdir()
    for name in ("depth.npy", "start.png"):
        (work / name).rename(work / "rows" / name)
    another(work / "rows" / "red.png")
    Path("rows/m.csv").write_text(
        "depth,prompt,init,denoise,name,size\n"
        "depth.npy,p,start.png,0.25,first,64x48\n"
        "depth.npy,p,red.png,0.25,red,64x48\n"
        "depth.npy,p,,,plain,64x48\n"
    )
    arguments = ("batch", "rows/m.csv", "--steps", 4, "--out", "out")
    status, _, err = cli(*arguments)
    assert (status, "3 painted" in err) == (0, True), err
    assert len({str(pixels_of(f"out/{name}.png")) for name in ("first", "red", "plain")}) == 3
    assert read_record(Path("out/first.png")).settings.init == "../rows/start.png"
    assert "bit-equal" in cli("replay", "out/first.png")[1]
    before = pixels_of("out/red.png")
    another(work / "rows" / "start.png")
    _, _, err = cli(*arguments)
    assert "1 painted" in err and "2 already there" in err, err
    assert pixels_of("out/first.png") == before, "now they start from the same picture"


def test_a_batch_takes_one_for_all_rows_and_a_grid_of_shares(cli: Run) -> None:
    Path("m.csv").write_text("depth,prompt,size\ndepth.npy,p,64x48\n")
    status, _, err = cli(
        "batch", "m.csv", "--init", "start.png", "--steps", 4, "--grid", "denoise=0.25,0.5,1", "--out", "out"
    )
    assert (status, "3 painted" in err) == (0, True), err


def test_a_row_without_its_picture_is_told_before_anything_is_painted(cli: Run, painter: FakePainter) -> None:
    Path("m.csv").write_text("depth,prompt,init\ndepth.npy,p,absent.png\n")
    status, _, err = cli("batch", "m.csv", "--out", "out")
    assert status != 0
    assert "cannot read absent.png: the file does not exist" in err
    assert not painter.calls
    Path("m.csv").write_text("depth,prompt,init,name\ndepth.npy,p,out/a.png,a\n")
    another("a.png")
    Path("out").mkdir(exist_ok=True)
    Path("a.png").rename("out/a.png")
    before = Path("out/a.png").read_bytes()
    assert cli("batch", "m.csv", "--out", "out", "--overwrite")[0] != 0
    assert Path("out/a.png").read_bytes() == before
