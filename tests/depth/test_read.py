"""The gate: what is no PNG or NPY is named and refused; what is, says where it came from."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.depth_map import DepthReading
from depthpaint.depth.read import read_depth, read_source
from made_depth import Save, npy, smooth
from made_png import png, ramp


def by_pillow(kind: str) -> bytes:
    stream = BytesIO()
    Image.fromarray(np.rint(smooth(16, 16) * 255).astype(np.uint8)).save(stream, kind)
    return stream.getvalue()


OTHERS = [
    (by_pillow("GIF"), "GIF"),
    (by_pillow("BMP"), "BMP"),
    (by_pillow("ICO"), "ICO"), (b"P6\n9 9\n255\n" + bytes(243), "PNM"),
    (by_pillow("TGA"), "TGA"),
    (by_pillow("DDS"), "DDS"), (by_pillow("EPS"), "PostScript"), (by_pillow("PDF"), "PDF"),
    (b"8BPS\0\1", "Photoshop"),
    (b"SIMPLE  =", "FITS"),
    (b"BLP2", "BLP"), (b"\xd7\xcd\xc6\x9a", "WMF"), (b"\x89HDF\r\n", "HDF5"), (b"PK\x03\x04rest", "ZIP"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"), (b"<?xml version='1.0'?><svg/>", "SVG"),
    (b"<!DOCTYPE html><p>no", "web page"), (b'{"error": "no"}', "JSON"),
    (b"0.5 0.7\n0.1 0.2\n", "plain text"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "LFS"), (b"\x1f\x8b\x08\0", "gzip"),
    (b"\0\0\0\x20ftypavif", "AVIF"), (b"\0\x01\x02\xfe", "unknown"), (b"\xfe\xfd", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "looks_like"), OTHERS, ids=[name for _, name in OTHERS])
@pytest.mark.parametrize("name", ["map.png", "map.npy"])
def test_other_formats_are_named_and_refused(save: Save, data: bytes, looks_like: str, name: str) -> None:
    with pytest.raises(DepthError, match=looks_like) as refused:
        read_depth(save(name, data))
    assert refused.value.code is ErrorCode.DEPTH_UNSUPPORTED_FORMAT
    assert refused.value.remedy


@pytest.mark.parametrize("name", ["map.png", "map.npy", "map.exr", "map.tif", "map.pfm"])
def test_an_empty_file(save: Save, name: str) -> None:
    with pytest.raises(DepthError, match="empty") as refused:
        read_depth(save(name, b""))
    assert refused.value.code is ErrorCode.DEPTH_UNREADABLE


def test_a_png_spoiled_by_a_text_transfer(save: Save) -> None:
    with pytest.raises(DepthError, match="text mode") as refused:
        read_depth(save("map.png", png(ramp(9, 9, 80)).replace(b"\r\n", b"\n")))
    assert refused.value.code is ErrorCode.DEPTH_UNREADABLE


def test_content_counts_and_a_wrong_name_is_told(save: Save) -> None:
    data = png(ramp(16, 16, 255))
    assert any(".jpg" in note for note in read_depth(save("map.jpg", data)).source.notes)
    assert read_depth(save("map.PNG", data)).source.notes == ()
    assert read_depth(save("map", data)).source.notes == ()
    assert read_depth(save("other.png", npy(smooth(9, 9)))).source.format == "npy"


def test_the_source_is_told(save: Save) -> None:
    data = png(ramp(9, 11, 98))
    path = save("map.png", data)
    source = read_depth(path, DepthReading(near="black")).source
    assert (source.path, source.sha256) == (str(path), hashlib.sha256(data).hexdigest())
    assert (source.format, str(source.size), source.near) == ("png", "11x9", "black")
    assert (source.bits_used, source.levels, source.colour_map) == (7, 99, "gray")


def test_near_black_turns_the_map(save: Save) -> None:
    path = save("map.png", png(ramp(9, 11, 98)))
    white, black = (read_depth(path, DepthReading(near=near)).values for near in ("white", "black"))
    assert (white[0, 0], white[-1, -1]) == (0, 1)
    assert np.allclose(black, 1 - white, atol=1e-7)


def test_a_hostile_name_cannot_forge_a_line(tmp_path: Path) -> None:
    with pytest.raises(DepthError) as refused:
        read_depth(tmp_path / "a\n\x1b]0;b\u202e.png")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("seed", range(60))
def test_damage_of_any_kind_gives_a_map_or_a_typed_error(save: Save, seed: int) -> None:
    random = np.random.default_rng(seed)
    whole = npy(smooth(16, 16).astype(np.float16)) if seed % 2 else png(ramp(16, 16, 255), idat_bytes=60)
    data = np.frombuffer(whole, dtype=np.uint8).copy()
    places = random.integers(0, min(len(data), 200), 1 + seed % 5)
    data[places] = random.integers(0, 256, len(places))
    try:
        depth = read_depth(save("map", data.tobytes()))
    except (DepthError, ValueError) as error:
        assert type(error).__module__ == "depthpaint.core.errors"
    else:
        assert np.isfinite(depth.values).all()


FLOOR = smooth(40, 50)


@pytest.mark.parametrize("numbers", [FLOOR, np.where(FLOOR < 0.3, np.nan, 1 / (0.2 + FLOOR))])
def test_a_source_without_values_says_the_same(numbers: NDArray[np.float64]) -> None:
    assert read_source(numbers) == read_depth(numbers).source
