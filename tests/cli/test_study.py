"""Studies: grids that are painted once, verdicts that a painter who ignores depth does not pass."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from depthpaint.core.statistics import interval_of
from fake_painter import FakePainter

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def sided(work: Path) -> None:
    """A depth map that is no mirror image of itself; the fake estimator takes bright for near."""
    depth = np.zeros((96, 128), np.float32)
    depth[20:80, 10:50] = 0.6
    depth[60:96, 20:40] = 1.0
    depth[::7] += 0.05
    np.save(work / "depth.npy", depth / depth.max())


def study(cli: Run, what: str, *arguments: object) -> tuple[dict[str, Any], str]:
    options = [f"--set={field}" for field in (
        "near=white", "kind=disparity", "range=full", "frame=keep", "finish=false", "guidance_scale=2",
        "sampler=dpm++-2m", "schedule=trailing",
    )]  # fmt: skip
    status, out, err = cli(
        "study", what, "depth.npy", "a room", "--verify-with", "fake", *options, *arguments
    )
    assert status == 0, err
    return json.loads(Path(f"{what}-study/study.json").read_text()), out


@pytest.mark.full
def test_the_aspect_study_paints_every_ratio_in_every_way_with_every_seed(cli: Run) -> None:
    data, out = study(cli, "aspect", "--ratios", "1:2,2:1", "--seeds", 2, "--set", "num_inference_steps=2")
    pictures = data["pictures"]
    assert len(pictures) == 3 * 4 * 2, "1:1 is always among them"
    assert {picture["ratio"] for picture in pictures} == {"1:2", "2:1", "1:1"}
    assert {picture["way"] for picture in pictures} == {"crop", "pad", "stretch", "letterbox"}
    assert len({picture["file"] for picture in pictures}) == len(pictures)
    found = {(f["ratio"], f["way"]): f for f in data["findings"]}
    assert found["1:1", "crop"]["agreement_apart"] == {"median": 0, "low": 0, "high": 0, "count": 2}
    assert found["2:1", "letterbox"]["depth_agreement"] != found["2:1", "stretch"]["depth_agreement"]
    page = Path("aspect-study/report.html").read_text()
    assert "2:1 by letterbox" in page
    assert "1:1 by crop:" not in page
    assert out.endswith("aspect-study/report.html\n")


@pytest.mark.full
def test_a_ratio_may_be_one_number(cli: Run) -> None:
    data, _ = study(cli, "aspect", "--ratios", "1.5", "--seeds", 2, "--set", "num_inference_steps=2")
    assert {picture["ratio"] for picture in data["pictures"]} == {"1.5", "1:1"}
    assert "1.5 by letterbox" in Path("aspect-study/report.html").read_text()


@pytest.mark.full
def test_a_study_goes_on_where_it_was(cli: Run, painter: FakePainter) -> None:
    arguments = ("aspect", "--ratios", "2:1", "--seeds", 2, "--set", "num_inference_steps=2")
    first, _ = study(cli, *arguments)
    painter.calls.clear()
    again, _ = study(cli, *arguments)
    assert not painter.calls["predict"]
    assert again["findings"] == first["findings"]
    spoiled = sorted(Path("aspect-study/pictures").glob("*.png"))
    spoiled[0].write_bytes(spoiled[0].read_bytes()[:-200])
    spoiled[1].unlink()
    again, _ = study(cli, *arguments)
    assert painter.calls["predict"] == 2 * 2, "the half and the missing one"
    assert again["findings"] == first["findings"]
    np.save("depth.npy", np.load("depth.npy") ** 2)
    painter.calls.clear()
    study(cli, *arguments)
    assert painter.calls["predict"], "another depth is another picture"


@pytest.mark.full
@pytest.mark.parametrize("behind", [b"", b"\n"])
def test_a_picture_of_a_study_that_was_edited_is_neither_measured_nor_painted_over(
    cli: Run, behind: bytes
) -> None:
    from PIL import Image, ImageOps
    from PIL.PngImagePlugin import PngInfo

    arguments = ("--ratios", "1:1", "--seeds", 2, "--set", "num_inference_steps=2")
    study(cli, "aspect", *arguments)
    picture = next(Path("aspect-study/pictures").glob("*.png"))
    info = PngInfo()
    with Image.open(picture) as painted:
        for key, text in dict(painted.info).items():
            info.add_text(str(key), text)
        edited = ImageOps.invert(painted)
    edited.save(picture, pnginfo=info)
    picture.write_bytes(picture.read_bytes() + behind)
    kept = picture.read_bytes()
    status, _, err = cli(
        "study", "aspect", "depth.npy", "a room", "--verify-with", "fake", *arguments, "--set=near=white",
        "--set=kind=disparity", "--set=range=full", "--set=frame=keep", "--set=finish=false",
        "--set=guidance_scale=2", "--set=sampler=dpm++-2m", "--set=schedule=trailing",
    )  # fmt: skip
    assert status == 8
    assert picture.name in err
    assert picture.read_bytes() == kept


@pytest.mark.full
def test_letterboxed_maps_of_two_studies_and_files_of_the_user_lie_side_by_side(cli: Run) -> None:
    arguments = ("aspect", "--ratios", "1.5:1", "--seeds", 2, "--set", "num_inference_steps=2")
    mine = Path("aspect-study/depths/letterbox-1.5x1.npy")
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"a file of the user")
    study(cli, *arguments)
    first = {path: path.read_bytes() for path in mine.parent.iterdir()}
    assert len(first) == 3, "the user's, and one for each ratio"
    np.save("depth.npy", np.load("depth.npy") ** 2)
    study(cli, *arguments)
    assert {path: path.read_bytes() for path in first} == first
    assert len(list(mine.parent.iterdir())) == 5


@pytest.mark.full
def test_a_letterboxed_map_replaces_no_other_file(cli: Run) -> None:
    arguments = ("--ratios", "2:1", "--seeds", 2, "--set", "num_inference_steps=2")
    study(cli, "aspect", *arguments)
    written = next(Path("aspect-study/depths").glob("*2x1*"))
    written.write_bytes(b"something else")
    status, out, err = cli(
        "study", "aspect", "depth.npy", "a room", *arguments, "--set=near=white", "--set=kind=disparity",
        "--set=range=full", "--set=frame=keep",
    )  # fmt: skip
    assert (status, out) == (8, "")
    assert written.name in err
    assert written.read_bytes() == b"something else"


@pytest.mark.full
def test_a_painter_that_ignores_the_depth_is_found_out(
    cli: Run, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("--ratios", "1:1", "--seeds", 8, "--set", "num_inference_steps=8")
    _, out = study(cli, "aspect", *arguments)
    assert out.startswith("The depth is followed")

    def ignored(*arguments: object) -> object:
        del arguments
        return np.float32(0)

    monkeypatch.setattr(painter, "control", ignored)
    _, out = study(cli, "aspect", *arguments, "--seed", 77)
    assert out.startswith("There is no evidence that the depth is followed")


@pytest.mark.full
def test_the_strength_study_finds_the_least_that_is_enough(cli: Run) -> None:
    arguments = ("strength", "--seeds", 3, "--set", "num_inference_steps=8", "--wanted")
    data, out = study(cli, *arguments, 1)
    assert "No strength reaches" in out
    found = {(f["window"], f["strength"]): f for f in data["findings"]}
    whole = [found["0:1", s]["depth_agreement"]["median"] for s in (0, 0.25, 1)]
    assert whole[0] < whole[1] < whole[2]
    assert found["0:1", 1.25]["freedom"]["median"] < found["0:1", 0]["freedom"]["median"]
    wanted = found["0:1", 0.75]["depth_agreement"]["median"] - 1e-9
    _, out = study(cli, *arguments, wanted)
    enough = [key for key, f in found.items() if f["depth_agreement"]["median"] >= wanted]
    window, strength = min(enough, key=lambda key: (key[1], key[0]))
    assert f": --strength {strength:g} --control-window {window} " in out


@pytest.mark.full
def test_the_latency_study_says_where_time_goes_and_keeps_to_a_budget(cli: Run) -> None:
    arguments = ("latency", "--seeds", 2, "--repeats", 2, "--cold", 0)
    data, out = study(cli, *arguments, "--budget", 60)
    levers = {found["lever"]: found for found in data["findings"]}
    assert {"as it is", "no guidance", "depth in the first half", "sampler euler"} <= set(levers)
    assert {"one thread", "schedule karras"} <= set(levers)
    assert levers["one thread"]["likeness"] == [99, 99], "the same picture, computed otherwise"
    assert len(levers["as it is"]["seconds"]) == 4
    assert len(levers["no guidance"]["likeness"]) == 2
    assert not levers["as it is"]["likeness"]
    assert out.startswith("Within 60 s:")
    page = Path("latency-study/report.html").read_text()
    assert "denoise" in page
    assert "depthpaint generate" in page
    assert data["cold"] == {}
    assert study(cli, *arguments, "--budget", 0)[1].startswith("No setting takes")


@pytest.mark.full
def test_the_latency_studys_data_hold_what_processes_of_their_own_took(
    cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(*_: object) -> dict[str, object]:
        return {"load": interval_of([0.5, 0.7, 0.6])}

    monkeypatch.setattr("depthpaint.cli.study.cold", measured)
    data, _ = study(cli, "latency", "--seeds", 2, "--repeats", 1, "--cold", 3)
    assert data["cold"]["load"]["median"] == 0.6
    assert data["cold"]["load"]["count"] == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("aspect", "depth.npy", "a room", "--ratios", "0:1"), "aspect"),
        (("aspect", "depth.npy", "a room", "--ratios", "wide"), "aspect"),
        (("aspect", "missing.npy", "a room"), "missing.npy"),
        (("aspect", "depth.npy", "a room", "--set", "colour"), "FIELD=VALUE"),
        (("strength", "depth.npy", "a room", "--set", "stepps=3"), "stepps"),
        (("aspect", "depth.npy", "a room", "--seeds", "1"), "--seeds"),
        (("aspect", "depth.npy", "a room", "--workers", "2"), "--ray local"),
        (("strength", "depth.npy", "a room", "--workers", "2"), "--ray local"),
        (("aspect", "-", "a room"), "save the map to a file"),
        (("strength", "-", "a room"), "save the map to a file"),
        (("latency", "-", "a room"), "save the map to a file"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_leaves_nothing(
    cli: Run, arguments: tuple[str, ...], words: str
) -> None:
    status, out, err = cli("study", *arguments)
    assert status in {2, 3}
    assert out == ""
    assert words in err
    assert not Path("aspect-study").exists()
    assert not Path("strength-study").exists()
    assert not Path("latency-study").exists()


@pytest.mark.parametrize("what", ["aspect", "strength", "latency"])
def test_a_missing_package_is_named_before_anything_is_painted(
    cli: Run, painter: FakePainter, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    status, out, err = cli("study", what, "depth.npy", "a room", "--seeds", "2", "--set=near=white")
    assert (status, out) == (2, "")
    assert "[report]" in err
    assert not painter.calls
    assert not Path(f"{what}-study").exists()


@pytest.mark.full
def test_a_ratio_that_is_named_twice_is_painted_once(cli: Run) -> None:
    ratios = ("--ratios", "3:2, 3 : 2,6:4,1.5,2:2")
    options = ("--seeds", 2, "--set", "num_inference_steps=1", "--set", "near=white", "--verify-with", "fake")
    status, _, err = cli("study", "aspect", "depth.npy", "a room", *ratios, *options)
    assert status == 0, err
    pictures = json.loads(Path("aspect-study/study.json").read_text())["pictures"]
    assert len(pictures) == 2 * 4 * 2
    assert {picture["ratio"] for picture in pictures} == {"3:2", "1:1"}
    for again in ("3 : 2", "6:4", "1.5"):
        assert f"warning: the ratio {again} equals 3:2: it is painted once\n" in err
    assert err.count("warning") == 3
