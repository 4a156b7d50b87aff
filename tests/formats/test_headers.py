"""Headers alone: what a PNG unpacks to, and where an EXIF says up is."""

from __future__ import annotations

import pytest

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.core.geometry import Extent
from depthpaint.formats.png import GRAY, GRAY_ALPHA, PALETTE, RGB, RGB_ALPHA, PngHeader
from depthpaint.formats.samples import MAX_PIXELS, MAX_SIDE, MIN_SIDE, check_size, orientation_of


@pytest.mark.parametrize(
    ("size", "bits", "colour_type", "interlaced", "expected"),
    [
        ((9, 2), 1, GRAY, False, 2 * (1 + 2)),
        ((9, 2), 16, GRAY, False, 2 * (1 + 18)),
        ((9, 2), 4, PALETTE, False, 2 * (1 + 5)),
        ((3, 1), 8, RGB, False, 10),
        ((3, 1), 16, GRAY_ALPHA, False, 13),
        ((3, 1), 16, RGB_ALPHA, False, 25),
        ((8, 8), 8, GRAY, True, 2 + 2 + 3 + 2 * 3 + 2 * 5 + 4 * 5 + 4 * 9),
        ((1, 1), 8, GRAY, True, 2),  # six of seven passes are empty
    ],
)
def test_what_a_stream_unpacks_to(
    size: tuple[int, int], bits: int, colour_type: int, interlaced: bool, expected: int
) -> None:
    assert PngHeader(Extent(*size), bits, colour_type, interlaced).scanline_bytes == expected


@pytest.mark.parametrize("size", [(MIN_SIDE, MIN_SIDE), (MAX_SIDE, MIN_SIDE), (10_000, MAX_PIXELS // 10_000)])
def test_sizes_at_the_limits(size: tuple[int, int]) -> None:
    check_size("map", Extent(*size))


@pytest.mark.parametrize(
    ("size", "code"),
    [
        ((MIN_SIDE - 1, 99), ErrorCode.DEPTH_BAD_SHAPE),
        ((MAX_SIDE + 1, 1), ErrorCode.DEPTH_TOO_LARGE),
        ((10_000, MAX_PIXELS // 10_000 + 1), ErrorCode.DEPTH_TOO_LARGE),
    ],
)
def test_sizes_beyond_the_limits(size: tuple[int, int], code: ErrorCode) -> None:
    with pytest.raises(DepthError) as refused:
        check_size("map", Extent(*size))
    assert refused.value.code is code


def test_orientation_defaults_to_upright() -> None:
    assert orientation_of(b"") == 1
    assert (
        orientation_of(b"II*\0\x08\0\0\0\x01\0" + b"\x12\x01\x03\0\x01\0\0\0\x09\0\0\0") == 1
    )  # nine is no orientation
    assert orientation_of(b"II*\0\x08\0\0\0\x01\0" + b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0") == 6
