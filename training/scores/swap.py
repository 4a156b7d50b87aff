"""What one word decides, and what depth decides: the same world painted with only that exchanged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from depthpaint.depth.compare import rank_correlation
from training.scores.colour import asked_colours, has_colour
from training.scores.depth import Seer
from training.scores.held_out import HeldOut, Picture, drawn, twin_of
from training.scores.painting import Paint
from training.worlds.palette import COLOURS
from training.worlds.recolour import recoloured

FAR_COLOURS = ("red", "blue", "yellow", "green", "white", "black")
"""What a thing may be painted in instead: the one that is farthest from its own colour."""


@dataclass(frozen=True, slots=True)
class ColourSwap:
    """Mean change in 8-bit steps `inside` the thing and `outside`; `right` where it has the new colour."""

    inside: float
    outside: float
    right: bool


def swapped_colour(asked: HeldOut) -> tuple[HeldOut, int, str] | None:
    """The world with its largest asked-for thing in another colour; the thing's name, the new colour.

    None where no thing is asked for in both colours.
    """
    for named in asked_colours(asked):
        old = asked.world.named[named].colour or ""
        colour = max(FAR_COLOURS, key=lambda word: float(np.linalg.norm(np.subtract(*_tones(old, word)))))
        other = drawn(asked.index, recoloured(asked.world, named, colour), asked.size)
        if named in asked_colours(other):
            return other, named, colour
    return None


def _tones(*words: str) -> list[np.ndarray]:
    return [np.sqrt(COLOURS[word]) for word in words]


def colour_swap(asked: HeldOut, picture: Picture, paint: Paint) -> ColourSwap | None:
    """Paint `asked` with one colour word exchanged; `picture` (H, W, 3) is its painting as it was."""
    swap = swapped_colour(asked)
    if swap is None:
        return None
    other, named, colour = swap
    again = paint(other)
    change = np.abs(again.astype(np.float64) - picture).mean(axis=-1)
    mask = asked.mask(named)
    return ColourSwap(
        float(change[mask].mean()), float(change[~mask].mean()), has_colour(other, again, named, colour)
    )


@dataclass(frozen=True, slots=True)
class DepthSwap:
    """Rank correlation, in [-1, 1], of what is seen with the depth that was put in, and the `old` one.

    `between` is that of the two depths themselves: what a painter who obeys scores on the old one.
    """

    new: float
    old: float
    between: float


def depth_swap(asked: HeldOut, paint: Paint, seer: Seer) -> DepthSwap:
    """Paint the caption of `asked` on the depth of its twin."""
    depth = twin_of(asked).disparity
    seen = seer.estimate(paint(replace(asked, disparity=depth)))
    return DepthSwap(
        new=rank_correlation(depth, seen),
        old=rank_correlation(asked.disparity, seen),
        between=rank_correlation(asked.disparity, depth),
    )
