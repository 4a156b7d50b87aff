"""`inspect` from the command line: its output, its files and its errors."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from pydantic import BaseModel

from depthpaint.core.setting import with_defaults
from depthpaint.depth.depth_map import DepthReading
from depthpaint.record.picture_file import read_record
from fake_painter import FakePainter
from made_depth import bone
from running import running

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def scans(work: Path) -> Path:
    """Five maps in a folder, one of them noise."""
    ramp = np.linspace(0, 1, 96 * 128, dtype=np.float32).reshape(96, 128)
    folder = work / "scans"
    folder.mkdir()
    for k in range(4):
        np.save(folder / f"s{k}.npy", ramp * (k + 1))
    np.save(folder / "noise.npy", np.random.default_rng(0).random((64, 64), np.float32))
    return folder


def test_one_file_is_told_with_evidence_and_verdict(cli: Run) -> None:
    status, out, err = cli("inspect", "depth.npy")
    assert (status, err) == (0, "")
    assert "128x96 NPY, 32 bits, 12288 levels" in out
    assert "near" in out
    assert "the bottom against the top" in out
    assert out.rstrip().endswith("ready")


def test_many_files_are_a_table(cli: Run, scans: Path) -> None:
    status, out, _ = cli("inspect", *sorted(scans.glob("*.npy")))
    lines = out.splitlines()
    assert status == 3
    assert lines[0].split() == "file size format bits colours near kind range holes verdict".split()
    assert sum(line.endswith(" ready") and not line.endswith("not ready") for line in lines) == 4
    assert "--near white or --near black" in lines[-1]
    rows = json.loads(cli("inspect", *sorted(scans.glob("*.npy")), "--json")[1])["files"]
    assert [row["certain"] for row in rows] == [False, True, True, True, True]
    assert rows[0]["error"] == "depth_ambiguous"


def test_the_json_has_what_was_inferred_with_its_confidence(cli: Run) -> None:
    (row,) = json.loads(cli("inspect", "depth.npy", "--json")[1])["files"]
    assert {
        "path",
        "format",
        "size",
        "bits",
        "levels",
        "colour_map",
        "near",
        "kind",
        "invalid",
        "advice",
    } <= set(row)
    assert set(row["confidence"]) == {"near", "kind"}
    assert row["evidence"]["near"]
    assert row["certain"] is True
    (row,) = json.loads(cli("inspect", "depth.npy", "--near", "black", "--json")[1])["files"]
    assert (row["near"], row["confidence"]["near"]) == ("black", 1)


@pytest.mark.parametrize("ending", [".png", ".npy", ".exr"])
def test_the_understood_depth_is_written_and_read_back_the_same(cli: Run, work: Path, ending: str) -> None:
    near_black = 65_535 - np.rint(np.load(work / "depth.npy") * 65_535).astype(np.uint16)
    Image.fromarray(near_black).save(work / "inverted.png")
    status, out, _ = cli("inspect", "inverted.png", "--kind", "disparity", "--as", f"out/clean{ending}")
    assert (status, out) == (0, f"out/clean{ending}\n")
    if ending == ".exr":
        pytest.importorskip("OpenEXR")
    from depthpaint.depth.read import read_depth

    written = read_depth(work / "out" / f"clean{ending}", DepthReading(near="white", kind="disparity"))
    assert np.abs(written.values - (1 - near_black / 65_535.0)).max() < 1 / 65_000
    status, _, err = cli("inspect", "inverted.png", "--kind", "disparity", "--as", f"out/clean{ending}")
    assert status == 8
    assert "File exists" in err
    assert "--overwrite" in err
    assert cli("inspect", "inverted.png", "--as", f"out/clean{ending}", "--overwrite")[0] == 0


def test_several_files_go_into_a_folder_that_says_its_format(cli: Run, work: Path, scans: Path) -> None:
    files = sorted(scans.glob("s*.npy"))
    status, out, _ = cli("inspect", *files, "--as", "understood.png/")
    assert status == 0
    assert out.split() == [f"understood.png/s{k}.png" for k in range(4)]
    with Image.open(work / "understood.png/s0.png") as first:
        assert first.mode == "I;16"
    status, _, err = cli("inspect", *files, "--as", "nowhere")
    assert status == 2
    assert "depth.npy/" in err


def test_a_folder_is_one_sequence(cli: Run, work: Path, scans: Path) -> None:
    (scans / "noise.npy").unlink()
    status, out, err = cli("inspect", "scans", "--as", "all.npy/")
    assert status == 0
    assert "4 frames as one sequence" in err
    tops = [float(np.load(work / path).max()) for path in out.split()]
    assert tops == pytest.approx([0.25, 0.5, 0.75, 1.0])


def test_a_folder_of_two_kinds_is_no_sequence(cli: Run, work: Path) -> None:
    (work / "film").mkdir()
    ramp = np.linspace(0, 1, 96 * 128).reshape(96, 128)
    for k in range(3):
        Image.fromarray(bone(ramp)).save(work / "film" / f"{k}.png")
    Image.fromarray(np.rint(ramp * 255).astype(np.uint8)).save(work / "film" / "3.png")
    status, out, err = cli("inspect", "film", "depth.npy", "--json")
    refused, other = json.loads(out)["files"]
    assert (status, err, refused["path"], refused["error"]) == (3, "", "film", "depth_bad_shape")
    assert "0.png is drawn with the colour map bone, 3.png is gray" in refused["advice"][0]
    assert other["near"] == "white"
    status, out, err = cli("inspect", "film", "--as", "all.npy/")
    assert (status, out) == (3, "")
    assert err.count("\n") == 1
    assert "film is not one sequence" in err


def test_four_wrong_frames_are_not_certain_together(cli: Run, work: Path) -> None:
    (work / "film").mkdir()
    far_is_bright = np.linspace(0, 1, 96 * 128, dtype=np.float32).reshape(96, 128)[::-1]
    for k in range(4):
        np.save(work / "film" / f"{k}.npy", far_is_bright)
    (alone,) = json.loads(cli("inspect", "film/0.npy", "--json")[1])["files"]
    together = json.loads(cli("inspect", "film", "--json")[1])["files"]
    assert [row["confidence"]["near"] for row in together] == [alone["confidence"]["near"]] * 4
    assert alone["confidence"]["near"] < 1
    assert "given" not in together[0]["evidence"]["near"]


def test_a_preview_lies_beside_the_file(cli: Run, work: Path) -> None:
    assert cli("inspect", "depth.npy", "--preview")[0] == 0
    preview = np.asarray(Image.open(work / "depth-understood.png"))
    assert preview.shape == (96, 128, 3)
    assert preview[0, 0, 0] < 10
    assert preview[-1, -1, 0] > 245
    assert cli("inspect", "depth.npy", "--preview")[0] == 8
    assert cli("inspect", "depth.npy", "--preview", "--overwrite")[0] == 0


def test_standard_input(cli: Run, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = (work / "depth.npy").read_bytes()

    def piped(terminal: bool) -> SimpleNamespace:
        return SimpleNamespace(buffer=io.BytesIO(data), isatty=lambda: terminal)

    monkeypatch.setattr(sys, "stdin", piped(terminal=False))
    status, out, _ = cli("inspect", "-", "--json")
    assert status == 0
    assert json.loads(out)["files"][0]["size"] == "128x96"
    monkeypatch.setattr(sys, "stdin", piped(terminal=False))
    assert cli("generate", "-", "a ball", "--steps", 2)[0] == 0
    monkeypatch.setattr(sys, "stdin", piped(terminal=True))
    status, out, _ = cli("inspect", "-")
    assert status == 3
    assert "there is no data on standard input" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--near", "grey"], "near"), (["--kind", "metric"], "kind"), (["--unit", "inch"], "unit"),
        (["--unit", "0,001"], "such as 0.0001"), (["--unit=-1"], "such as 0.0001"),
        (["--colour-map", "parula"], "colour_map"), (["--range", "3:1"], "LOW:HIGH"),
        (["--holes", "leave"], "holes"), (["--empty", "x"], "empty"), (["--frame", "no"], "frame"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", [["inspect", "depth.npy"], ["generate", "depth.npy", "p"]])
def test_bad_flags_are_one_line(cli: Run, command: list[str], arguments: list[str], message: str) -> None:
    status, out, err = cli(*command, *arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_generate_refuses_what_it_cannot_tell_and_takes_the_flag(
    cli: Run, work: Path, scans: Path, painter: FakePainter
) -> None:
    status, _, err = cli("generate", "scans/noise.npy", "p")
    assert status == 3
    assert "--near white or --near black" in err
    assert not painter.calls
    assert cli("generate", "scans/noise.npy", "p", "--near", "white")[0] == 0


def test_replay_needs_no_flag_to_understand_the_map_the_same_way(cli: Run, scans: Path) -> None:
    flags = ["--near", "black", "--range", "0.2:0.9", "--kind", "distance"]
    path = cli("generate", "scans/noise.npy", "p", "--steps", 2, *flags)[1].strip()
    status, out, _ = cli("replay", path)
    assert status == 0
    assert "bit-equal" in out


def test_replay_reads_a_map_in_steps_of_its_unit(cli: Run, work: Path) -> None:
    np.save(work / "steps.npy", np.rint(np.load(work / "depth.npy") * 20_000 + 5000).astype(np.uint16))
    path = cli("generate", "steps.npy", "p", "--steps", 2, "--unit", "0.0001")[1].strip()
    record = read_record(work / path)
    assert (record.settings.unit, record.depth.metres, record.settings.near) == (0.0001, 0.0001, "black")
    assert "bit-equal" in cli("replay", path)[1]


def test_inspecting_a_png_imports_no_model_and_no_other_decoder(work: Path) -> None:
    millimetres(work)
    code = (
        "import sys; from depthpaint.cli.main import run; assert run(['inspect', 'scan.png', '-q']) == 0; "
        "print(*sorted(name for name in sys.modules if name.startswith('depthpaint.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    names = set(loaded.split())
    assert "depthpaint.formats.png" in names
    others = {f"formats.{name}" for name in ("exr", "tiff", "jpeg", "webp", "npz", "foreign")}
    others |= {"engine", "plan", "picture", "models.registry"}
    assert not names & {f"depthpaint.{name}" for name in others}


def test_values_are_computed_only_where_they_are_written(
    cli: Run, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from depthpaint.depth import understand

    millimetres(work)
    (row,) = json.loads(cli("inspect", "scan.png", "--json")[1])["files"]
    assert cli("inspect", "scan.png", "--as", "new.npy")[0] == 0
    assert np.load("new.npy").max() == 1
    filled: list[object] = []

    def fill(values: object, valid: object) -> object:
        filled.append(valid)
        return values

    monkeypatch.setattr(understand, "inpainted", fill)
    assert json.loads(cli("inspect", "scan.png", "--json")[1])["files"] == [row]
    assert not filled


def test_points_of_a_lidar_are_ready_and_say_what_becomes_of_the_rest(cli: Run, work: Path) -> None:
    numbers = np.load(work / "depth.npy")
    numbers[np.random.default_rng(0).random(numbers.shape) < 0.6] = np.nan
    np.save(work / "sparse.npy", numbers)
    status, out, _ = cli("inspect", "sparse.npy")
    assert status == 0
    assert "unknown, filled from their surroundings" in out
    assert "put at the far plane" in cli("inspect", "sparse.npy", "--holes", "far")[1]


@pytest.mark.parametrize("number", [0.5, 0.0])
def test_a_flat_map_is_not_ready(cli: Run, work: Path, number: float) -> None:
    np.save(work / "flat.npy", np.full((96, 128), number, np.float32))
    status, out, _ = cli("inspect", "flat.npy")
    assert status == 3
    assert not out.rstrip().endswith("ready")
    assert "--allow-constant" in out
    (row,) = json.loads(cli("inspect", "flat.npy", "--json")[1])["files"]
    assert (row["error"], row["size"]) == ("depth_constant", "128x96")


def test_the_profile_changes_what_the_network_sees_and_is_recorded(cli: Run, work: Path) -> None:
    records = [
        read_record(work / cli("generate", "depth.npy", "p", "--steps", 2, "--profile", name)[1].strip())
        for name in ("midas", "zoe")
    ]
    assert [record.settings.profile for record in records] == ["midas", "zoe"]
    assert records[0].digests.control != records[1].digests.control


@pytest.mark.parametrize("ending", ["npy", "png", "tiff", "exr"])
def test_the_largest_map_is_a_flag(cli: Run, work: Path, ending: str) -> None:
    file = work / f"map.{ending}"
    if ending == "tiff":
        Image.fromarray(np.load("depth.npy")).save(file)
    else:
        assert cli("inspect", "depth.npy", "--near", "white", "--as", file)[0] == 0
    pixels = 96 * 128
    status, out, _ = cli("inspect", file, "--near", "white", "--max-pixels", pixels - 1)
    assert status == 3
    assert f"is {pixels:,} pixels, the limit is {pixels - 1:,}" in out
    assert f"--max-pixels {pixels}" in out
    assert cli("inspect", file, "--near", "white", "--max-pixels", pixels)[0] == 0
    assert cli("generate", file, "a room", "--near", "white", "--max-pixels", pixels - 1)[0] == 3
    assert cli("generate", file, "a room", "--near", "white", "--max-pixels", pixels)[0] == 0
    assert cli("inspect", file, "--max-pixels", 2**31)[0] == 2


def test_a_record_does_not_say_how_large_a_map_may_be(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = 96 * 128
    assert cli("generate", "depth.npy", "a room", "--near", "white", "--name", "large")[0] == 0
    monkeypatch.setattr("depthpaint.formats.samples.MAX_PIXELS", pixels - 1)

    def less(group: type[BaseModel], values: dict[str, object]) -> object:
        limit = {"max_pixels": pixels - 1} if group is DepthReading else {}
        return with_defaults(group, {**limit, **values})

    monkeypatch.setattr("depthpaint.core.setting.with_defaults", less)
    for command in ("replay", "verify"):
        status, _, err = cli(command, "output_images/large.png")
        assert (status, f"--max-pixels {pixels}" in err) == (3, True)
        assert cli(command, "output_images/large.png", "--max-pixels", pixels)[0] == 0


def test_no_output_replaces_another_input_or_output(cli: Run, work: Path) -> None:
    (work / "m.png").mkdir()
    flags = ("--near", "white", "--overwrite")
    for name in ("a.png", "a-understood.png"):
        assert cli("inspect", "depth.npy", "--near", "white", "--as", work / "m.png" / name)[0] == 0
    np.save(work / "m.png" / "a.npy", np.load("depth.npy"))
    before = {path.name: path.read_bytes() for path in (work / "m.png").iterdir()}
    for command in (
        ("inspect", "m.png/a.npy", "m.png/a.png", *flags, "--as", "m.png/"),
        ("inspect", "m.png/a.png", "m.png/a-understood.png", *flags, "--preview"),
        ("inspect", "m.png/a.npy", "m.png/a.png", *flags, "--as", "new.npy/"),
    ):
        assert cli(*command)[0] == 8
        assert {path.name: path.read_bytes() for path in (work / "m.png").iterdir()} == before


def test_standard_input_that_does_not_block_is_waited_for(work: Path) -> None:
    data = (work / "depth.npy").read_bytes()
    read, write = os.pipe()
    os.set_blocking(read, False)
    command = [sys.executable, "-m", "depthpaint", "inspect", "-", "--near", "white"]
    with running(command, stdin=read, stdout=subprocess.PIPE, text=True) as process:
        os.close(read)
        for start in range(0, len(data), 16_384):
            os.write(write, data[start : start + 16_384])
        os.close(write)
        assert "ready" in process.communicate()[0]
        assert process.returncode == 0


def test_an_array_of_objects_is_named(cli: Run, work: Path) -> None:
    objects = np.full((9, 9), 1.5, dtype=object)
    np.save(work / "objects.npy", objects, allow_pickle=True)
    status, out, err = cli("inspect", "objects.npy")
    assert status == 3
    assert "an array of Python objects" in out + err


def millimetres(work: Path, name: str = "scan.png") -> None:
    """A scan of 0.5 to 4 m whose upper left corner was not measured."""
    stored = np.rint(500 + 3500 * (1 - np.load(work / "depth.npy").astype(np.float64))).astype(np.uint16)
    stored[:20, :30] = 0
    Image.fromarray(stored).save(work / name)


def test_the_json_has_the_unit_the_frame_and_what_holes_mean(cli: Run, work: Path) -> None:
    millimetres(work)
    (row,) = json.loads(cli("inspect", "scan.png", "--json")[1])["files"]
    assert (row["unit"], row["metres_per_step"], row["metres"]) == ("mm", 0.001, None)
    assert row["frame"] is None
    assert row["holes"]["fill"] == "inpaint"
    assert row["holes"]["meaning"] == "4.9% unknown, filled from their surroundings"
    assert "many pixels hold exactly 0" in row["holes"]["why"]
    assert "at most half of the map" in row["holes"]["why"]
    (row,) = json.loads(cli("inspect", "scan.png", "--json", "--unit", "0.0001", "--holes", "far")[1])[
        "files"
    ]
    assert (row["unit"], row["metres_per_step"], row["metres"]) == ("0.0001 m", 0.0001, 0.0001)
    assert (row["holes"]["fill"], "as given" in row["holes"]["why"]) == ("far", True)
    framed = np.zeros((120, 128), np.uint8)
    framed[12:108] = np.rint(30 + 200 * np.load(work / "depth.npy"))
    Image.fromarray(framed).save(work / "framed.png")
    (row,) = json.loads(cli("inspect", "framed.png", "--json")[1])["files"]
    assert row["frame"] == {
        "left": 0,
        "top": 12,
        "right": 128,
        "bottom": 108,
        "what": "letterbox bars around the map",
    }
    assert (row["unit"], row["metres_per_step"], row["holes"]) == (None, None, None)


def test_quiet_prints_nothing_but_errors(cli: Run, work: Path) -> None:
    np.save(work / "noise.npy", np.random.default_rng(0).random((64, 64), np.float32))
    assert cli("inspect", "depth.npy", "-q") == (0, "", "")
    assert cli("inspect", *["depth.npy"] * 5, "-q") == (0, "", "")
    assert cli("inspect", "depth.npy", "--as", "new.npy", "-q") == (0, "", "")
    status, out, err = cli("inspect", "depth.npy", "noise.npy", "-q")
    assert (status, out, err.count("\n")) == (3, "", 1)
    assert "depthpaint: error: noise.npy" in err
    status, out, err = cli("inspect", "depth.npy", "--json", "-q")
    assert (status, err, len(json.loads(out)["files"])) == (0, "", 1)


def test_numbers_have_all_digits_before_the_point(cli: Run, work: Path) -> None:
    ramp = np.load(work / "depth.npy").astype(np.float64)
    np.save(work / "steps.npy", np.rint(1000 + ramp * 63_152).astype(np.uint16))
    np.save(work / "floats.npy", 1000 + ramp * 123_456.7)
    shown = cli("inspect", "steps.npy", "--near", "white", "--kind", "distance", "--unit", "1")[1]
    assert "1000 to 64152, white is near" in shown
    assert "e+" not in shown
    assert "1000 to 124457" in cli("inspect", "floats.npy", "--near", "white")[1]
    assert "1000 to 64152" in cli("inspect", *["steps.npy"] * 5, "--near", "white")[1]
    err = cli("generate", "steps.npy", "p", "--near", "white", "--steps", 2)[2]
    assert "from 1000 to 64152" in err


def test_only_what_was_given_is_called_given(cli: Run, work: Path) -> None:
    millimetres(work)
    assert "as given" not in cli("inspect", "scan.png")[1]
    for flags in (["--near", "black"], ["--kind", "distance"], ["--unit", "mm"], ["--range", "600:3000"],
                  ["--holes", "far"], ["--empty", "0"]):  # fmt: skip
        assert "as given" in cli("inspect", "scan.png", *flags)[1], flags
    first = cli("generate", "scan.png", "p", "--steps", 2)[1].strip()
    assert cli("replay", first, "--out", "again")[0] == 0
    (second,) = (work / "again").iterdir()
    assert read_record(second).depth.findings == read_record(work / first).depth.findings
    assert "given" not in read_record(second).to_json()


def test_a_flat_map_is_ready_only_with_the_flag(cli: Run, work: Path) -> None:
    np.save(work / "flat.npy", np.full((96, 128), 3.0, np.float32))
    assert cli("inspect", "flat.npy")[0] == 3
    status, out, _ = cli("inspect", "flat.npy", "--allow-constant")
    assert status == 0
    assert out.rstrip().endswith("ready")
