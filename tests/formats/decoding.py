"""Decode, and what every refusal has to be."""

from __future__ import annotations

import time

import pytest

from depthpaint.core.errors import DepthError, DepthpaintError, UnsafeFormatError
from depthpaint.formats.decode import decode
from depthpaint.formats.samples import Samples

NAME = "folder/map"


def samples(data: bytes, part: str | None = None, frame: int | None = None) -> Samples:
    return decode(NAME, data, part, frame=frame)[1]


def refusal(
    data: bytes, part: str | None = None, seconds: float = 20.0, frame: int | None = None
) -> DepthpaintError:
    """The error that the bytes end in: named, in one line, with a remedy, and soon (in processor time)."""
    started = time.process_time()
    with pytest.raises((DepthError, UnsafeFormatError)) as caught:
        decode(NAME, data, part, frame=frame)
    assert time.process_time() - started < seconds
    error = caught.value
    assert NAME in str(error)
    assert "\n" not in str(error)
    assert error.remedy
    return error
