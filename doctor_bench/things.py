"""Things that scenes are made of, each a list of solids: objects, furniture, people, cars, houses, trees."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from doctor_bench.geometry import Box, Cylinder, Ellipsoid, Floats, Plane, Point, Solid, sphere, turned

Rng = np.random.Generator
Thing = list[Solid]


def floor(level: float = 0.0) -> Plane:
    """A horizontal plane."""
    return Plane((0, level, 0), (0, 1, 0))


def carton(rng: Rng, x: float, z: float, size: float, level: float = 0.0) -> Thing:
    """A box that stands on `level`."""
    half = rng.uniform(0.3, 1.0, 3) * size / 2
    return [Box((x, level + half[1], z), _point(half), turned(rng.uniform(0, 180)))]


def tin(rng: Rng, x: float, z: float, size: float, level: float = 0.0) -> Thing:
    """A cylinder, upright or lying."""
    radius, length = size * rng.uniform(0.15, 0.35), size * rng.uniform(0.5, 1.0)
    if rng.random() < 0.7:
        return [Cylinder((x, level, z), (x, level + length, z), radius)]
    turn = rng.uniform(0, np.pi)
    dx, dz = np.cos(turn) * length / 2, np.sin(turn) * length / 2
    return [Cylinder((x - dx, level + radius, z - dz), (x + dx, level + radius, z + dz), radius)]


def ball(rng: Rng, x: float, z: float, size: float, level: float = 0.0) -> Thing:
    """A ball, or a flattened one such as a fruit."""
    radius = size * rng.uniform(0.25, 0.5)
    flat = radius * rng.uniform(0.6, 1.0)
    return [Ellipsoid((x, level + flat, z), (radius, flat, radius))]


def bottle(rng: Rng, x: float, z: float, size: float, level: float = 0.0) -> Thing:
    """A body, a shoulder and a neck."""
    radius, high = size * rng.uniform(0.18, 0.25), size * rng.uniform(0.5, 0.7)
    shoulder = Ellipsoid((x, level + high, z), (radius, radius * 0.8, radius))
    neck = Cylinder((x, level + high, z), (x, level + size, z), radius * 0.4)
    return [Cylinder((x, level, z), (x, level + high, z), radius), shoulder, neck]


def mug(rng: Rng, x: float, z: float, size: float, level: float = 0.0) -> Thing:
    """A cup with a handle of three bars."""
    radius, high, turn = size * 0.36, size * 0.85, rng.uniform(0, 2 * np.pi)
    out = np.array([np.cos(turn), 0, np.sin(turn)])
    foot = np.array([x, level, z])
    corners = [
        foot + out * reach * radius + (0, high * up, 0)
        for reach, up in ((0.9, 0.25), (1.6, 0.3), (1.6, 0.7), (0.9, 0.75))
    ]
    bars = [Cylinder(_point(a), _point(b), size * 0.06, round=True) for a, b in pairwise(corners)]
    return [Cylinder((x, level, z), (x, level + high, z), radius), *bars]


def plate(rng: Rng, x: float, z: float, size: float, level: float = 0.0) -> Thing:
    """A flat disc."""
    return [Cylinder((x, level, z), (x, level + size * 0.06, z), size * rng.uniform(0.5, 0.8))]


def lamp(rng: Rng, x: float, z: float, size: float, level: float = 0.0) -> Thing:
    """A foot, a rod and a shade."""
    foot = Cylinder((x, level, z), (x, level + size * 0.05, z), size * 0.2)
    rod = Cylinder((x, level, z), (x, level + size * 0.7, z), size * 0.03)
    shade = Cylinder((x, level + size * 0.65, z), (x, level + size, z), size * rng.uniform(0.18, 0.3))
    return [foot, rod, shade]


def toy(rng: Rng, x: float, z: float, size: float, level: float = 0.0) -> Thing:
    """An animal: a body, a head and four legs."""
    turn = turned(rng.uniform(0, 360))
    body = level + size * 0.45

    def at(right: float, up: float, forward: float) -> Point:
        return _point(np.array((x, body, z)) + turn @ (np.array((right, up, forward)) * size))

    legs = [
        Cylinder(at(side, 0, end), at(side, -0.42, end), size * 0.06, round=True)
        for side in (-0.12, 0.12)
        for end in (-0.25, 0.25)
    ]
    trunk = Ellipsoid(at(0, 0, 0), (size * 0.18, size * 0.17, size * 0.36), turn)
    neck = Cylinder(at(0, 0.05, 0.28), at(0, 0.3, 0.42), size * 0.07, round=True)
    return [trunk, neck, sphere(at(0, 0.36, 0.45), size * 0.13), *legs]


def seat(rng: Rng, x: float, z: float, size: float, level: float = 0.0) -> Thing:
    """A chair of `size` metres in height."""
    turn = turned(rng.uniform(0, 360))

    def at(right: float, up: float, forward: float) -> Point:
        return _point(np.array((x, level, z)) + turn @ (np.array((right, up, forward)) * size))

    legs = [Cylinder(at(a, 0, b), at(a, 0.48, b), size * 0.025) for a in (-0.22, 0.22) for b in (-0.22, 0.22)]
    back = Box(at(0, 0.75, -0.22), (size * 0.24, size * 0.25, size * 0.03), turn)
    return [Box(at(0, 0.49, 0), (size * 0.25, size * 0.03, size * 0.25), turn), back, *legs]


SMALL: tuple[Callable[[Rng, float, float, float, float], Thing], ...] = (
    carton, tin, ball, bottle, mug, plate, carton, tin,
)  # fmt: skip
SINGLE: tuple[Callable[[Rng, float, float, float, float], Thing], ...] = (
    carton, tin, ball, bottle, mug, lamp, toy, seat, toy, seat,
)  # fmt: skip


def small_things(
    rng: Rng, count: int, centre: tuple[float, float], spread: tuple[float, float],
    sizes: tuple[float, float], level: float = 0.0,
) -> Thing:  # fmt: skip
    """Objects that stand about on a plane."""
    solids: Thing = []
    for _ in range(count):
        make = SMALL[rng.integers(len(SMALL))]
        x, z = rng.uniform(-1, 1, 2) * spread + centre
        solids += make(rng, float(x), float(z), float(rng.uniform(*sizes)), level)
    return solids


def head(rng: Rng, place: Point, turn: float, size: float = 0.11) -> Thing:
    """A head with a nose, ears and hair, centred on `place`; at a turn of 0 it looks towards -z."""
    rotation = turned(turn, rng.uniform(-12, 12), rng.uniform(-10, 10))

    def at(right: float, up: float, forward: float) -> Point:
        return _point(np.asarray(place) + rotation @ (np.array((right, up, -forward)) * size))

    skull = Ellipsoid(at(0, 0, 0), (size * 0.72, size * 1.05, size * 0.88), rotation)
    nose = Cylinder(at(0, 0.2, 0.8), at(0, -0.2, 1.0), size * 0.12, round=True)
    jaw = Ellipsoid(at(0, -0.6, 0.25), (size * 0.5, size * 0.5, size * 0.6), rotation)
    ears = [
        Ellipsoid(at(side, 0, -0.05), (size * 0.1, size * 0.28, size * 0.18), rotation)
        for side in (-0.74, 0.74)
    ]
    hair = Ellipsoid(at(0, 0.25, -0.2), (size * 0.84, size * 1.0, size * 0.85), rotation)
    return [skull, nose, jaw, hair, *ears]


def person(rng: Rng, x: float, z: float, height: float, level: float = 0.0, turn: float = 0.0) -> Thing:
    """A standing or walking person of capsules; at a turn of 0 facing -z."""
    rotation, stride = turned(turn), rng.uniform(0, 0.16)
    bent = rng.uniform(-0.1, 0.35, 2)
    spread = rng.uniform(0.02, 0.25, 2)

    def at(right: float, up: float, forward: float) -> Point:
        return _point(np.array((x, level, z)) + rotation @ (np.array((right, up, -forward)) * height))

    def limb(thick: float, *joints: Point) -> Thing:
        return [Cylinder(a, b, thick * height, round=True) for a, b in pairwise(joints)]

    solids: Thing = [Ellipsoid(at(0, 0.68, 0), (0.105 * height, 0.17 * height, 0.07 * height), rotation)]
    solids += [Ellipsoid(at(0, 0.52, 0), (0.095 * height, 0.08 * height, 0.07 * height), rotation)]
    solids += limb(0.03, at(0, 0.8, 0), at(0, 0.88, 0))
    for side, step in ((-1, stride), (1, -stride)):
        solids += limb(
            0.043, at(0.055 * side, 0.5, 0), at(0.06 * side, 0.27, step * 0.7), at(0.06 * side, 0.04, step)
        )
        solids += limb(0.025, at(0.06 * side, 0.025, step), at(0.06 * side, 0.02, step + 0.08))
    for side, swing, out in zip((-1, 1), bent, spread, strict=True):
        elbow = at(side * (0.12 + 0.3 * out), 0.62, 0.02)
        solids += limb(
            0.028, at(side * 0.115, 0.79, 0), elbow, at(side * (0.12 + out), 0.47 + 0.5 * swing, 0.03 + swing)
        )
    return solids + head(rng, at(0, 0.93, 0), turn, 0.062 * height)


def car(x: float, z: float, turn: float, scale: float = 1.0) -> Thing:
    """A car of about 4.3 metres that stands on 0, its length along z at a turn of 0."""
    rotation = turned(turn)

    def at(right: float, up: float, forward: float) -> Point:
        return _point(np.array((x, 0, z)) + rotation @ (np.array((right, up, forward)) * scale))

    body = Box(at(0, 0.6, 0), (0.88 * scale, 0.35 * scale, 2.15 * scale), rotation)
    cabin = Box(at(0, 1.15, -0.2), (0.75 * scale, 0.3 * scale, 1.1 * scale), rotation)
    wheels = [
        Cylinder(at(side, 0.32, end), at(side * 0.7, 0.32, end), 0.32 * scale)
        for side in (-0.9, 0.9)
        for end in (-1.35, 1.35)
    ]
    return [body, cabin, *wheels]


def tree(rng: Rng, x: float, z: float, height: float, level: float = 0.0) -> Thing:
    """A trunk and a crown of three balls."""
    trunk = Cylinder((x, level - 0.3, z), (x, level + height * 0.6, z), height * rng.uniform(0.015, 0.03))
    crown: Thing = []
    for _ in range(3):
        dx, dy, dz = rng.uniform(-0.14, 0.14, 3) * height
        radii = rng.uniform(0.16, 0.28, 3) * height
        crown.append(Ellipsoid((x + dx, level + height * 0.7 + dy, z + dz), _point(radii)))
    return [trunk, *crown]


def house(rng: Rng, x: float, z: float, half: Point, level: float = 0.0) -> Thing:
    """A block; a low one has a pitched roof, a box that stands on its edge."""
    rotation = turned(rng.uniform(-20, 20) + 90 * rng.integers(2))
    solids: Thing = [Box((x, level + half[1], z), half, rotation)]
    if half[1] < 5:
        slope = half[0] / np.sqrt(2)
        roof = rotation @ turned(0, 0, 45)
        solids.append(Box((x, level + 2 * half[1], z), (slope, slope, half[2]), roof))
    return solids


def _point(values: Floats) -> Point:
    return float(values[0]), float(values[1]), float(values[2])
