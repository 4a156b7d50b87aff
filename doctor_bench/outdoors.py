"""Scenes below a sky or from the air: a camera and solids, in metres."""

from __future__ import annotations

import numpy as np

from doctor_bench.geometry import Box, Camera, Cylinder, Point, Relief, Size, Solid, rolling, sphere
from doctor_bench.things import Rng, Thing, car, floor, house, person, tree


def street_scene(rng: Rng, size: Size, upright: bool) -> tuple[Camera, list[Solid]]:
    """A street, from a car."""
    road = rng.uniform(4.5, 9)
    solids: Thing = [floor()]
    for side in (-1, 1):
        z = rng.uniform(-4, 6)
        while z < 130:
            long, high = rng.uniform(4, 12), rng.uniform(2.2, 9)
            if rng.random() < 0.75:
                solids.append(Box((side * (road + 5 + rng.uniform(0, 3)), high, z + long), (5, high, long)))
            z += 2 * long + rng.uniform(0, 8)
        for z in rng.uniform(4, 60, 5):
            what = rng.random()
            x = side * (road - rng.uniform(0, 1))
            if what < 0.5:
                solids += car(x - side * 1.2, float(z), rng.normal(0, 3))
            elif what < 0.75:
                solids += tree(rng, x, float(z), rng.uniform(4, 9))
            else:
                solids.append(Cylinder((x, 0, float(z)), (x, rng.uniform(3, 7), float(z)), 0.09))
    for _ in range(int(rng.integers(0, 3))):
        solids += car(
            rng.uniform(-0.5, 0.5) * road, rng.uniform(7, 45), rng.normal(0, 4), rng.uniform(0.9, 1.5)
        )
    position = (rng.uniform(-0.3, 0.3) * road, float(rng.uniform(1.2, 2)), 0.0)
    del upright  # a camera on a car is level
    return Camera(
        *size, rng.uniform(65, 95), position, rng.uniform(-3, 7), rng.normal(0, 5), rng.normal(0, 1.5)
    ), solids


def crossing_scene(rng: Rng, size: Size, upright: bool) -> tuple[Camera, list[Solid]]:
    """An open square with people, cars and poles."""
    solids: Thing = [floor()]
    for _ in range(int(rng.integers(3, 9))):
        solids += person(
            rng, rng.uniform(-6, 6), rng.uniform(3, 18), rng.uniform(1.55, 1.9), 0.0, rng.uniform(0, 360)
        )
    for _ in range(int(rng.integers(1, 6))):
        solids += car(rng.uniform(-12, 12), rng.uniform(6, 30), rng.choice((0, 90)) + rng.normal(0, 15))
    for _ in range(int(rng.integers(2, 7))):
        x, z = rng.uniform(-12, 12), rng.uniform(5, 35)
        solids.append(Cylinder((x, 0, z), (x, rng.uniform(3, 8), z), rng.uniform(0.05, 0.15)))
    for x in np.arange(-60, 61, 20):
        if rng.random() < 0.8:
            high = rng.uniform(4, 14)
            solids.append(Box((float(x), high, rng.uniform(38, 60)), (rng.uniform(7, 10), high, 8)))
    position, roll = (0.0, float(rng.uniform(1.2, 5)), 0.0), rng.normal(0, 2 if upright else 5)
    return Camera(*size, rng.uniform(55, 90), position, rng.uniform(0, 14), rng.normal(0, 8), roll), solids


def aerial_scene(rng: Rng, size: Size, upright: bool) -> tuple[Camera, list[Solid]]:
    """Houses and trees from the air, straight down or oblique."""
    height, pitch = float(rng.uniform(20, 110)), float(rng.choice((90, rng.uniform(35, 85))))
    hills = rolling(rng, 65, 3, 3) * rng.uniform(0, 4)
    ground = Relief(hills, 600, 5, 1500, 12)
    solids: Thing = [ground]
    away = height / np.tan(np.radians(pitch)) if pitch < 90 else 0.0
    reach = height * 0.9
    for _ in range(int(rng.integers(4, 16))):
        x, z = rng.uniform(-1, 1) * reach, rng.uniform(-0.7, 1.2) * reach
        half = (
            rng.uniform(3, 7),
            rng.uniform(2, 4) if rng.random() < 0.7 else rng.uniform(5, 12),
            rng.uniform(5, 12),
        )
        solids += house(rng, x, z, half, ground.under(x, z) - 0.5)
    for _ in range(int(rng.integers(4, 14))):
        x, z = rng.uniform(-1, 1) * reach, rng.uniform(-0.7, 1.2) * reach
        solids += tree(rng, x, z, rng.uniform(5, 12), ground.under(x, z))
    roll = rng.normal(0, 3) if upright else rng.normal(0, 10)
    return Camera(
        *size, rng.uniform(55, 82), (0.0, height + 4, float(-away)), pitch, rng.normal(0, 20), roll
    ), solids


def terrain_scene(rng: Rng, size: Size, upright: bool) -> tuple[Camera, list[Solid]]:
    """Hills below a sky."""
    side = float(rng.choice((150, 600, 3000)))
    points = 257
    away = np.hypot(*np.meshgrid(np.linspace(-1, 1, points), np.linspace(-1, 1, points)))
    heights = rolling(rng, points, 4, 5) * side * rng.uniform(0.02, 0.07) * (0.15 + away)
    ground = Relief(heights, side, side / 300, side)
    position: Point = (
        0.0,
        (ground.under(0, 0) + side * rng.uniform(0.006, 0.04)),
        0.0,
    )
    solids: Thing = [ground]
    if side < 1000:
        for x, z in zip(rng.uniform(-0.15, 0.15, 8) * side, rng.uniform(0.06, 0.3, 8) * side, strict=True):
            solids += tree(rng, float(x), float(z), rng.uniform(4, 12), ground.under(x, z))
    return Camera(
        *size, rng.uniform(50, 80), position, rng.uniform(-5, 14), 0.0, rng.normal(0, 2 if upright else 6)
    ), solids


def forest_scene(rng: Rng, size: Size, upright: bool) -> tuple[Camera, list[Solid]]:
    """Trunks on uneven ground."""
    ground = Relief(rolling(rng, 129, 6, 4) * rng.uniform(0.1, 0.8), 120, 0.5, 100)
    level = ground.under(0, 0)
    solids: Thing = [ground]
    for _ in range(int(rng.integers(25, 50))):
        z = float(rng.uniform(2, 45) ** 1.0)
        x = rng.uniform(-0.9, 0.9) * (z + 1.5)
        foot, high = ground.under(x, z), rng.uniform(8, 20)
        lean = rng.normal(0, 0.03, 2) * high
        solids.append(
            Cylinder((x, foot - 0.5, z), (x + lean[0], foot + high, z + lean[1]), rng.uniform(0.08, 0.3))
        )
        if rng.random() < 0.3:
            solids.append(sphere((x, foot + high * 0.8, z), rng.uniform(1.5, 3)))
    for x, z in zip(rng.uniform(-6, 6, 6), rng.uniform(2.5, 14, 6), strict=True):
        foot = ground.under(x, z)
        solids.append(sphere((float(x), foot + 0.1, float(z)), rng.uniform(0.15, 0.6)))
    position = (0.0, level + float(rng.uniform(1.1, 2)), 0.0)
    return Camera(
        *size, rng.uniform(55, 85), position, rng.uniform(-8, 12), 0.0, rng.normal(0, 3 if upright else 7)
    ), solids
