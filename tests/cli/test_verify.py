"""`verify`: right depths agree, wrong ones do not, and every way to go wrong is one line.

The fake estimator takes for near what is bright and low in the picture.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from depthpaint.depth.slopes import CHANCE

Run = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.usefixtures("painter")


@pytest.fixture
def matching(work: Path) -> Path:
    """A picture whose brightness and rows follow depth.npy."""
    depth = np.load(work / "depth.npy")
    Image.fromarray(np.repeat(np.rint(depth * 255).astype(np.uint8)[..., None], 3, axis=2)).save(
        "matching.png"
    )
    return work / "matching.png"


def sideways(name: str) -> None:
    """A picture that is near on the right, where depth.npy is near below."""
    ramp = np.tile(np.linspace(0, 255, 128).astype(np.uint8), (96, 1))
    Image.fromarray(np.repeat(ramp[..., None], 3, axis=2)).save(name)


def scores(cli: Run, *arguments: object) -> dict[str, Any]:
    status, out, _ = cli("verify", *arguments, "--estimator", "fake", "--json")
    assert status == 0
    return json.loads(out)["images"][0]


def test_a_picture_of_the_asked_depth_agrees_and_of_another_does_not(cli: Run, matching: Path) -> None:
    right = scores(cli, matching, "--depth", "depth.npy")
    assert list(right)[:2] == ["path", "depth_agreement"], "the score that counts comes first"
    assert right["depth_agreement"] > 0.99
    assert right["rank_correlation"] > 0.999
    assert right["affine_rmse"] < 0.01
    assert right["rmse_8bit"] < 2
    assert right["delta_1_25"] > 0.9
    sideways("sideways.png")
    wrong = scores(cli, "sideways.png", "--depth", "depth.npy")
    assert wrong["depth_agreement"] < right["depth_agreement"] / 2
    assert wrong["rank_correlation"] < right["rank_correlation"]
    assert wrong["rmse_8bit"] > 10


def test_a_painted_picture_knows_its_own_depth(cli: Run) -> None:
    _, out, _ = cli("generate", "depth.npy", "a room", "-q")
    found = scores(cli, out.strip())
    assert found["path"] == out.strip()
    assert -1 <= found["rank_correlation"] <= 1
    assert set(found) >= {"abs_rel", "edge_f_score", "estimator"}


def test_too_little_agreement_is_a_failure(cli: Run, matching: Path) -> None:
    arguments = ("verify", matching, "--depth", "depth.npy", "--estimator", "fake", "--min-agreement")
    assert cli(*arguments, "0.9")[0] == 0
    sideways("matching.png")
    status, out, _ = cli(*arguments, "0.9")
    assert status == 4
    assert "matching.png: depth agreement " in out
    found = scores(cli, matching, "--depth", "depth.npy")
    between = (found["depth_agreement"] + found["rank_correlation"]) / 2
    assert cli(*arguments, between)[0] == (4 if found["depth_agreement"] < between else 0)
    assert f"(a wrong map: below {CHANCE:g}; this map mirrored: " in out


def test_maps_show_where_they_part(cli: Run, matching: Path) -> None:
    status, _, err = cli(
        "verify", matching, "--depth", "depth.npy", "--estimator", "fake", "--maps", "checked"
    )
    assert status == 0, err
    with Image.open("checked/matching-verified.png") as drawn:
        height, width = np.load("depth.npy").shape
        assert drawn.size == (4 * width, height)
        difference = np.asarray(drawn)[:, 3 * width :]
    assert difference.min() > 230, "nothing to see where both agree"


def test_what_cannot_be_verified_is_one_line(cli: Run, matching: Path, work: Path) -> None:
    Path("none.png").write_bytes(b"no picture")
    for arguments, words in (
        ((matching,), "not painted by depthpaint"),
        (("missing.png", "--depth", "depth.npy"), "missing.png"),
        (("none.png", "--depth", "depth.npy"), "none.png"),
        ((matching, "--depth", "nothing.npy"), "nothing.npy"),
    ):
        status, out, err = cli("verify", *arguments, "--estimator", "fake")
        assert (status, out) == (3, ""), arguments
        assert words in err
        assert err.count("\n") == 1


def test_one_bad_picture_stops_no_other(cli: Run, matching: Path) -> None:
    status, out, err = cli("verify", "gone.png", matching, "--depth", "depth.npy", "--estimator", "fake")
    assert status == 4
    assert "gone.png" in err
    assert out.count("\n") == 1


@pytest.mark.full
def test_a_folder_is_all_its_painted_pictures(cli: Run, matching: Path, work: Path) -> None:
    for seed in (1, 2, 3):
        assert cli("generate", "depth.npy", "a room", "--seed", seed, "-q")[0] == 0
    Path("output_images/stranger.png").write_bytes(matching.read_bytes())
    status, out, err = cli("verify", "output_images", "--estimator", "fake", "--maps", "output_images")
    assert status == 0
    assert len(out.splitlines()) == 3
    assert "pictures 3, depth agreement median" in err
    # What --maps wrote is no picture to verify.
    _, out, _ = cli("verify", "output_images", "--estimator", "fake", "--json")
    document = json.loads(out)
    assert document["wrong_map_below"] == CHANCE
    for score in ("depth_agreement", "rank_correlation", "detail_correlation"):
        found = [image[score] for image in document["images"]]
        assert document["summary"]["pictures"] == len(found) == 3
        assert document["summary"][f"{score}_median"] == pytest.approx(np.median(found), abs=1e-4)
    (work / "empty").mkdir()
    status, _, err = cli("verify", "empty")
    assert status == 2
    assert "no picture to verify" in err


def test_folders_are_paired_by_name(cli: Run, matching: Path, work: Path) -> None:
    (work / "pictures").mkdir()
    (work / "maps").mkdir()
    right = np.load("depth.npy")
    for name, depth in (("a", right), ("b", right), ("wrong", np.ascontiguousarray(right.T[:96, :96]))):
        (work / f"pictures/{name}.png").write_bytes(matching.read_bytes())
        np.save(work / f"maps/{name}.npy", depth)
    Image.new("RGB", (64, 64)).save(work / "pictures/alone.jpg")
    np.save(work / "maps/b.extra.npy", right)
    status, out, _ = cli("verify", "pictures", "--depth", "maps", "--estimator", "fake", "--json")
    assert status == 4
    rows = {Path(row["path"]).name: row for row in json.loads(out)["images"]}
    assert "no map of its name" in rows["alone.jpg"]["why"]
    assert rows["a.png"]["rank_correlation"] > 0.99
    assert rows["b.png"]["rank_correlation"] > 0.99
    wrong = rows["wrong.png"]
    assert "error" in wrong or abs(wrong["rank_correlation"]) < 0.9
    Image.fromarray(np.rint(right * 65535).astype(np.uint16)).save(work / "maps/a.png")
    _, out, _ = cli(
        "verify", "pictures/a.png", "pictures/b.png", "--depth", "maps", "--estimator", "fake", "--json"
    )
    (a, b) = json.loads(out)["images"]
    assert "several maps of its name: a.npy, a.png" in a["why"]
    assert "error" not in b


@pytest.mark.full
def test_a_recorded_picture_finds_its_map_where_it_has_moved(cli: Run, work: Path) -> None:
    _, out, _ = cli("generate", "depth.npy", "a room", "-q")
    (work / "moved").mkdir()
    (work / "depth.npy").rename(work / "moved/depth.npy")
    status, _, err = cli("verify", out.strip(), "--estimator", "fake")
    assert status == 3
    assert "or the folder that contains it, with --depth" in err
    assert -1 <= scores(cli, out.strip(), "--depth", "moved")["rank_correlation"] <= 1
    assert "bit-equal" in cli("replay", out.strip(), "--depth", "moved")[1]
    assert cli("report", "output_images", "--depth", "moved", "-q")[0] == 0
    assert "expected depth" in Path("output_images/report.html").read_text(encoding="utf-8")
    assert cli("report", "output_images", "-q")[0] == 0
    assert "expected depth" not in Path("output_images/report.html").read_text(encoding="utf-8")
    np.save("moved/depth.npy", np.load("moved/depth.npy") ** 2)
    assert "has changed since" in cli("verify", out.strip(), "--depth", "moved")[2]


def test_a_clip_adds_its_scores_and_its_name(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts: list[str | None] = []

    class Judge:
        name = "tiny-clip"

        def __init__(self, name: str) -> None:
            assert name == "somewhere"

        def scores(self, pixels: np.ndarray, prompt: str | None) -> SimpleNamespace:
            prompts.append(prompt)
            return SimpleNamespace(text=None if prompt is None else 31.4159, quality=0.75)

    monkeypatch.setitem(
        sys.modules, "depthpaint.models.estimators.clip", cast("Any", SimpleNamespace(ClipJudge=Judge))
    )
    _, out, _ = cli("generate", "depth.npy", "a room", "-q")
    found = scores(cli, out.strip(), "--clip", "somewhere")
    assert (found["clip_score"], found["clip_iqa"], found["clip"]) == (31.416, 0.75, "tiny-clip")
    sideways("sideways.png")
    arguments = ("sideways.png", "--depth", "depth.npy", "--clip", "somewhere")
    assert "clip_score" not in scores(cli, *arguments)
    assert prompts == ["a room", None]
    _, out, _ = cli("verify", *arguments, "--estimator", "fake")
    assert "; quality 0.75 (by tiny-clip)" in out


def test_a_clip_that_is_not_there_is_one_line(cli: Run) -> None:
    _, out, _ = cli("generate", "depth.npy", "a room", "-q")
    status, _, err = cli("verify", out.strip(), "--clip", "no such folder")
    assert status == 5
    assert "no CLIP 'no such folder'" in err
    monkey = pytest.MonkeyPatch()
    monkey.delitem(sys.modules, "depthpaint.models.estimators.clip", raising=False)
    monkey.setitem(sys.modules, "torch", None)
    status, _, err = cli("verify", out.strip(), "--clip", "openai/clip-vit-large-patch14")
    monkey.undo()
    assert status == 5
    assert "[sd]" in err


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 7)])
def test_a_picture_of_a_few_pixels_is_one_line_and_stops_no_other(
    cli: Run, matching: Path, size: tuple[int, int]
) -> None:
    Image.new("RGB", size, "gray").save("thin.png")
    status, out, err = cli("verify", "thin.png", matching, "--depth", "depth.npy", "--estimator", "fake")
    assert status == 4
    assert "thin.png is too small" in err
    assert out.count("\n") == 1


def test_maps_of_pictures_of_one_name_lie_side_by_side(cli: Run, matching: Path, work: Path) -> None:
    images = [work / name for name in ("a/x.png", "b/x.png", "b/X.png", "c/x-2.png")]
    for image in images:
        image.parent.mkdir(exist_ok=True)
        image.write_bytes(matching.read_bytes())
    arguments = ("--depth", "depth.npy", "--estimator", "fake", "--maps", "checked", "--json")
    status, out, _ = cli("verify", *images, *arguments)
    assert status == 0
    drawn = [Path(row["map"]) for row in json.loads(out)["images"]]
    assert [path.name for path in drawn] == [
        "x-verified.png", "x-3-verified.png", "X-4-verified.png", "x-2-verified.png",
    ]  # fmt: skip
    assert sorted(Path("checked").iterdir()) == sorted(drawn)


def test_unreadable_pictures_in_a_folder_are_named(cli: Run, matching: Path, work: Path) -> None:
    _, out, _ = cli("generate", "depth.npy", "a room", "-q")
    painted = Path(out.strip())
    folder = painted.parent
    (folder / "text.png").write_bytes(b"no picture")
    (folder / "empty.png").touch()
    (folder / "cut.png").write_bytes(painted.read_bytes()[:60])
    (folder / "nowhere.png").symlink_to("missing")
    (folder / "stranger.png").write_bytes(matching.read_bytes())
    Image.open(matching).save(folder / "a photo, in truth.png", "JPEG")
    status, out, err = cli("verify", folder, "--estimator", "fake")
    assert status == 4
    assert out.count("\n") == 1
    for name in ("text", "empty", "cut", "nowhere"):
        assert f"{name}.png: " in err
    assert "stranger" not in err + out
    assert "in truth" not in err + out


@pytest.mark.parametrize("command", ["verify", "replay"])
def test_the_largest_map_is_the_setting_of_generate(cli: Run, command: str) -> None:
    out = cli("generate", "depth.npy", "a ball", "--steps", 1)[1].strip()
    more = ("--estimator", "fake") if command == "verify" else ()
    for wrong in ("0", "-5", "x"):
        status, _, err = cli(command, out, *more, "--max-pixels", wrong)
        assert status == 2
        assert "max_pixels: must be" in err
    status, _, err = cli(command, out, *more, "--max-pixels", 96 * 128 - 1)
    assert status == 3 and "too large" in err
    assert cli(command, out, *more, "--max-pixels", 96 * 128)[0] == 0
    helps = [" ".join(cli(name, "--help")[1].split()) for name in ("generate", command)]
    lines = [re.findall(r"--max-pixels N .*?33554432\.", text) for text in helps]
    assert len(lines[0]) == 1 and lines[0] == lines[1]


def painted(cli: Run, *flags: object) -> str:
    status, out, err = cli("generate", "depth.npy", "a room", "--steps", 2, "-q", *flags)
    assert status == 0, err
    return out.strip()


def test_another_map_is_read_anew_and_not_as_recorded(cli: Run) -> None:
    path = painted(cli)
    own = scores(cli, path)
    # The same depths in millimetres: the small numbers are near, and some are missing.
    nearness = np.load("depth.npy").astype(np.float64)
    millimetres = np.rint(1000 / (0.1 + 0.9 * nearness)).astype(np.uint16)
    np.save("scan.npy", millimetres)
    other = scores(cli, path, "--depth", "scan.npy")
    assert (own["reading"], own["near"]) == ("as recorded", "white")
    assert (other["reading"], other["near"], other["kind"]) == ("anew, not as recorded", "black", "distance")
    assert other["rank_correlation"] == pytest.approx(own["rank_correlation"], abs=0.01)
    _, out, _ = cli("verify", path, "--depth", "scan.npy", "--estimator", "fake")
    assert "scan.npy read anew, not as recorded, black is near" in out
    forced = scores(cli, path, "--depth", "scan.npy", "--near", "white", "--kind", "disparity")
    assert forced["rank_correlation"] == pytest.approx(-other["rank_correlation"], abs=0.01)
    assert forced["reading"] == "anew, not as recorded, with --near --kind"


def test_the_recorded_map_under_another_name_is_read_as_recorded(cli: Run, work: Path) -> None:
    path = painted(cli, "--near", "black", "--range", "0.1:0.8")
    own = scores(cli, path)
    (work / "depth.npy").rename("moved.npy")
    moved = scores(cli, path, "--depth", "moved.npy")
    assert {**own, "depth": "moved.npy"} == moved
    assert (moved["reading"], moved["near"]) == ("as recorded", "black")
    flagged = scores(cli, path, "--depth", "moved.npy", "--near", "white")
    assert (flagged["reading"], flagged["near"]) == ("as recorded, with --near", "white")
    assert flagged["rank_correlation"] == pytest.approx(-own["rank_correlation"], abs=0.01)
    metric = scores(cli, path, "--depth", "moved.npy", "--unit", "0.001")
    assert (metric["near"], metric["kind"]) == ("black", "distance")


def test_the_recorded_map_from_a_pipe_is_read_as_recorded(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    path = painted(cli, "--near", "black")
    data = Path("depth.npy").read_bytes()
    stdin = SimpleNamespace(buffer=io.BytesIO(data), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", stdin)
    assert scores(cli, path, "--depth", "-")["reading"] == "as recorded"


def test_another_map_that_is_not_certain_is_asked_about_and_the_flag_exists(cli: Run) -> None:
    path = painted(cli)
    np.save("noise.npy", np.random.default_rng(0).random((64, 64), np.float32))
    status, _, err = cli("verify", path, "--depth", "noise.npy", "--estimator", "fake")
    assert status == 3
    assert "--near white or --near black" in err
    assert cli("verify", path, "--depth", "noise.npy", "--estimator", "fake", "--near", "white")[0] == 0


def test_scores_as_a_flat_table(cli: Run, work: Path) -> None:
    _, out, _ = cli("generate", "depth.npy", "a room", "-q")
    Path("output_images/text.png").write_text("no picture")
    arguments = (
        "verify",
        out.strip(),
        "output_images/text.png",
        "--depth",
        "depth.npy",
        "--estimator",
        "fake",
    )
    assert cli(*arguments, "--csv", "scores.csv")[0] == 4
    with Path("scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    (row,) = json.loads(cli("verify", out.strip(), "--estimator", "fake", "--json")[1])["images"]
    assert {name: value for name, value in rows[0].items() if value} == {
        name: str(value) for name, value in row.items() if value is not None
    }
    assert (rows[1]["error"], rows[1]["depth_agreement"]) == ("picture_unreadable", "")
    assert cli(*arguments, "--csv", "scores.csv")[0] == 4
    Path("scores.csv").write_text("mine")
    assert cli(*arguments, "--csv", "scores.csv")[0] == 8
    assert Path("scores.csv").read_text() == "mine"
