"""What stands where, in which colours and which light: a random scene, before anything is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from depthpaint.training.scenes.palette import COLOURS, GROUNDS, LIGHTS, SHAPES


@dataclass(frozen=True, slots=True)
class Thing:
    """A shape on the floor. Lengths in metres, `turn` in radians; x to the right, z away from the camera."""

    shape: str
    colour: str
    shiny: bool
    x: float
    z: float
    radius: float
    height: float
    depth: float
    turn: float


@dataclass(frozen=True, slots=True)
class Camera:
    """Eye height in metres, downward pitch in radians, half the vertical opening as a tangent."""

    height: float
    pitch: float
    tangent: float


@dataclass(frozen=True, slots=True)
class Scene:
    """Things on a floor before a wall (`wall` names its colour) or under the sky (`wall` is empty)."""

    things: tuple[Thing, ...]
    floor: str
    wall: str
    brick: bool
    wall_distance: float
    light: str
    sun_azimuth: float
    sun_elevation: float
    camera: Camera

    @property
    def indoors(self) -> bool:
        """Whether a wall closes the scene."""
        return bool(self.wall)


def random_scene(
    rng: np.random.Generator, shapes: tuple[str, ...], *, indoors: bool, light: str, ratio: float
) -> Scene:
    """Draw a scene that holds `shapes`, so that scenes of one structure can be rendered together.

    `ratio` is width over height of the picture: wide pictures spread their things wider.
    """
    names = list(COLOURS)
    colours = [str(c) for c in rng.choice(names, size=len(shapes) + 2, replace=False)]
    camera = Camera(rng.uniform(1.1, 2.7), math.radians(rng.uniform(5, 17)), rng.uniform(0.44, 0.60))
    spread = camera.tangent * ratio
    slots = rng.permutation(len(shapes))
    things: list[Thing] = []
    for index, shape in enumerate(shapes):
        z = rng.uniform(3.6, 6.6)
        lane = (slots[index] + 0.5 + rng.uniform(-0.3, 0.3)) / len(shapes) * 2 - 1
        x = lane * spread * z * 0.85
        radius = rng.uniform(0.45, 1.0) * min(1.0, 0.55 + 0.45 * ratio)
        height = 2 * radius * rng.uniform(0.6, 1.6) if shape != "cone" else 2 * radius * rng.uniform(0.9, 1.6)
        depth = radius * rng.uniform(0.7, 1.3)
        things.append(
            Thing(
                shape,
                colours[index],
                rng.random() < 0.25,
                x,
                z,
                radius,
                height,
                depth,
                rng.uniform(0, math.pi),
            )
        )
    return Scene(
        things=tuple(things),
        floor=_random_floor(rng, colours[-2], indoors),
        wall=colours[-1] if indoors else "",
        brick=indoors and rng.random() < 0.1,
        wall_distance=rng.uniform(7.5, 11.0),
        light=light,
        sun_azimuth=rng.uniform(-2.2, 2.2),
        sun_elevation=math.radians(rng.uniform(*LIGHTS[light].elevation)),
        camera=camera,
    )


def random_structure(rng: np.random.Generator) -> tuple[tuple[str, ...], bool, str]:
    """Draw what a batch of scenes shares: shapes (one to three, each once), indoors or not, and the light."""
    count = int(rng.choice([1, 2, 3], p=[0.2, 0.45, 0.35]))
    shapes = tuple(str(s) for s in rng.choice(list(SHAPES), size=count, replace=False))
    weights = np.array([light.weight for light in LIGHTS.values()])
    return shapes, rng.random() < 0.6, str(rng.choice(list(LIGHTS), p=weights / weights.sum()))


def _random_floor(rng: np.random.Generator, colour: str, indoors: bool) -> str:
    """A plain colour two times in three, otherwise a ground that belongs here."""
    if rng.random() < 0.66:
        return colour
    return str(rng.choice([name for name, g in GROUNDS.items() if (g.indoors if indoors else g.outdoors)]))
