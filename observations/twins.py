"""Depth maps of rendered worlds, in the files that people have: colour-mapped, cut, of odd sizes and numbers.

    python -m observations.twins

writes the eight maps and `twins.csv` beside it. Each stands for a kind of map met in practice.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.depth.colour_map import ColourMapName, colours_of
from training.worlds.families import random_world
from training.worlds.render import render_worlds
from training.worlds.shards import scaled_disparity
from training.worlds.world import World as RenderedWorld

HERE = Path(__file__).parent / "twins"
SEED = 12345
WIDE = 940 / 564

Map = NDArray[np.float32]
Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True, slots=True)
class World:
    """Which world is rendered: a family, the number of the draw, and the shape of the picture."""

    family: str
    draw: int
    ratio: float = 1.0

    def _world(self) -> RenderedWorld:
        rng = np.random.default_rng((2026, self.draw))
        return random_world(rng, family=self.family, ratio=self.ratio, style="photo")

    def disparity(self, height: int) -> Map:
        """Its depth map (height, height x ratio) in [0, 1], 1 = nearest."""
        drawn = render_worlds([self._world()], round(height * self.ratio), height, depth_only=True)
        return scaled_disparity(drawn.disparity)[0].numpy()

    def picture(self, height: int) -> NDArray[np.uint8]:
        """What it looks like: (height, height x ratio, 3)."""
        drawn = render_worlds([self._world()], round(height * self.ratio), height)
        return np.rint(drawn.picture[0].numpy() * 255).astype(np.uint8)


WORLDS = {
    "1.png": World("mountains", 6),
    "2_nocrop.png": World("bedroom", 4, WIDE),
    "3.png": World("snowy mountains", 5),
    "4.png": World("bedroom", 1),
    "5.png": World("cupboard wall", 5),
    "6.npy": World("chair room", 7),
    "7.npy": World("house in the forest", 3),
}
"""All but 2.png, which is the middle of 2_nocrop.png."""


def true_picture(name: str, height: int) -> NDArray[np.uint8]:
    """The render that belongs to a map, `height` pixels high."""
    if name in WORLDS:
        return WORLDS[name].picture(height)
    whole = WORLDS["2_nocrop.png"].picture(height)
    return np.ascontiguousarray(_middle(whole))


def _middle(wide: NDArray[Kind]) -> NDArray[Kind]:
    height, width = wide.shape[:2]
    margin = (width - height) // 2
    return wide[:, margin : margin + height]


def write_twins() -> None:
    """Write all eight and their table."""
    HERE.mkdir(parents=True, exist_ok=True)
    bedroom = WORLDS["2_nocrop.png"].disparity(564)
    _mapped("1.png", WORLDS["1.png"].disparity(168), "bone")
    _mapped("2.png", _middle(bedroom), "bone")
    _mapped("2_nocrop.png", bedroom, "bone")
    _mapped("3.png", WORLDS["3.png"].disparity(177), "bone")
    _mapped("4.png", WORLDS["4.png"].disparity(1334), "bone")
    _mapped("5.png", WORLDS["5.png"].disparity(512), "turbo", swapped=True)
    np.save(HERE / "6.npy", _with_holes(WORLDS["6.npy"].disparity(320)), allow_pickle=False)
    house = WORLDS["7.npy"].disparity(338)
    np.save(HERE / "7.npy", np.rint(house * 255).astype(np.uint8), allow_pickle=False)
    with (HERE / "twins.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("depth", "prompt", "seed", "near"))
        rows.writerows((name, prompt, SEED, NOT_DARED.get(name)) for name, prompt in PROMPTS.items())


PROMPTS = {
    "1.png": "a landscape with a desert and mountains in the background",
    "2.png": "a luxury bedroom",
    "2_nocrop.png": "a luxury bedroom",
    "3.png": "snowy mountains",
    "4.png": "a luxury bedroom at sunset",
    "5.png": "a wall with a cupboard",
    "6.npy": "a room with a chair",
    "7.npy": "a house in the forest",
}

NOT_DARED = {"2_nocrop.png": "white"}
"""Maps whose near end the depth doctor is not sure of, and which end it is."""


def _mapped(name: str, disparity: Map, colours: ColourMapName, *, swapped: bool = False) -> None:
    """Save a map as the colours of a colour map, nearest last."""
    table = np.rint(colours_of(colours, swapped)).astype(np.uint8)
    Image.fromarray(table[np.rint(disparity * 255).astype(np.uint8)]).save(HERE / name, optimize=True)


def _with_holes(disparity: Map) -> Map:
    """A map in units of its own, whose upper right corner has no depth and noise about zero there."""
    rng = np.random.default_rng(SEED)
    values = np.float32(11.3) + np.float32(26.1) * disparity
    height, width = values.shape
    rows, columns = slice(0, height // 6), slice(width - width // 7, width)
    values[rows, columns] = rng.normal(0, 0.4, values[rows, columns].shape).astype(np.float32)
    return values.astype(np.float32)


if __name__ == "__main__":
    write_twins()
