"""How a depth file is to be read: what the user says about it; "auto" leaves it to the doctor."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from depthpaint.inputs.size_limit import MAX_PIXELS, MIN_SIDE, MOST_PIXELS

NearChoice = Literal["auto", "white", "black"]
KindChoice = Literal["auto", "disparity", "distance"]
HolesChoice = Literal["far", "inpaint", "free"]
FrameChoice = Literal["auto", "keep", "cut"]
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


class DepthReading(BaseModel):
    """Everything that a user can say about a depth file.

    `near` is the end of the stored numbers that is near (the high one is "white"); `kind` says whether they
    grow with nearness ("disparity") or are distances; `unit` is a key of METRES and makes distances metric;
    `colour_map` the map that a colour picture is painted with; `holes` what becomes of pixels that nothing is
    known of; `empty` the numbers that mark such pixels; `range` what of the numbers spans far to near, in
    stored units; `part` the key or channel inside a container; `from_photo` the estimator (a name or
    a folder) that is to see depth in a picture that holds none; `max_pixels` bounds the size of a map, and
    with it memory (size_limit.MAX_PIXELS); it changes no picture.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    near: NearChoice = "auto"
    kind: KindChoice = "auto"
    unit: Literal["auto", "m", "cm", "mm", "km", "ft", "kitti", "tum", "scannet", "nyu"] = "auto"
    colour_map: ColoursChoice = "auto"
    holes: HolesChoice = "inpaint"
    empty: EmptyField = "auto"
    range: RangeField = "auto"
    frame: FrameChoice = "auto"
    deband: bool = False
    from_photo: Annotated[str, Field(min_length=1)] | None = None
    part: str | None = None
    alpha_mask: bool = False
    allow_constant: bool = False
    max_pixels: Annotated[int, Field(ge=MIN_SIDE**2, le=MOST_PIXELS)] = MAX_PIXELS

    @property
    def holes_said(self) -> bool:
        """Whether somebody said what becomes of holes, and did not leave it to the default."""
        return "holes" in self.model_fields_set

    @property
    def fill(self) -> HolesChoice:
        """What becomes of holes. Transparent ones are the background of what was cut out, unless said."""
        return "far" if self.alpha_mask and not self.holes_said else self.holes
