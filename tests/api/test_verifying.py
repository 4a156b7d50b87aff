"""`depthpaint.verify` gives the numbers of `depthpaint verify`, for pictures from anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import depthpaint
from depthpaint.cli.main import run
from depthpaint.core.errors import DepthpaintError, ErrorCode
from depthpaint.engine import Engine
from depthpaint.record.encode import RECORD_KEY
from fake_painter import FakeEstimator, FakePainter, offering

ENGINE = Engine(offering(FakePainter()), FakeEstimator)
NUMBERS = (
    "rank_correlation", "detail_correlation", "affine_rmse", "abs_rel", "delta_1_25", "edge_f_score",
)  # fmt: skip


@pytest.fixture
def depth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # where the record looks for the map
    path = tmp_path / "depth.npy"
    values = np.tile(np.linspace(0.1, 0.6, 60, dtype=np.float32)[:, None], (1, 90))
    values[20:40, 30:50] = 1
    np.save(path, values)
    return path


@pytest.fixture
def picture(depth: Path) -> Path:
    """A painted picture of another ratio than its map, which is read upside down."""
    result = depthpaint.paint(
        depth, "a red ball", engine=ENGINE, near="black", kind="disparity", size=(96, 96), fit="crop"
    )
    (path,) = result.save(depth.parent / "pictures")
    return path


def test_the_numbers_are_those_of_the_command(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(picture), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["images"]
    found = depthpaint.verify(picture)
    assert {name: round(getattr(found, name), 4) for name in NUMBERS} == {name: row[name] for name in NUMBERS}
    assert round(found.rmse_8bit, 2) == row["rmse_8bit"]
    assert found.estimator == row["estimator"] == "diorama-depth"
    assert "0.97" in found.caution


def test_every_form_of_a_recorded_picture_gives_the_same(picture: Path, depth: Path) -> None:
    expected = depthpaint.verify(picture, engine=ENGINE).likeness
    understood = depthpaint.read_depth(depth, near="black", kind="disparity")
    with Image.open(picture) as opened:
        for form in (str(picture), opened):
            for source in (depth, depth.read_bytes(), np.load(depth), understood):
                assert depthpaint.verify(form, source, engine=ENGINE).likeness == expected
    result = depthpaint.paint(
        depth, "a red ball", engine=ENGINE, near="black", kind="disparity", size=(96, 96), fit="crop"
    )
    assert depthpaint.verify(result.images[0], depth, engine=ENGINE).likeness == expected
    for pixels in (result.pictures[0], result.pictures[0].pixels):
        assert depthpaint.verify(pixels, understood, fit="crop", engine=ENGINE).likeness == expected
        assert depthpaint.verify(pixels, understood, engine=ENGINE).likeness != expected


def test_a_picture_without_a_record_is_covered_by_the_map(tmp_path: Path, depth: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    understood = depthpaint.read_depth(depth, near="white")
    forms: list[Any] = [tmp_path / "photo.png", pixels, Image.fromarray(pixels)]
    found = [depthpaint.verify(form, understood, engine=ENGINE) for form in forms]
    assert found[0].expected.shape == found[0].estimated.shape == (50, 70)
    assert found[0].likeness == found[1].likeness == found[2].likeness
    with pytest.raises(depthpaint.RecordError) as refused:
        depthpaint.verify(tmp_path / "photo.png", engine=ENGINE)
    assert refused.value.code is ErrorCode.RECORD_MISSING


def damaged(_: Path) -> Image.Image:
    image = Image.new("RGB", (64, 64))
    image.info[RECORD_KEY] = "{"
    return image


BAD: dict[str, tuple[Callable[[Path], Any], ErrorCode]] = {
    "no file": (lambda folder: folder / "x.png", ErrorCode.PICTURE_UNREADABLE),
    "a folder": (lambda folder: folder, ErrorCode.PICTURE_UNREADABLE),
    "a depth map": (lambda folder: folder / "depth.npy", ErrorCode.PICTURE_UNREADABLE),
    "gray": (lambda _: np.zeros((64, 64), np.uint8), ErrorCode.PICTURE_UNREADABLE),
    "floats": (lambda _: np.zeros((64, 64, 3)), ErrorCode.PICTURE_UNREADABLE),
    "too small": (lambda _: np.zeros((4, 64, 3), np.uint8), ErrorCode.PICTURE_UNREADABLE),
    "objects": (lambda _: np.zeros((64, 64, 3), object), ErrorCode.PICTURE_UNREADABLE),
    "nothing": (lambda _: None, ErrorCode.PICTURE_UNREADABLE),
    "a number": (lambda _: 7, ErrorCode.PICTURE_UNREADABLE),
    "a damaged record": (damaged, ErrorCode.RECORD_DAMAGED),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_picture_is_a_typed_error(what: str, depth: Path) -> None:
    make, code = BAD[what]
    with pytest.raises(DepthpaintError) as refused:
        depthpaint.verify(make(depth.parent), depth, engine=ENGINE)
    assert refused.value.code is code
    assert refused.value.remedy


def test_what_cannot_be_compared_is_a_typed_error(depth: Path) -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    acts: list[tuple[Callable[[], object], str]] = [
        (lambda: depthpaint.verify(pixels), "does not record a depth map"),
        (lambda: depthpaint.verify(Image.fromarray(pixels)), "does not record a depth map"),
        (lambda: depthpaint.verify(pixels, depth, fit="zoom"), "there is no 'zoom'"),
        (lambda: depthpaint.verify(pixels, depth, "magic"), "there is no estimator 'magic'"),
        (lambda: depthpaint.verify(pixels, depth.parent), "it is a folder"),
        (lambda: depthpaint.verify(pixels, np.random.default_rng(0).random((64, 64))), "which end"),
    ]
    for act, message in acts:
        with pytest.raises(DepthpaintError, match=message) as refused:
            act()
        assert refused.value.remedy


def test_another_map_than_the_recorded_one_is_read_anew(picture: Path, depth: Path) -> None:
    values = np.load(depth)
    inverted = np.rint(1000 / (0.1 + values)).astype(np.uint16)  # millimetres, whose small numbers are near
    recorded = depthpaint.read_depth(depth, near="white", kind="disparity")
    expected = depthpaint.verify(picture, recorded, engine=ENGINE).likeness
    found = depthpaint.verify(picture, inverted, engine=ENGINE).likeness
    assert found.rank_correlation == pytest.approx(expected.rank_correlation, abs=0.02)
