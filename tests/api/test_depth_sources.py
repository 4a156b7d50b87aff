"""A depth map from a file, bytes, an open file, an array or an image: the same map, or a typed error."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import depthpaint
from depthpaint.core.errors import DepthpaintError, ErrorCode

RAMP = np.linspace(1, 5, 60 * 80, dtype=np.float32).reshape(60, 80)
PAINT: dict[str, Any] = {"size": "64x48", "near": "black"}


def file_of(values: NDArray[Any], folder: Path) -> Path:
    path = folder / "depth.npy"
    np.save(path, values)
    return path


def closed(path: Path) -> object:
    with path.open("rb") as file:
        return file


SOURCES: dict[str, Callable[[Path], Any]] = {
    "path": lambda path: path,
    "text": str,
    "bytes": lambda path: path.read_bytes(),
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "buffer": lambda path: io.BytesIO(path.read_bytes()),
    "array": np.load,
    "column": lambda path: np.load(path)[..., None],
    "masked": lambda path: np.ma.masked_array(np.load(path)),
    "float image": lambda path: Image.fromarray(np.load(path)),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_map_that_the_file_gives(kind: str, tmp_path: Path) -> None:
    path = file_of(RAMP, tmp_path)
    expected = depthpaint.read_depth(path, near="black", kind="distance", unit="m")
    depth = depthpaint.read_depth(SOURCES[kind](path), near="black", kind="distance", unit="m")
    assert np.array_equal(depth.values, expected.values)
    assert depth.source.metres == 1
    assert depth.source.findings == expected.source.findings


def test_an_open_file_is_read_from_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "two.bin"
    data = file_of(RAMP, tmp_path).read_bytes()
    path.write_bytes(b"head" + data)
    with path.open("rb") as file:
        file.seek(4)
        depth = depthpaint.read_depth(file, near="black")
    assert depth.source.sha256 == hashlib.sha256(data).hexdigest()
    assert depth.source.path == "<file object>"


def test_masked_numbers_are_holes() -> None:
    mask = np.zeros(RAMP.shape, bool)
    mask[10:20, 10:20] = True
    plain = RAMP.copy()
    plain[mask] = np.nan
    depth = depthpaint.read_depth(np.ma.masked_array(RAMP, mask), near="black")
    assert np.array_equal(~depth.valid, mask)
    assert np.array_equal(depth.values, depthpaint.read_depth(plain, near="black").values)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "I;16", "I", "F"])
def test_an_image_gives_the_map_of_its_file(mode: str, tmp_path: Path) -> None:
    gray = Image.fromarray((RAMP * 50).astype(np.uint8))
    image = Image.fromarray((RAMP * 9000).astype(np.uint16)) if mode == "I;16" else gray.convert(mode)
    path = tmp_path / ("depth.tif" if mode in ("I", "F") else "depth.png")
    image.save(path)
    expected = depthpaint.read_depth(path, near="white")
    assert np.array_equal(depthpaint.read_depth(image, near="white").values, expected.values)


def test_an_image_of_a_turned_camera_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray((RAMP * 50).astype(np.uint8)).save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as image:
        depth = depthpaint.read_depth(image, near="white")
    assert depth.source.size == (60, 80)
    assert depth.source.size == depthpaint.inspect(tmp_path / "turned.png", near="white").size


def test_an_image_of_a_mode_that_no_depth_has_is_refused() -> None:
    with pytest.raises(depthpaint.DepthError, match="mode CMYK") as refused:
        depthpaint.read_depth(Image.new("CMYK", (64, 64)))
    assert "convert('RGB')" in refused.value.remedy


NAN = np.full((60, 80), np.nan, np.float32)
BAD: dict[str, tuple[Callable[[Path], Any], ErrorCode]] = {
    "empty array": (lambda _: np.empty((0, 0)), ErrorCode.DEPTH_BAD_SHAPE),
    "no rows": (lambda _: np.empty((0, 80)), ErrorCode.DEPTH_BAD_SHAPE),
    "one number": (lambda _: np.float32(3), ErrorCode.INVALID_PARAMETER),
    "no dimension": (lambda _: np.array(3.0), ErrorCode.DEPTH_BAD_SHAPE),
    "one dimension": (lambda _: RAMP.ravel(), ErrorCode.DEPTH_BAD_SHAPE),
    "three planes": (lambda _: np.stack([RAMP, RAMP * 2, RAMP], -1), ErrorCode.DEPTH_BAD_SHAPE),
    "four dimensions": (lambda _: np.stack([[RAMP, RAMP]] * 2), ErrorCode.DEPTH_BAD_SHAPE),
    "too small": (lambda _: RAMP[:4, :4], ErrorCode.DEPTH_BAD_SHAPE),
    "flat booleans": (lambda _: np.ones((60, 80), bool), ErrorCode.DEPTH_CONSTANT),
    "NaN alone": (lambda _: NAN, ErrorCode.DEPTH_NOT_FINITE),
    "flat": (lambda _: np.ones_like(RAMP), ErrorCode.DEPTH_CONSTANT),
    "complex": (lambda _: RAMP.astype(complex), ErrorCode.DEPTH_BAD_DTYPE),
    "objects": (lambda _: RAMP.astype(object), ErrorCode.DEPTH_BAD_DTYPE),
    "texts": (lambda _: RAMP.astype(str), ErrorCode.DEPTH_BAD_DTYPE),
    "a structure": (lambda _: np.zeros((60, 80), [("z", "f4")]), ErrorCode.DEPTH_BAD_DTYPE),
    "times": (lambda _: np.zeros((60, 80), "M8[s]"), ErrorCode.DEPTH_BAD_DTYPE),
    "long floats": (lambda _: RAMP.astype(np.longdouble), ErrorCode.DEPTH_BAD_DTYPE),
    "masked objects": (lambda _: np.ma.masked_array(RAMP > 2), ErrorCode.DEPTH_BAD_DTYPE),
    "a list": (lambda _: RAMP.tolist(), ErrorCode.INVALID_PARAMETER),
    "nothing": (lambda _: None, ErrorCode.INVALID_PARAMETER),
    "a number": (lambda _: 7, ErrorCode.INVALID_PARAMETER),
    "closed file": (closed, ErrorCode.DEPTH_UNREADABLE),
    "text-mode file": (lambda path: path.open(encoding="latin-1"), ErrorCode.DEPTH_UNREADABLE),
    "text buffer": (lambda _: io.StringIO("depth"), ErrorCode.DEPTH_UNREADABLE),
    "write-only file": (lambda path: (path.parent / "new").open("wb"), ErrorCode.DEPTH_UNREADABLE),
    "empty file": (lambda _: io.BytesIO(), ErrorCode.DEPTH_UNREADABLE),
    "no bytes": (lambda _: b"", ErrorCode.DEPTH_UNREADABLE),
    "other bytes": (lambda _: b"hello, this is no picture", ErrorCode.DEPTH_UNSUPPORTED_FORMAT),
    "half a file": (lambda path: path.read_bytes()[:5000], ErrorCode.DEPTH_TRUNCATED),
    "a folder": (lambda path: path.parent, ErrorCode.DEPTH_UNREADABLE),
    "no file": (lambda path: path / "x", ErrorCode.DEPTH_UNREADABLE),
    "empty path": (lambda _: "", ErrorCode.DEPTH_UNREADABLE),
    "NUL in a path": (lambda _: "a\0b", ErrorCode.DEPTH_UNREADABLE),
    "flat image of bits": (lambda _: Image.new("1", (64, 64)), ErrorCode.DEPTH_CONSTANT),
    "flat image": (lambda _: Image.new("RGBA", (64, 64)), ErrorCode.DEPTH_CONSTANT),
    "image of a palette": (lambda _: Image.new("P", (64, 64)), ErrorCode.DEPTH_CONSTANT),
    "image without pixels": (lambda _: Image.new("L", (0, 0)), ErrorCode.DEPTH_BAD_SHAPE),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_no_depth_map_is_a_typed_error_with_a_remedy(what: str, tmp_path: Path) -> None:
    make, code = BAD[what]
    path = file_of(RAMP, tmp_path)
    acts: list[Callable[[Any], object]] = [
        depthpaint.read_depth, lambda source: depthpaint.paint(source, "a room"),
    ]  # fmt: skip
    if code is not ErrorCode.DEPTH_CONSTANT:
        acts.append(depthpaint.inspect)
    for act in acts:
        with pytest.raises(DepthpaintError) as refused:
            act(make(path))
        assert refused.value.code is code
        assert refused.value.remedy


def test_a_stream_that_gives_no_bytes_is_refused() -> None:
    class Odd:
        def read(self, _: int) -> list[int]:
            return [1, 2]

    with pytest.raises(depthpaint.DepthError, match="returns list, not bytes"):
        depthpaint.read_depth(Odd())  # pyright: ignore[reportArgumentType]


def test_an_image_whose_file_is_closed_or_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "depth.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)).save(path)
    with Image.open(path) as image:
        pass
    cut = Image.open(io.BytesIO(path.read_bytes()[:2000]))
    for bad in (image, cut):
        with pytest.raises(depthpaint.DepthError) as refused:
            depthpaint.read_depth(bad)
        assert refused.value.code is ErrorCode.DEPTH_UNREADABLE and refused.value.remedy


def test_more_than_may_be_read_is_refused() -> None:
    data = io.BytesIO()
    np.save(data, RAMP)
    for source in (RAMP, data.getvalue(), Image.fromarray(RAMP)):
        with pytest.raises(depthpaint.DepthError) as refused:
            depthpaint.read_depth(source, max_pixels=1000)
        assert refused.value.code is ErrorCode.DEPTH_TOO_LARGE


def test_inspecting_shows_what_reading_refuses() -> None:
    noise = np.random.default_rng(0).random((64, 64), np.float32)
    with pytest.raises(depthpaint.DepthError) as refused:
        depthpaint.read_depth(noise)
    assert refused.value.code is ErrorCode.DEPTH_AMBIGUOUS
    found = depthpaint.inspect(noise)
    near = found.finding("near")
    assert near is not None and near.confidence < 0.75 and near.evidence
    assert (found.size, found.format, found.path) == ((64, 64), "npy", "<array>")
    assert depthpaint.inspect(np.ones((64, 64))).levels == 1
