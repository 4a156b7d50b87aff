"""PFM files: both byte orders, rows from the bottom up, and headers that lie."""

from __future__ import annotations

import numpy as np
import pytest
from decoding import refusal, samples

from depthpaint.core.errors import ErrorCode
from made_depth import smooth

MAP = smooth(12, 20).astype(np.float32)


def pfm(header: bytes, values: np.ndarray, order: str = "<") -> bytes:
    return header + values[::-1].astype(f"{order}f4").tobytes()


@pytest.mark.parametrize(("order", "scale"), [("<", b"-1.0"), (">", b"1"), ("<", b"-1e0"), (">", b"1.000")])
def test_both_byte_orders_and_the_rows_from_the_bottom(order: str, scale: bytes) -> None:
    read = samples(pfm(b"Pf\n20 12\n" + scale + b"\n", MAP, order))
    assert np.array_equal(read.values, MAP)
    assert (read.bits, read.notes, read.lossy, read.quantity) == (32, (), False, None)


@pytest.mark.parametrize("header", [b"Pf 20 12 -1\n", b"Pf\r\n20 12\r\n-1.0\r\n", b"Pf\n20\n12\n-1 "])
def test_white_space_of_every_kind(header: bytes) -> None:
    assert np.array_equal(samples(pfm(header, MAP)).values, MAP)


def test_a_number_that_looks_like_the_end_of_a_line() -> None:
    numbers = np.frombuffer(b"\n" * (12 * 20 * 4), "<f4").reshape(12, 20)
    assert np.array_equal(samples(pfm(b"Pf\n20 12\n-1.0\r", numbers)).values, numbers)


def test_infinity_and_holes_stay() -> None:
    holed = MAP.copy()
    holed[0], holed[1, 0] = np.inf, np.nan
    assert np.array_equal(samples(pfm(b"Pf\n20 12\n-1\n", holed)).values, holed, equal_nan=True)


def test_a_scale_is_told_and_not_applied() -> None:
    read = samples(pfm(b"Pf\n20 12\n-0.0039\n", MAP))
    assert np.array_equal(read.values, MAP)
    assert any("0.0039" in note for note in read.notes)


def test_colours_stay_and_equal_channels_are_gray() -> None:
    gray = np.stack([MAP] * 3, axis=-1)
    gray[0, 0] = np.nan
    assert np.array_equal(samples(pfm(b"PF\n20 12\n-1\n", gray)).values, gray[..., 0], equal_nan=True)
    colours = np.stack([MAP, MAP * 2, MAP], axis=-1)
    assert np.array_equal(samples(pfm(b"PF\n20 12\n-1\n", colours)).values, colours)


@pytest.mark.parametrize(("header", "code"), [
    (b"Pf\n20 12\n0\n", ErrorCode.DEPTH_UNREADABLE),
    (b"Pf\n20 12\nnan\n", ErrorCode.DEPTH_UNREADABLE),
    (b"Pf\n20 12\ninf\n", ErrorCode.DEPTH_UNREADABLE),
    (b"Pf\n20 12\nlittle\n", ErrorCode.DEPTH_UNREADABLE),
    (b"Pf\n-20 12\n-1\n", ErrorCode.DEPTH_UNREADABLE),
    (b"Pf\n20 0\n-1\n", ErrorCode.DEPTH_UNREADABLE),
    (b"Pf\n20\n-1\n", ErrorCode.DEPTH_UNREADABLE),
    (b"Pf\n20 12\n-1", ErrorCode.DEPTH_UNREADABLE),  # no white space before the numbers
    (b"Pf\n# made by hand\n20 12\n-1\n", ErrorCode.DEPTH_UNREADABLE),
    (b"Pf\n19 12\n-1\n", ErrorCode.DEPTH_UNREADABLE),  # a file longer than announced
    (b"Pf\n20 13\n-1\n", ErrorCode.DEPTH_TRUNCATED),
    (b"PF\n20 12\n-1\n", ErrorCode.DEPTH_TRUNCATED),
    (b"Pf\n4 60\n-1\n", ErrorCode.DEPTH_BAD_SHAPE),
    (b"Pf\n" + b"9" * 30 + b" 9\n-1\n", ErrorCode.DEPTH_TOO_LARGE),
    (b"Pf\n20000 20000\n-1\n", ErrorCode.DEPTH_TOO_LARGE),
])  # fmt: skip
def test_headers_that_lie(header: bytes, code: ErrorCode) -> None:
    assert refusal(pfm(header, MAP)).code is code


@pytest.mark.parametrize("length", [3, 5, 8, 11, 13, 14, 100, 12 * 20 * 4 + 11])
def test_a_cut_file(length: int) -> None:
    assert refusal(pfm(b"Pf\n20 12\n-1\n", MAP)[:length]).code is ErrorCode.DEPTH_TRUNCATED


def test_there_are_no_parts() -> None:
    assert refusal(pfm(b"Pf\n20 12\n-1\n", MAP), part="Z").code is ErrorCode.DEPTH_BAD_SHAPE
