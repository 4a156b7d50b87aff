"""Sixteen kinds of scene, half of them chosen to tune thresholds on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from doctor_bench.geometry import Camera, Floats, Size, Solid, render
from doctor_bench.indoors import (
    body_scene,
    bust_scene,
    corridor_scene,
    grasp_scene,
    object_scene,
    room_scene,
    shelves_scene,
    stairs_scene,
    table_scene,
    turntable_scene,
    wall_scene,
)
from doctor_bench.outdoors import aerial_scene, crossing_scene, forest_scene, street_scene, terrain_scene
from doctor_bench.things import Rng

Half = Literal["chosen", "held-out"]
Place = Literal["close", "inside", "outside", "alone"]
"""Within two metres; in a building; outdoors; or an object before nothing."""
SIZES: tuple[Size, ...] = ((160, 120), (200, 150), (240, 180), (320, 240), (256, 144), (160, 160), (208, 208))
WIDE: tuple[Size, ...] = ((320, 96), (320, 160), (256, 144), (240, 135), (320, 240))


@dataclass(frozen=True)
class Scene:
    """`distance` (H, W) in metres along the camera's axis, infinity where there is nothing."""

    kind: str
    camera: Camera
    distance: Floats


Builder = Callable[[Rng, Size, bool], tuple[Camera, list[Solid]]]
"""Of the picture's size; True for upright pictures, as people take them, and False for mounted cameras."""


@dataclass(frozen=True)
class Kind:
    """A kind of scene. Thresholds may be tuned on those that are "chosen", and not on the others."""

    build: Builder
    half: Half
    place: Place
    sizes: tuple[Size, ...] = SIZES


KINDS: dict[str, Kind] = {
    "table": Kind(table_scene, "chosen", "close"),
    "object": Kind(object_scene, "chosen", "alone"),
    "room": Kind(room_scene, "chosen", "inside"),
    "street": Kind(street_scene, "chosen", "outside", WIDE),
    "bust": Kind(bust_scene, "chosen", "close"),
    "stairs": Kind(stairs_scene, "chosen", "inside"),
    "terrain": Kind(terrain_scene, "chosen", "outside"),
    "wall": Kind(wall_scene, "chosen", "close"),
    "grasp": Kind(grasp_scene, "held-out", "close"),
    "turntable": Kind(turntable_scene, "held-out", "alone"),
    "corridor": Kind(corridor_scene, "held-out", "inside"),
    "crossing": Kind(crossing_scene, "held-out", "outside", WIDE),
    "body": Kind(body_scene, "held-out", "inside"),
    "shelves": Kind(shelves_scene, "held-out", "inside"),
    "forest": Kind(forest_scene, "held-out", "outside"),
    "aerial": Kind(aerial_scene, "held-out", "outside"),
}


def make_scene(name: str, rng: Rng, upright: bool) -> Scene:
    """A random scene of a kind, in which something is visible."""
    kind = KINDS[name]
    while True:
        camera, solids = kind.build(rng, kind.sizes[rng.integers(len(kind.sizes))], upright)
        distance = render(camera, solids)
        seen = np.isfinite(distance)
        if seen.mean() > 0.01 and np.ptp(distance[seen]) > 0.02 * distance[seen].min():
            return Scene(name, camera, distance)
