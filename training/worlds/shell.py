"""The shell of a room: floor, ceiling, walls with holes for windows, doors, beams, and what is outside."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from training.worlds.builder import Builder
from training.worlds.ornaments import curtain
from training.worlds.spot import Paint, Spot

Hole = tuple[float, float, float, float]
"""Left, right, bottom, top of an opening, in metres along and up a wall."""


@dataclass(frozen=True, slots=True)
class Room:
    """A room of `width` x `depth` x `height` metres; x from -width/2, z from 0, open towards -z."""

    width: float
    depth: float
    height: float
    wall: Paint
    side: Paint
    floor: Paint
    ceiling: Paint
    casts: bool
    window: str = "none"

    def back(self, b: Builder, x: float = 0.0, y: float = 0.0) -> Spot:
        """A spot at the back wall, looking into the room."""
        return b.at(x, y, self.depth)

    def left(self, b: Builder, z: float, y: float = 0.0) -> Spot:
        """A spot at the left wall, looking into the room."""
        return b.at(-self.width / 2, y, z, -math.pi / 2)

    def right(self, b: Builder, z: float, y: float = 0.0) -> Spot:
        """A spot at the right wall, looking into the room."""
        return b.at(self.width / 2, y, z, math.pi / 2)


def build_shell(b: Builder, room: Room, back: Hole | None, left: Hole | None, right: Hole | None) -> None:
    """Put up floor, ceiling, three walls and skirting boards; the wall behind the eye stays away."""
    w, d, h = room.width, room.depth, room.height
    front = -2.5
    b.at(0, 0, 0).box((0, -0.1, (d + front) / 2), (w + 0.4, 0.1, d - front + 0.4), room.floor, casts=False)
    b.at(0, 0, 0).box(
        (0, h, (d + front) / 2), (w + 0.4, 0.1, d - front + 0.4), room.ceiling, casts=room.casts
    )
    wall(b, room.back(b), w, h, room.wall, back, casts=room.casts)
    middle = (d + front) / 2
    wall(
        b,
        room.left(b, middle),
        d - front,
        h,
        room.side,
        left and _mirrored(left, middle, -1),
        casts=room.casts,
    )
    wall(
        b,
        room.right(b, middle),
        d - front,
        h,
        room.side,
        right and _mirrored(right, middle, 1),
        casts=room.casts,
    )
    if b.chance(0.6):
        board = b.plain(b.pick("white", "white", "brown", "black"))
        for spot, long in (
            (room.back(b), w),
            (room.left(b, middle), d - front),
            (room.right(b, middle), d - front),
        ):
            spot.box((0, 0, -0.008), (long, 0.1, 0.02), board, casts=False)


def _mirrored(hole: Hole, middle: float, side: int) -> Hole:
    """A hole given by z of the room, along a side wall whose own x runs towards or away from the eye."""
    low, high = side * -1 * (hole[0] - middle), side * -1 * (hole[1] - middle)
    return min(low, high), max(low, high), hole[2], hole[3]


def wall(
    b: Builder, spot: Spot, long: float, high: float, paint: Paint, hole: Hole | None, *, casts: bool
) -> None:
    """A wall whose face lies at z = 0 of the spot, with a window or door in its hole."""
    thick = 0.14

    def part(x0: float, x1: float, y0: float, y1: float) -> None:
        if x1 - x0 > 0.01 and y1 - y0 > 0.01:
            spot.box(((x0 + x1) / 2, y0, thick / 2), (x1 - x0, y1 - y0, thick), paint, casts=casts)

    if hole is None:
        part(-long / 2, long / 2, 0, high)
        return
    x0, x1, y0, y1 = hole
    part(-long / 2, x0, 0, high)
    part(x1, long / 2, 0, high)
    part(x0, x1, 0, y0)
    part(x0, x1, y1, high)
    frame = b.paint("window", b.pick("white", "white", "black", "brown"), None, "detail")
    middle = ((x0 + x1) / 2, 0.0, 0.06)
    bar = 0.06
    for y in (y0, y1 - bar):
        spot.box((middle[0], y, 0.06), (x1 - x0, bar, bar), frame)
    count = max(2, round((x1 - x0) / 0.9)) + 1
    for i in range(count):
        spot.box((x0 + bar / 2 + i * (x1 - x0 - bar) / (count - 1), y0, 0.06), (bar, y1 - y0, bar), frame)
    if b.chance(0.4):
        spot.box((middle[0], y0 + 0.62 * (y1 - y0), 0.06), (x1 - x0, bar * 0.8, bar * 0.8), frame)
    if y0 > 0.3:
        spot.box((middle[0], y0 - 0.04, -0.06), (x1 - x0 + 0.16, 0.04, 0.16), frame)


def outside(b: Builder) -> None:
    """What is seen through the windows: ground far below or level, and round trees."""
    ground = b.textured(b.plain("green"), texture="grass", scale=2.0)
    level = b.pick("garden", "garden", "high")
    drop = 0.35 if level == "garden" else 12.0
    b.at(0, -drop - 1, 0).box((0, 0, 0), (600, 1, 600), ground, casts=False)
    leaf = b.textured(b.plain("green"), texture="leaves", scale=1.5)
    for _ in range(10):
        angle, far = b.size(-2.0, 2.0), b.size(12, 45)
        size = b.size(3, 6)
        spot = b.at(far * math.sin(angle), -drop, far * math.cos(angle))
        spot.put("ball", (0, 0.5, 0), (size, size * b.size(0.9, 1.6), size), leaf, casts=False)


def curtains(b: Builder, spot: Spot, hole: Hole, high: float, cloth: Paint) -> None:
    """A pair of curtains beside a window, on a rail."""
    x0, x1, _, y1 = hole
    top = min(high - 0.05, y1 + 0.2)
    wide = min(0.55, 0.28 * (x1 - x0) + 0.15)
    for x in (x0 - 0.05, x1 + 0.05):
        curtain(spot.shifted(x, 0.02, 0), wide, top, cloth)
    spot.box(((x0 + x1) / 2, top, -0.1), (x1 - x0 + 0.8, 0.03, 0.03), b.plain("black", "metal"))


def door(b: Builder, spot: Spot, paint: Paint) -> None:
    """A closed door with its frame."""
    leaf = b.textured(paint, texture="door")
    spot.box((0, 0, -0.02), (0.98, 2.14, 0.05), b.plain("white"))
    spot.box((0, 0, -0.04), (0.84, 2.05, 0.05), leaf)
    spot.ball((0.33, 1.0, -0.10), (0.07, 0.07, 0.07), b.plain(None, "metal"))


def beams(b: Builder, room: Room, paint: Paint) -> None:
    """Beams or strips under the ceiling, along or across the room."""
    count = int(b.rng.integers(3, 7))
    along = b.chance(0.5)
    for i in range(count):
        share = (i + 0.5) / count - 0.5
        if along:
            b.at(share * room.width, room.height - 0.16, room.depth / 2 - 1).box(
                (0, 0, 0), (0.16, 0.17, room.depth + 2), paint
            )
        else:
            b.at(0, room.height - 0.16, room.depth * (0.5 + share)).box(
                (0, 0, 0), (room.width, 0.17, 0.16), paint
            )


def unseen(paint: Paint) -> Paint:
    """The same look without its name."""
    return replace(paint, named=0)
