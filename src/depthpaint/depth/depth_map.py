"""A depth map: the settings for reading its file, the conclusions about it, and its values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal, Never, cast, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, Field

from depthpaint.core.geometry import Extent
from depthpaint.core.setting import UNSET, ResolvedGroup, Setting, SettingsGroup, Unset, Whole, no_boolean
from depthpaint.formats.samples import MAX_PIXELS, MIN_SIDE, MOST_PIXELS, FormatName

ProfileName = Literal["midas", "depth-anything", "zoe"]
PROFILES: tuple[ProfileName, ...] = get_args(ProfileName)
"""midas and depth-anything: disparity from least to greatest (the depth ControlNets of Stable Diffusion 1.5
and 2, and most of SDXL's). zoe: distance, nearest is 1, from its 2nd to its 85th percentile (ControlNet
depth-zoe)."""

_ZOE_PERCENTILES = (0.02, 0.85)


def in_terms_of(
    values: NDArray[np.float32], profile: ProfileName, far_over_near: float
) -> NDArray[np.float32]:
    """Depth float32 (H, W), 1 = nearest, in the form that a network of this profile expects; in [0, 1].

    `values` is disparity in [0, 1]; `far_over_near` how many times as far its 0 is as its 1 (> 1).
    """
    if profile != "zoe":
        return values
    # 1/z runs linearly from 1/far to 1/near; in units of the near plane.
    distance = 1 / (1 / far_over_near + values.astype(np.float64) * (1 - 1 / far_over_near))
    near, far = np.quantile(distance, _ZOE_PERCENTILES)
    if near == far:
        return values
    return np.clip((far - distance) / (far - near), 0, 1).astype(np.float32)


NearChoice = Literal["auto", "white", "black"]
KindChoice = Literal["auto", "disparity", "distance"]
HolesChoice = Literal["auto", "inpaint", "far", "free"]
Fill = Literal["inpaint", "far", "free"]
UnitChoice = Literal["auto", "m", "cm", "mm", "km", "ft", "kitti", "tum", "scannet", "nyu"]
ColoursChoice = Literal[
    "auto", "gray", "bone", "jet", "turbo", "rainbow", "hsv", "viridis", "plasma", "inferno", "magma",
    "cividis", "hot", "coolwarm", "Spectral", "realsense", "rgb24", "bgr24",
]  # fmt: skip
METRES: dict[str, float] = {
    "m": 1.0, "cm": 1e-2, "mm": 1e-3, "km": 1e3, "ft": 0.3048,
    "kitti": 1 / 256, "tum": 1 / 5000, "scannet": 1e-3, "nyu": 1e-3,
}  # fmt: skip
"""Metres that one stored unit is. KITTI: 256 units a metre; TUM RGB-D: 5000; ScanNet, NYU v2: millimetres."""
LEAST_STEP, MOST_STEP = 1e-12, 1e9
"""Metres that one stored unit may be."""

RANGE_RULE = "a range is auto, full, or LOW:HIGH in the file's own numbers, such as 0.5:12"
FRAME_RULE = "frame is auto, keep, cut, or LEFT,TOP,RIGHT,BOTTOM in pixels, such as 320,0,640,240"
EMPTY_RULE = "empty is auto, none, or the numbers that stand for no measurement, such as 0,65535"
UNIT_RULE = (
    f"must be auto, {', '.join(METRES)}, or the metres of one stored step, a number from {LEAST_STEP:g} to "
    f"{MOST_STEP:g} with a decimal point, such as 0.0001"
)
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


def unit_or_step(value: object) -> object:
    """A unit's name as it is, or the metres of one stored step as a float; raises ValueError."""
    if isinstance(value, str) and value in get_args(UnitChoice):
        return value
    try:
        step = float(cast("float | str", no_boolean(value)))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(UNIT_RULE) from error
    if not LEAST_STEP <= step <= MOST_STEP:  # NaN, too
        raise ValueError(UNIT_RULE)
    return step


def metres_of(unit: UnitChoice | float) -> float | None:
    """Metres that one stored number of this unit is; None for "auto"."""
    return METRES.get(unit) if isinstance(unit, str) else unit


def _empty(value: object) -> object:
    if not isinstance(value, str) or value == "auto":
        return value
    try:
        return () if value == "none" else tuple(float(number) for number in value.split(","))
    except ValueError as error:
        raise ValueError(EMPTY_RULE) from error


def _frame(value: object) -> object:
    if not isinstance(value, str) or value in ("auto", "keep", "cut"):
        return value
    try:
        left, top, right, bottom = (int(side) for side in value.split(","))
    except ValueError as error:
        raise ValueError(FRAME_RULE) from error
    return left, top, right, bottom


def _frame_in_order(value: FrameChoice) -> FrameChoice:
    if isinstance(value, tuple) and not (0 <= value[0] < value[2] and 0 <= value[1] < value[3]):
        raise ValueError(FRAME_RULE)
    return value


Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, the last two excluded."""
FrameChoice = Box | Literal["auto", "keep", "cut"]
FrameField = Annotated[FrameChoice, AfterValidator(_frame_in_order), BeforeValidator(_frame)]
Range = tuple[float, float] | Literal["auto", "full"]
UnitField = Annotated[
    UnitChoice | Annotated[float, Field(ge=LEAST_STEP, le=MOST_STEP)], BeforeValidator(unit_or_step)
]
RangeField = Annotated[Range, AfterValidator(_range_in_order), BeforeValidator(_range)]
EmptyField = Annotated[tuple[float, ...] | Literal["auto"], BeforeValidator(_empty)]


FrameIndex = Annotated[Whole, Field(ge=0)]


class ReadingFields(SettingsGroup[Unset], frozen=True):
    """How the numbers of a depth file are interpreted."""

    near: Annotated[
        NearChoice | Unset,
        Setting("Which end of the stored numbers is near: white is the high one.", PANEL, "auto"),
    ] = UNSET
    kind: Annotated[
        KindChoice | Unset,
        Setting("Whether numbers grow with nearness (disparity) or are distances.", PANEL, "auto"),
    ] = UNSET
    unit: Annotated[
        UnitField | Unset,
        Setting(
            "Unit of the distances, the data set that they follow, or the metres of one stored step, "
            "like 0.0001.", PANEL, "auto", metavar="UNIT",
        ),
    ] = UNSET  # fmt: skip
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
            "auto fills holes, and makes far transparent pixels and what surrounds a thing.",
            PANEL,
            "auto",
        ),
    ] = UNSET
    empty: Annotated[
        EmptyField | Unset,
        Setting("Numbers that mean no depth: auto, none, or a list like 0,65535.", PANEL, "auto"),
    ] = UNSET
    frame: Annotated[
        FrameField | Unset,
        Setting(
            "Bars, page margins or a photo beside the map: cut off, or keep; "
            "or the map's box LEFT,TOP,RIGHT,BOTTOM in pixels.",
            PANEL,
            "auto",
        ),
    ] = UNSET
    part: Annotated[
        str | Unset | None, Setting("Array of an NPZ, or channel of an EXR.", PANEL, None, metavar="NAME")
    ] = UNSET
    frame_index: Annotated[
        FrameIndex | Unset | None,
        Setting(
            "Frame of an array (frames, height, width), page of a TIFF or part of an EXR; 0 is the first.",
            PANEL,
            None,
            metavar="N",
        ),
    ] = UNSET
    flip: Annotated[
        bool | Unset | None,
        Setting("Turn the map upside down, as for a PFM whose rows begin at the top.", PANEL, None),
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
    """All settings for reading a depth file, with their defaults.

    `near` is the near end of the stored numbers ("white" is the high one); `kind` says whether they
    grow with nearness ("disparity") or are distances; `unit` makes distances metric: a key of METRES, or
    the metres of one stored step; `colour_map` is the map that a colour picture is drawn with; `holes` the
    treatment of pixels without depth; `empty` the numbers that mark such pixels; `range` the numbers that
    span far to near, in stored units; `frame` what becomes of bars, page margins and a photo beside the map,
    or the map's box; `part` the key or channel inside a container, `frame_index` the frame in a file of
    several; `flip` whether it is turned upside down (None: no, but a PFM that seems to need it is an error);
    `from_photo` the estimator (a name or a folder) that estimates depth from a photo; `max_pixels` limits the
    size of a map, and with it memory (samples.MAX_PIXELS).
    """

    max_pixels: Annotated[MaxPixels, MAX_PIXELS_SETTING] = UNSET


Aspect = Literal["frame", "colour_map", "holes", "near", "kind", "unit", "range", "bits", "banding"]
LEAST_CONFIDENCE = 0.75
"""A conclusion that decides the picture, with a lower confidence, is an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A conclusion. `confidence` is in [0, 1], 1 for what the user or the file states.

    `evidence` is the reason in words; `flag` the option that overrides it on the command line.
    """

    aspect: Aspect
    value: str
    confidence: float
    evidence: str
    flag: str


Near = Literal["white", "black"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthSource:
    """The origin of a depth map and how it was interpreted.

    `size` is that of the upright map, without what surrounds it in the file. `container_bits` is the number
    of bits per value of the file's format, `bits_used` those needed for its `levels` distinct values.
    `colour_map` is a name of colour_maps.NAMES, "rgb24" or "bgr24". `near` is the near end of the stored
    numbers, `kind` whether they grow with nearness or are distances, `metres` how many metres one of them is
    (None if unknown). `raw_range` is the smallest and the largest valid number as stored (for a colour map:
    position in it, 0 to 1), `used_range` the part that spans far to near, `far_over_near` how many times as
    far the far end is (scale.RATIO if unknown). `invalid_share` in [0, 1] is the share that was filled or
    left free. `findings` are the conclusions with reasons; `reading` repeats them as settings, so that the
    same file is interpreted the same way again; `notes` are texts to show. `frame` is the box of the map in
    the picture, if something around it was cut off: left, top, right, bottom in pixels, the last two
    excluded. `estimator` is the estimator of a photo's depth, with the digest of its weights and their
    revision on the hub ("" for a folder's); all three are "" if the file holds depth.
    """

    path: str
    sha256: str
    format: FormatName
    size: Extent
    container_bits: int
    bits_used: int
    levels: int
    colour_map: str
    near: Near
    kind: Literal["disparity", "distance"]
    metres: float | None
    raw_range: tuple[float, float]
    used_range: tuple[float, float]
    far_over_near: float
    invalid_share: float
    findings: tuple[Finding, ...]
    reading: DepthReading
    notes: tuple[str, ...] = ()
    frame: tuple[int, int, int, int] | None = None
    estimator: str = ""
    estimator_revision: str = ""
    estimator_sha256: str = ""

    @property
    def unit(self) -> str | None:
        """The unit of the distances, like "mm" or "0.0001 m", stated or likely; None if it is not known."""
        found = self.finding("unit")
        return None if found is None or self.metres_per_step is None else found.value.partition(":")[0]

    @property
    def metres_per_step(self) -> float | None:
        """How many metres one stored number is, as stated or as is likely; None if it is not known."""
        found = self.finding("unit")
        likely = None if found is None else METRES.get(found.value.partition(":")[0])
        return likely if self.metres is None else self.metres

    def finding(self, aspect: Aspect) -> Finding | None:
        """The conclusion about one aspect, if there is one."""
        return next((finding for finding in self.findings if finding.aspect == aspect), None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DepthMap:
    """Depth in the form that Stable Diffusion's depth networks expect.

    `values` is float32 (H, W) in [0, 1], 1 = nearest, 0 = farthest, disparity-like. `valid` is bool (H, W);
    where it is false nothing was measured, and `values` contains the filling of the holes.
    """

    values: NDArray[np.float32]
    valid: NDArray[np.bool_]
    source: DepthSource
