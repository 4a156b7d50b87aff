"""Sizes, boxes, and how an image of one size is placed on another. Arithmetic only, no pixels."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from depthpaint.core.errors import ErrorCode, ParameterError

MAX_ASPECT = 16.0

_EXTENT = re.compile(r"([0-9]{1,9})\s*[xX×]\s*([0-9]{1,9})")
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_ASPECT = re.compile(rf"({_NUMBER})(?:\s*:\s*({_NUMBER}))?")


class Extent(NamedTuple):
    """A size in pixels, width first; both sides are at least 1."""

    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> Extent:
        """Read "940x564", width first; raises ParameterError."""
        match = _EXTENT.fullmatch(text.strip())
        extent = cls(int(match[1]), int(match[2])) if match else cls(0, 0)
        if min(extent) < 1:
            raise ParameterError(
                f"'{text[:80]}' is not a size",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="write width x height in pixels, such as 940x564",
                value=text[:80],
            )
        return extent

    @property
    def pixels(self) -> int:
        """The area."""
        return self.width * self.height

    @property
    def ratio(self) -> float:
        """Width over height."""
        return self.width / self.height

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    def scaled_to_area(self, pixels: int) -> Extent:
        """The size of this ratio and about `pixels` area, each side rounded to the nearest, at least 1."""
        scale = math.sqrt(pixels / self.pixels)
        return Extent(max(1, round(self.width * scale)), max(1, round(self.height * scale)))

    def ceil_to(self, multiple: int) -> Extent:
        """The smallest size that holds this one and whose sides are multiples of `multiple` pixels."""
        return Extent(-(-self.width // multiple) * multiple, -(-self.height // multiple) * multiple)


def parse_aspect(text: str) -> float:
    """Read "5:3" or "1.5" as width over height, between 1:16 and 16:1; raises ParameterError."""
    match = _ASPECT.fullmatch(text.strip())
    width, height = (float(match[1]), float(match[2] or 1)) if match else (0.0, 0.0)
    # Compared as a product, so that rounding cannot put 1:16 out of bounds.
    if height <= 0 or width > height * MAX_ASPECT or height > width * MAX_ASPECT:
        raise ParameterError(
            f"'{text[:80]}' is not an aspect ratio between 1:16 and 16:1",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="write width:height, such as 5:3, or one number, such as 1.5",
            value=text[:80],
            limit=MAX_ASPECT,
        )
    return width / height


class Fit(StrEnum):
    """What happens when the depth map and the picture have different ratios."""

    PAD = "pad"
    CROP = "crop"
    STRETCH = "stretch"


class Box(NamedTuple):
    """A rectangle in pixels; right and bottom are outside it. Whole numbers where it is on the pixel grid."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Placement:
    """Which part of a source goes where: `source` may have fractions, `target` is on the pixel grid."""

    source: Box
    target: Box


def place(source: Extent, target: Extent, fit: Fit) -> Placement:
    """Place `source` on `target`, centred.

    PAD shows the whole source inside the target, CROP covers the whole target with the middle of the source,
    STRETCH lays the whole on the whole. Where the target is the source scaled and rounded to whole pixels the
    three are the same.
    """
    whole = Placement(Box(0, 0, *source), Box(0, 0, *target))
    if fit is Fit.STRETCH or same_ratio(source, target):
        return whole
    narrower = target.width * source.height < target.height * source.width
    if fit is Fit.PAD:
        return Placement(whole.source, _inside(source, target, narrower))
    if narrower:
        width = source.height * target.width / target.height
        left = (source.width - width) / 2
        return Placement(Box(left, 0, source.width - left, source.height), whole.target)
    height = source.width * target.height / target.width
    top = (source.height - height) / 2
    return Placement(Box(0, top, source.width, source.height - top), whole.target)


def same_ratio(source: Extent, target: Extent) -> bool:
    """Whether one scale brings both sides of `source` within half a pixel of `target`.

    Without the half pixel a map of 940x564 would get a rim of one padded column on its own picture of
    661x397.
    """
    return (2 * target.width - 1) * source.height <= (2 * target.height + 1) * source.width and (
        2 * target.height - 1
    ) * source.width <= (2 * target.width + 1) * source.height


def _inside(source: Extent, target: Extent, narrower: bool) -> Box:
    width, height = target
    if narrower:
        height = max(1, _nearest(source.height * target.width, source.width))
    else:
        width = max(1, _nearest(source.width * target.height, source.height))
    left, top = (target.width - width) // 2, (target.height - height) // 2
    return Box(left, top, left + width, top + height)


def _nearest(dividend: int, divisor: int) -> int:
    """The quotient rounded to the nearest integer, exact for integers of any size."""
    return (2 * dividend + divisor) // (2 * divisor)
