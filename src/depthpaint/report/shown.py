"""One painted picture for a report's eyes: it, the depth that was asked for, and how the two agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import DepthpaintError
from depthpaint.core.geometry import Extent
from depthpaint.depth.compare import compared_size
from depthpaint.depth.fit import depth_at
from depthpaint.depth.read import read_depth
from depthpaint.record.picture_source import pixels_of, recorded_depth
from depthpaint.record.sections import AgreementFacts
from depthpaint.report.document import Shown, shortened
from depthpaint.report.gathering import Painted
from depthpaint.report.recipe import recipe
from depthpaint.report.thumbnail import thumbnail

VERIFIED = "-verified.png"
"""Beside a picture: itself, asked depth, seen depth and their difference, as `verify --maps` draws them."""


def shown(painted: Painted, name: str, maps: Path | None = None) -> Shown | None:
    """The picture with what is known of its depth; None where its pixels cannot be read.

    `maps` is a folder with the depth maps, where they are neither where they were nor beside the pictures.
    """
    pixels = _pixels(painted.path)
    if pixels is None:
        return None
    pictures = {"picture": pixels, **_depths(painted, pixels, maps)}
    settings, found = painted.record.settings, painted.record.agreement
    facts = [
        f"seed {settings.seed}, {settings.num_inference_steps} steps of {settings.sampler}, "
        f"guidance {settings.guidance_scale:g}, strength {settings.control_strength:g}, {settings.model}",
        *([] if found is None else [_agreed(found)]),
        *(["; ".join(painted.record.warnings)] if painted.record.warnings else []),
    ]
    return Shown(
        {label: thumbnail(each) for label, each in pictures.items()},
        caption=f"{shortened(name)}: {shortened(settings.prompt)}",
        facts=tuple(map(shortened, facts)),
        recipe=recipe(painted.record),
    )


def _agreed(found: AgreementFacts) -> str:
    scores = f"agreement {found.rank_correlation:.3f}, of detail {found.detail_correlation:.3f}"
    return f"{scores}, edges {found.edge_f_score:.2f}, seen by {found.estimator}"


def _depths(painted: Painted, pixels: NDArray[np.uint8], maps: Path | None) -> dict[str, NDArray[np.uint8]]:
    width, height = compared_size(Extent(pixels.shape[1], pixels.shape[0]))
    drawn = _pixels(painted.path.with_name(painted.path.stem + VERIFIED))
    if drawn is not None and drawn.shape[:2] == (height, 4 * width):
        asked, seen, parted = (drawn[:, k * width : (k + 1) * width] for k in (1, 2, 3))
        return {"asked depth": asked, "seen depth": seen, "where they part": parted}
    asked = _asked(painted, Extent(width, height), maps)
    return {} if asked is None else {"asked depth": asked}


def _asked(painted: Painted, size: Extent, maps: Path | None) -> NDArray[np.uint8] | None:
    """The depth as the picture should have it, where its file is still what it was."""
    settings = painted.record.settings
    if settings.reading.from_photo is not None:
        return None
    try:
        depth = read_depth(recorded_depth(painted.record, painted.path, maps), settings.reading)
    except DepthpaintError:
        return None
    values, _ = depth_at(depth, size, settings.fit)
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def _pixels(path: Path) -> NDArray[np.uint8] | None:
    try:
        return pixels_of(path)
    except DepthpaintError:
        return None
