"""One painted picture in a report, with its depth, and the command that paints it again."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthpaintError
from depthpaint.core.geometry import Extent
from depthpaint.depth.compare import compared_size
from depthpaint.depth.read import read_depth
from depthpaint.depth.resize import depth_at
from depthpaint.depth.slopes import with_chance
from depthpaint.record.paths import path_from_text
from depthpaint.record.picture_source import pixels_of, recorded_depth, recorded_init
from depthpaint.record.run_record import RunRecord
from depthpaint.record.sections import AgreementFacts
from depthpaint.report.account import Painted
from depthpaint.report.document import Shown, shortened
from depthpaint.report.recipe import recipe

SIDE, DEPTH_SIDE = 640, 384
"""Pixels of the longer side: of a picture, and of its depth maps."""
QUALITY = 80

Panels = Callable[[Painted, NDArray[np.uint8]], NDArray[np.uint8] | None]
"""Draws a picture's depth beside its map, as `verify --maps` does; None if that is not possible."""


def thumbnail(pixels: NDArray[np.uint8], side: int = DEPTH_SIDE) -> bytes:
    """A JPEG of uint8 (H, W, 3), or (H, W) gray, with sides of at most `side` pixels."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    data = BytesIO()
    picture.save(data, "JPEG", quality=QUALITY, optimize=True)
    return data.getvalue()


DIFFERENCE = "difference (red: nearer, blue: farther)"
VERIFIED = "-verified.png"
"""Panels beside a picture: expected and estimated depth and their difference, as in `verify --maps`."""


def shown(
    painted: Painted, name: str, maps: Path | None = None, panels: Panels | None = None
) -> Shown | None:
    """The picture with its depth and facts; None if its pixels cannot be read.

    `maps` is a folder with the depth maps, if they are neither at the recorded place nor beside the pictures.
    `panels` draws the estimated depth of a verified picture, unless `verify --maps` saved it beside.
    """
    pixels = _pixels(painted.path)
    if pixels is None:
        return None
    file = _depth_file(painted, maps)
    depths = _depths(painted, pixels, file, panels)
    settings, agreement = painted.record.settings, painted.record.agreement
    facts = [
        f"seed {settings.seed}, {_steps(painted.record)} of {settings.sampler}, "
        f"guidance {settings.guidance_scale:g}, strength {settings.control_strength:g}, {settings.model}",
        *([] if agreement is None else [_agreed(agreement)]),
        *(["; ".join(painted.record.warnings)] if painted.record.warnings else []),
    ]
    return Shown(
        {
            "picture": thumbnail(pixels, SIDE),
            **{label: thumbnail(each, DEPTH_SIDE) for label, each in depths.items()},
        },
        caption=f"{shortened(name)}: {shortened(settings.prompt)}",
        facts=tuple(map(shortened, facts)),
        recipe=recipe(painted.record, file, _init_file(painted)),
    )


def _steps(record: RunRecord) -> str:
    """How many steps ran, and of how many if a picture to start from spared the first."""
    total, ran = record.settings.num_inference_steps, len(record.plan.timesteps)
    if record.settings.init is None:
        return f"{total} steps"
    return f"the last {ran} of {total} steps (from {path_from_text(record.settings.init)})"


def _agreed(agreement: AgreementFacts) -> str:
    score = with_chance(agreement.depth_agreement, agreement.mirrored_agreement)
    others = f"edges {agreement.edge_f_score:.2f}, rank correlation {agreement.rank_correlation:.3f}"
    return f"depth agreement {score}, {others}, by {agreement.estimator}"


def _depths(
    painted: Painted, pixels: NDArray[np.uint8], file: Path | None, panels: Panels | None
) -> dict[str, NDArray[np.uint8]]:
    width, height = compared_size(Extent(pixels.shape[1], pixels.shape[0]))
    drawn = _pixels(painted.path.with_name(painted.path.stem + VERIFIED))
    if drawn is not None and drawn.shape[:2] != (height, 4 * width):
        drawn = None
    if drawn is None and panels is not None and painted.record.agreement is not None:
        drawn = panels(painted, _small(pixels))
    if drawn is not None:
        _, expected, estimated, difference = np.split(drawn, 4, axis=1)
        return {"expected depth": expected, "estimated depth": estimated, DIFFERENCE: difference}
    expected = None if file is None else _expected(painted, Extent(width, height), file)
    return {} if expected is None else {"expected depth": expected}


def _depth_file(painted: Painted, maps: Path | None) -> Path | None:
    """The picture's depth map, if it is found unchanged."""
    try:
        return recorded_depth(painted.record, painted.path, maps)
    except DepthpaintError:
        return None


def _init_file(painted: Painted) -> Path | None:
    """The picture that it starts from, if it is found unchanged."""
    try:
        return recorded_init(painted.record, painted.path)
    except DepthpaintError:
        return None


def _expected(painted: Painted, size: Extent, file: Path) -> NDArray[np.uint8] | None:
    """The depth map fitted to the picture; not that of a photo, which would have to be estimated."""
    settings = painted.record.settings
    if settings.reading.from_photo is not None:
        return None
    try:
        depth = read_depth(file, settings.reading)
    except DepthpaintError:
        return None
    values, _ = depth_at(depth, size, settings.fit)
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture at the size at which its depth is shown: estimating it takes a fraction of the time."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((DEPTH_SIDE, DEPTH_SIDE), Image.Resampling.BOX)
    return np.asarray(picture)


def _pixels(path: Path) -> NDArray[np.uint8] | None:
    try:
        return pixels_of(path)
    except DepthpaintError:
        return None
