"""How a depth file is to be read: what the user states about it; "auto" leaves it to what the file shows."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Never

from pydantic import AfterValidator, BeforeValidator, Field

from depthpaint.core.field_types import Whole
from depthpaint.core.setting import UNSET, ResolvedGroup, Setting, SettingsGroup, Unset
from depthpaint.inputs.size_limit import MAX_PIXELS, MIN_SIDE, MOST_PIXELS

NearChoice = Literal["auto", "white", "black"]
KindChoice = Literal["auto", "disparity", "distance"]
HolesChoice = Literal["auto", "inpaint", "far", "free"]
Fill = Literal["inpaint", "far", "free"]
FrameChoice = Literal["auto", "keep", "cut"]
UnitChoice = Literal["auto", "m", "cm", "mm", "km", "ft", "kitti", "tum", "scannet", "nyu"]
ColoursChoice = Literal[
    "auto", "gray", "bone", "jet", "turbo", "rainbow", "hsv", "viridis", "plasma", "inferno", "magma",
    "cividis", "hot", "coolwarm", "Spectral", "rgb24", "bgr24",
]  # fmt: skip
METRES: dict[str, float] = {
    "m": 1.0, "cm": 1e-2, "mm": 1e-3, "km": 1e3, "ft": 0.3048,
    "kitti": 1 / 256, "tum": 1 / 5000, "scannet": 1e-3, "nyu": 1e-3,
}  # fmt: skip
"""Metres that one stored unit is. KITTI: 256 units a metre; TUM RGB-D: 5000; ScanNet, NYU v2: millimetres."""

RANGE_RULE = "a range is auto, full, or LOW:HIGH in the file's own numbers, such as 0.5:12"
EMPTY_RULE = "empty is auto, none, or the numbers that stand for no measurement, such as 0,65535"
PANEL = "Depth reading"


def _range(value: object) -> object:
    if not isinstance(value, str) or value in ("auto", "full"):
        return value
    try:
        low, high = (float(side) for side in value.split(":"))
    except ValueError as error:
        raise ValueError(RANGE_RULE) from error
    return low, high


def _range_in_order(value: Range) -> Range:
    if isinstance(value, tuple) and not (all(map(math.isfinite, value)) and value[0] < value[1]):
        raise ValueError(RANGE_RULE)
    return value


def _empty(value: object) -> object:
    if not isinstance(value, str) or value == "auto":
        return value
    try:
        return () if value == "none" else tuple(float(number) for number in value.split(","))
    except ValueError as error:
        raise ValueError(EMPTY_RULE) from error


Range = tuple[float, float] | Literal["auto", "full"]
RangeField = Annotated[Range, AfterValidator(_range_in_order), BeforeValidator(_range)]
EmptyField = Annotated[tuple[float, ...] | Literal["auto"], BeforeValidator(_empty)]


class ReadingFields(SettingsGroup[Unset], frozen=True):
    """What decides how the numbers of a depth file are understood."""

    near: Annotated[
        NearChoice | Unset,
        Setting("Which end of the stored numbers is near: white is the high one.", PANEL, "auto"),
    ] = UNSET
    kind: Annotated[
        KindChoice | Unset,
        Setting("Whether numbers grow with nearness (disparity) or are distances.", PANEL, "auto"),
    ] = UNSET
    unit: Annotated[
        UnitChoice | Unset, Setting("Unit of the distances, or the data set that they follow.", PANEL, "auto")
    ] = UNSET
    colour_map: Annotated[
        ColoursChoice | Unset, Setting("Colour map that a colour picture was drawn with.", PANEL, "auto")
    ] = UNSET
    range: Annotated[
        RangeField | Unset,
        Setting(
            "Numbers that span far to near: auto, full, or LOW:HIGH in the file's numbers.", PANEL, "auto"
        ),
    ] = UNSET
    holes: Annotated[
        HolesChoice | Unset,
        Setting(
            "Pixels without depth: fill from around (inpaint), make far, or leave free to the prompt. "
            "auto fills holes up to half of the map, and makes transparent pixels far.",
            PANEL,
            "auto",
        ),
    ] = UNSET
    empty: Annotated[
        EmptyField | Unset,
        Setting("Numbers that mean no depth: auto, none, or a list like 0,65535.", PANEL, "auto"),
    ] = UNSET
    frame: Annotated[
        FrameChoice | Unset, Setting("Bars and page margins around the map: cut off, or keep.", PANEL, "auto")
    ] = UNSET
    part: Annotated[
        str | Unset | None, Setting("Array of an NPZ, or channel of an EXR.", PANEL, None, metavar="NAME")
    ] = UNSET
    deband: Annotated[bool | Unset, Setting("Smooth the steps of a map with few levels.", PANEL, False)] = (
        UNSET
    )
    from_photo: Annotated[
        Annotated[str, Field(min_length=1)] | Unset | None,
        Setting(
            "The file is a photo: estimate its depth with this estimator (depthpaint models list) or folder.",
            PANEL,
            None,
            flag="--estimator",
            metavar="NAME",
            paths=True,
        ),
    ] = UNSET
    alpha_mask: Annotated[bool | Unset, Setting("Transparent pixels have no depth.", PANEL, False)] = UNSET
    allow_constant: Annotated[
        bool | Unset, Setting("Accept a map that is the same everywhere.", PANEL, False)
    ] = UNSET


MaxPixels = Annotated[Whole, Field(ge=MIN_SIDE**2, le=MOST_PIXELS)]
MAX_PIXELS_SETTING = Setting(
    "Largest map that is read, in pixels; each takes about 30 bytes of memory. Changes no picture.",
    PANEL,
    MAX_PIXELS,
    metavar="N",
)


class DepthReading(ReadingFields[Never], ResolvedGroup, frozen=True, validate_default=True):
    """Everything that can be stated about a depth file, with the defaults for what is not.

    `near` is the end of the stored numbers that is near (the high one is "white"); `kind` says whether they
    grow with nearness ("disparity") or are distances; `unit` is a key of METRES and makes distances metric;
    `colour_map` the map that a colour picture is painted with; `holes` what becomes of pixels that nothing is
    known of; `empty` the numbers that mark such pixels; `range` what of the numbers spans far to near, in
    stored units; `part` the key or channel inside a container; `from_photo` the estimator (a name or
    a folder) that estimates depth from a picture that holds none; `max_pixels` bounds the size of a map, and
    with it memory (size_limit.MAX_PIXELS).
    """

    max_pixels: Annotated[MaxPixels, MAX_PIXELS_SETTING] = UNSET

    @property
    def fill(self) -> Fill:
        """What becomes of holes. Transparent ones are the background of what was cut out, unless stated."""
        if self.holes != "auto":
            return self.holes
        return "far" if self.alpha_mask else "inpaint"
