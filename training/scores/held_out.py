"""Worlds that nobody trained on, rendered: what a painter is asked for, and what it should look like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from training.worlds.caption import full_caption, visible_named
from training.worlds.degrade import scaled
from training.worlds.families import random_world
from training.worlds.render import render_worlds
from training.worlds.shards import HELD_OUT_SEED, Area
from training.worlds.world import World

Picture = NDArray[np.uint8]

ASKED, TWIN = 2, 3
"""What follows HELD_OUT_SEED in a world's seed: 1 are the sample sheet's."""
LEARNED = 2
"""Seed of the worlds that the classifiers learn from; 0 and 1 are the shards'."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """World number `index`: its `render` (H, W, 3), exact disparity (H, W) in [0, 1] and names (H, W).

    `nearness` (H, W) is disparity before it is stretched, 1 over metres. `ids` index `world.named`, 0 for
    nothing; `visible` are those that a caption speaks of, largest first. Two are never equal: caches may keep
    them.
    """

    index: int
    world: World
    render: Picture
    disparity: NDArray[np.float32]
    nearness: NDArray[np.float32]
    ids: NDArray[np.int16]
    visible: tuple[int, ...]

    @property
    def caption(self) -> str:
        """The full caption: all that decides the look."""
        return full_caption(self.world, self.visible)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.ids.shape[1], self.ids.shape[0]

    @property
    def ratio(self) -> str:
        """Width over height as it is called in the table, such as 1.67."""
        return f"{self.size[0] / self.size[1]:.2f}"

    def mask(self, named: int) -> NDArray[np.bool_]:
        """Where (H, W) the thing of that name is seen."""
        return self.ids == named


def drawn(index: int, world: World, size: tuple[int, int]) -> HeldOut:
    """Render `world` at `size` (width, height)."""
    found = render_worlds([world], *size)
    return HeldOut(
        index=index,
        world=world,
        render=(found.picture[0].numpy() * 255).round().astype(np.uint8),
        disparity=scaled(found.disparity[0].numpy()),
        nearness=found.disparity[0].numpy(),
        ids=found.ids[0].numpy(),
        visible=visible_named(found.ids[0], len(world.named)),
    )


def held_out_worlds(count: int, area: Area, first: int = 0) -> Iterator[HeldOut]:
    """`count` held-out worlds from number `first` on at the sizes of `area`; world k is always the same."""
    yield from (_numbered(k, (HELD_OUT_SEED, ASKED, k), area) for k in range(first, first + count))


@lru_cache(maxsize=16)
def twin_of(asked: HeldOut) -> HeldOut:
    """Another world of the same family, style and size."""
    width, height = asked.size
    world = random_world(
        np.random.default_rng((HELD_OUT_SEED, TWIN, asked.index)),
        family=asked.world.family,
        ratio=width / height,
        style=asked.world.style,
    )
    return drawn(asked.index, world, asked.size)


def _numbered(index: int, seed: tuple[int, ...], area: Area) -> HeldOut:
    width, height = area.sizes[index % len(area.sizes)]
    return drawn(index, random_world(np.random.default_rng(seed), ratio=width / height), (width, height))
