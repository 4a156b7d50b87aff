"""Scenes on tables, in rooms, and of single objects and people: a camera and solids, in metres."""

from __future__ import annotations

import numpy as np

from doctor_bench.geometry import Box, Camera, Cylinder, Ellipsoid, Plane, Size, Solid, turned
from doctor_bench.things import SINGLE, Rng, Thing, carton, floor, head, person, seat, small_things


def _roll(rng: Rng, upright: bool, usual: float = 3.0) -> float:
    """Mostly nearly level; a mounted camera may hang sideways or upside down."""
    roll = rng.normal(0, usual)
    return float(roll) if upright or rng.random() < 0.65 else float(roll + rng.choice((90, -90, 180, 180)))


def _above(rng: Rng, size: Size, height: float, pitch: float, field: float, roll: float) -> Camera:
    """A camera that looks at the origin's surroundings from above."""
    back = -height / np.tan(np.radians(max(pitch, 12))) + rng.normal(0, 0.05)
    return Camera(*size, field, (rng.normal(0, 0.06), height, float(back)), pitch, rng.normal(0, 6), roll)


def table_scene(rng: Rng, size: Size, upright: bool) -> tuple[Camera, list[Solid]]:
    """Things on a table, from above."""
    wide, deep = rng.uniform(0.4, 0.8), rng.uniform(0.3, 0.55)
    solids: Thing = [Box((0, -0.02, 0), (wide, 0.02, deep)), floor(-0.74)]
    if rng.random() < 0.5:
        solids.append(Plane((0, 0, deep + rng.uniform(0.05, 1.2)), (0, 0, 1)))
    solids += small_things(rng, int(rng.integers(3, 10)), (0, 0), (0.3, 0.22), (0.06, 0.2))
    pitch = float(rng.uniform(30, 80))
    return _above(rng, size, rng.uniform(0.4, 1.0), pitch, rng.uniform(48, 68), _roll(rng, upright)), solids


def grasp_scene(rng: Rng, size: Size, upright: bool) -> tuple[Camera, list[Solid]]:
    """A robot's hand or arm over a bin or a table."""
    camera = _above(
        rng, size, rng.uniform(0.3, 0.75), rng.uniform(45, 88), rng.uniform(50, 70), _roll(rng, upright)
    )
    solids: Thing = [floor()]
    solids += small_things(rng, int(rng.integers(4, 14)), (0, 0), (0.16, 0.12), (0.04, 0.12))
    if rng.random() < 0.5:
        wide, deep, high = rng.uniform(0.18, 0.3), rng.uniform(0.14, 0.22), rng.uniform(0.05, 0.14)
        solids += [Box((side * wide, high / 2, 0), (0.008, high / 2, deep)) for side in (-1, 1)]
        solids += [Box((0, high / 2, side * deep), (wide, high / 2, 0.008)) for side in (-1, 1)]
    if rng.random() < 0.6:  # the fingers of a gripper beside the camera
        below, gap, long = rng.uniform(-0.07, -0.04), rng.uniform(0.015, 0.05), rng.uniform(0.14, 0.22)
        for side in (-1, 1):
            near, far = camera.place(side * gap, below, 0.1), camera.place(side * gap, below * 0.8, long)
            solids.append(Cylinder(near, far, 0.011, round=True))
        solids.append(
            Cylinder(camera.place(-gap - 0.02, below, 0.11), camera.place(gap + 0.02, below, 0.11), 0.02)
        )
    else:  # an arm that reaches in
        x = rng.choice((-1, 1)) * rng.uniform(0.25, 0.5)
        elbow = (float(x), float(rng.uniform(0.2, 0.3)), float(rng.uniform(0, 0.3)))
        hand = (float(x) * 0.3, 0.12, float(rng.uniform(-0.1, 0.1)))
        solids += [
            Cylinder((float(x) * 1.4, 0, 0.3), elbow, 0.05, round=True),
            Cylinder(elbow, hand, 0.04, round=True),
        ]
        solids.append(Box(hand, (0.05, 0.025, 0.025)))
    return camera, solids


def object_scene(rng: Rng, size: Size, upright: bool, level: bool = False) -> tuple[Camera, list[Solid]]:
    """One thing before nothing, seen from around it."""
    large = float(rng.uniform(0.15, 1.0))
    solids = list(SINGLE[rng.integers(len(SINGLE))](rng, 0.0, 0.0, large, 0.0))
    pitch, field = float(rng.uniform(-10, 50)), float(rng.uniform(30, 55))
    away = large * rng.uniform(0.7, 1.8) / np.tan(np.radians(field) / 2)
    if level:
        pitch = abs(pitch) + 8
        solids.append(Cylinder((0, -0.04 * large, 0), (0, 0, 0), large * rng.uniform(0.6, 0.9)))
    angle = np.radians(pitch)
    position = (0.0, float(0.45 * large + np.sin(angle) * away), float(-np.cos(angle) * away))
    return Camera(*size, field, position, pitch, rng.normal(0, 3), _roll(rng, upright, 4)), solids


def turntable_scene(rng: Rng, size: Size, upright: bool) -> tuple[Camera, list[Solid]]:
    """One thing on a disc, before nothing."""
    return object_scene(rng, size, upright, level=True)


def _walls(wide: float, high: float, near: float, far: float) -> Thing:
    """The six sides of a room about the z axis."""
    sides: Thing = [
        floor(),
        floor(high),
        Plane((-wide / 2, 0, 0), (1, 0, 0)),
        Plane((wide / 2, 0, 0), (1, 0, 0)),
    ]
    return [*sides, Plane((0, 0, far), (0, 0, 1)), Plane((0, 0, near), (0, 0, 1))]


def room_scene(rng: Rng, size: Size, upright: bool) -> tuple[Camera, list[Solid]]:
    """Furniture in a room, of a camera that is tilted and rolled."""
    wide, deep, high = rng.uniform(3, 6), rng.uniform(3, 6.5), rng.uniform(2.3, 3)
    solids = _walls(wide, high, -1.0, deep)
    for _ in range(int(rng.integers(3, 8))):
        x, z = rng.uniform(-wide / 2 + 0.3, wide / 2 - 0.3), rng.uniform(1.3, deep - 0.3)
        which = rng.random()
        if which < 0.5:
            half = (rng.uniform(0.2, 0.8), rng.uniform(0.2, 1.0), rng.uniform(0.2, 0.5))
            solids.append(Box((x, half[1], z), half, turned(rng.choice((0, 90)) + rng.normal(0, 5))))
        elif which < 0.8:
            solids += seat(rng, x, z, rng.uniform(0.8, 1.0))
        else:  # a round table
            solids += [Cylinder((x, 0.7, z), (x, 0.74, z), 0.5), Cylinder((x, 0, z), (x, 0.7, z), 0.05)]
    position = (rng.uniform(-0.8, 0.8), rng.uniform(0.9, 2.0), float(rng.uniform(-0.8, 0)))
    pitch, roll = rng.uniform(-12, 35), rng.uniform(-25, 25)
    return Camera(
        *size, rng.uniform(55, 80), position, pitch, rng.uniform(-25, 25), roll if upright else roll * 1.3
    ), solids


def corridor_scene(rng: Rng, size: Size, upright: bool) -> tuple[Camera, list[Solid]]:
    """A corridor with doors, cartons and perhaps a person."""
    wide, high, long = rng.uniform(1.5, 3.2), rng.uniform(2.3, 3), rng.uniform(6, 30)
    solids = _walls(wide, high, -3.0, long)
    for z in np.arange(rng.uniform(1.5, 3), long, rng.uniform(2, 4)):
        side = float(rng.choice((-1, 1)))
        solids.append(Box((side * wide / 2, 1.05, float(z)), (rng.uniform(0.04, 0.2), 1.05, 0.5)))
    if rng.random() < 0.6:
        for z in rng.uniform(1.8, long, 3):
            solids += carton(rng, rng.uniform(-0.4, 0.4) * wide, float(z), rng.uniform(0.3, 0.8))
    if rng.random() < 0.3:
        solids += person(
            rng, rng.uniform(-0.4, 0.4), rng.uniform(2.5, min(8, long)), 1.75, 0.0, rng.choice((0, 180))
        )
    position = (rng.uniform(-0.25, 0.25) * wide, float(rng.uniform(0.35, 1.7)), 0.0)
    pitch, yaw = rng.uniform(-8, 15), rng.uniform(-18, 18)
    return Camera(
        *size, rng.uniform(58, 85), position, pitch, yaw, rng.normal(0, 3 if upright else 8)
    ), solids


def bust_scene(rng: Rng, size: Size, upright: bool) -> tuple[Camera, list[Solid]]:
    """A face and shoulders, with or without something behind."""
    away = rng.uniform(0.45, 1.0)
    x, turn = rng.normal(0, 0.03), rng.normal(0, 25)
    solids = head(rng, (x, 0, away), turn)
    solids += [Cylinder((x, -0.05, away + 0.03), (x, -0.22, away + 0.05), 0.055, round=True)]
    solids += [Cylinder((x - 0.16, -0.28, away + 0.06), (x + 0.16, -0.28, away + 0.06), 0.075, round=True)]
    solids += [Ellipsoid((x, -0.5, away + 0.06), (0.21, 0.28, 0.13))]
    behind = rng.random()
    if behind < 0.45:
        solids.append(Plane((0, 0, away + rng.uniform(0.3, 2)), (rng.normal(0, 0.2), 0, 1)))
    elif behind < 0.7:
        solids += [
            Plane((0, 0, away + rng.uniform(1, 3.5)), (0, 0, 1)),
            Plane((rng.choice((-1.2, 1.3)), 0, 0), (1, 0, 0)),
        ]
        solids.append(Box((rng.uniform(-0.8, 0.8), -0.3, away + 0.9), (0.3, 0.5, 0.2)))
    position = (0.0, float(rng.uniform(-0.12, 0.1)), 0.0)
    return Camera(
        *size,
        rng.uniform(42, 66),
        position,
        rng.uniform(-8, 8),
        rng.normal(0, 4),
        _roll(rng, True, 6 if upright else 12),
    ), solids


def body_scene(rng: Rng, size: Size, upright: bool) -> tuple[Camera, list[Solid]]:
    """One to three people, in a room or before nothing."""
    away, height = rng.uniform(1.8, 4), float(rng.uniform(0.7, 1.9))
    solids = person(rng, rng.normal(0, 0.2), away, rng.uniform(1.5, 1.9), 0.0, rng.normal(0, 50))
    for _ in range(int(rng.integers(0, 3))):
        solids += person(
            rng,
            rng.uniform(-1.4, 1.4),
            away + rng.uniform(0.2, 1.6),
            rng.uniform(1.4, 1.9),
            0.0,
            rng.uniform(0, 360),
        )
    if rng.random() < 0.75:
        solids += [floor(), Plane((0, 0, away + rng.uniform(1, 3.5)), (rng.normal(0, 0.25), 0, 1))]
    pitch = float(np.degrees(np.arctan2(height - 0.95, away)) + rng.normal(0, 4))
    return Camera(
        *size,
        rng.uniform(50, 72),
        (0.0, height, 0.0),
        pitch,
        rng.normal(0, 4),
        rng.normal(0, 2 if upright else 6),
    ), solids


def stairs_scene(rng: Rng, size: Size, upright: bool) -> tuple[Camera, list[Solid]]:
    """Stairs that lead up or down."""
    rise, run, down = rng.uniform(0.15, 0.19), rng.uniform(0.25, 0.32), rng.random() < 0.35
    start, count, wide = rng.uniform(0.6, 1.6), int(rng.integers(5, 14)), rng.uniform(0.6, 1.4)
    solids: Thing = [] if down else [floor()]
    for step in range(count):
        top = -rise * (step + 1) if down else rise * (step + 1)
        back = start + run * (step + 1) if down else start + run * count + 2
        front = start + run * step
        solids.append(Box((0, top - 1.5, (front + back) / 2), (wide, 1.5, (back - front) / 2)))
    if down:
        solids += [Box((0, -1.5, start - 2), (wide, 1.5, 2)), floor(-rise * (count + 1))]
    if rng.random() < 0.7:
        solids.append(Plane((wide, 0, 0), (1, 0, 0)))
    if rng.random() < 0.5:
        solids.append(Plane((-wide, 0, 0), (1, 0, 0)))
    solids.append(Plane((0, 0, start + run * count + rng.uniform(0.8, 2)), (0, 0, 1)))
    pitch = rng.uniform(15, 42) if down else rng.uniform(-12, 25)
    position = (rng.uniform(-0.3, 0.3), float(rng.uniform(0.5, 1.7)), 0.0)
    return Camera(
        *size, rng.uniform(55, 75), position, pitch, rng.normal(0, 8), rng.normal(0, 3 if upright else 8)
    ), solids


def shelves_scene(rng: Rng, size: Size, upright: bool) -> tuple[Camera, list[Solid]]:
    """Shelves with things, from the front or aslant."""
    away, wide, deep = rng.uniform(0.9, 2.4), rng.uniform(0.5, 1.3), rng.uniform(0.25, 0.4)
    gap, levels = rng.uniform(0.28, 0.42), int(rng.integers(3, 7))
    solids: Thing = [floor(), Plane((0, 0, away + deep + 0.02), (0, 0, 1))]
    solids += [
        Box((side * wide, levels * gap / 2, away + deep / 2), (0.015, levels * gap / 2, deep / 2))
        for side in (-1, 1)
    ]
    for level in range(levels + 1):
        solids.append(Box((0, level * gap, away + deep / 2), (wide, 0.012, deep / 2)))
        if level < levels:
            things = int(rng.integers(1, 6))
            solids += small_things(
                rng,
                things,
                (0, away + deep / 2),
                (wide * 0.85, deep * 0.25),
                (0.1, 0.24),
                level * gap + 0.012,
            )
    position, roll = (
        (rng.normal(0, 0.2), float(rng.uniform(0.6, 1.6)), 0.0),
        rng.normal(0, 3 if upright else 8),
    )
    return Camera(
        *size, rng.uniform(50, 70), position, rng.uniform(-8, 22), rng.uniform(-22, 22), roll
    ), solids


def wall_scene(rng: Rng, size: Size, upright: bool) -> tuple[Camera, list[Solid]]:
    """A wall at a slant, with little on it."""
    away, slant, tilt = (
        rng.uniform(0.4, 3),
        np.radians(rng.uniform(-62, 62)),
        np.radians(rng.uniform(-25, 25)),
    )
    normal = np.array([np.sin(slant) * np.cos(tilt), np.sin(tilt), -np.cos(slant) * np.cos(tilt)])
    solids: Thing = [Plane((0, 0, away), (float(normal[0]), float(normal[1]), float(normal[2])))]
    rotation = turned(-float(np.degrees(slant)), float(np.degrees(tilt)))
    for _ in range(int(rng.integers(0, 4))):
        along = rng.uniform(-0.5, 0.5, 2) * away
        centre = np.array((0, 0, away)) + rotation @ np.array((along[0], along[1], 0))
        half = (rng.uniform(0.05, 0.2) * away, rng.uniform(0.05, 0.3) * away, rng.uniform(0.01, 0.08) * away)
        solids.append(Box((float(centre[0]), float(centre[1]), float(centre[2])), half, rotation))
    return Camera(*size, rng.uniform(45, 62), roll=_roll(rng, upright)), solids
