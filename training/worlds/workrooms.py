"""Rooms to work in: kitchen and office."""

from __future__ import annotations

import math

from training.worlds import furniture, ornaments, seating
from training.worlds.builder import Builder
from training.worlds.decor import corner_things, hang_lamps, pictures
from training.worlds.scheme import Scheme, wood
from training.worlds.shell import Room


def kitchen(b: Builder, scheme: Scheme, room: Room) -> None:
    """A run of cupboards, perhaps an island with stools, or a table with chairs."""
    front = wood(b, scheme, "cupboard") if b.chance(0.5) else b.paint("cupboard", b.colour(), None)
    top = (
        b.paint("counter", b.pick("white", "black", "gray"), "marble")
        if b.chance(0.6)
        else b.paint("counter", None, "wood")
    )
    long = room.width * b.size(0.7, 1.0)
    furniture.kitchen(
        b, room.back(b, (room.width - long) / 2 * b.size(-1, 1)), long, front, top, uppers=b.chance(0.7)
    )
    seat, metal = b.paint("stool", b.colour(), None, many=True), b.plain("black", "metal")
    z = room.depth - b.size(2.0, 2.5)
    if b.chance(0.5):
        wide = b.size(1.4, 2.2)
        b.at(0, 0, z).box((0, 0, 0), (wide, 0.86, 0.7), front)
        b.at(0, 0, z).box((0, 0.86, 0), (wide + 0.1, 0.05, 0.85), top)
        for i in range(3):
            seating.stool(b, b.at((i - 1) * wide / 3, 0, z - 0.75, math.pi), seat, metal)
        ornaments.clutter(b, b.at(b.size(-0.4, 0.4), 0.91, z), 0.5, 2)
    else:
        dining(b, scheme, b.size(-0.5, 0.5), z - 0.2)
    for i in range(int(b.rng.integers(0, 3))):
        shade = b.paint("lamp", b.colour(), None, "detail") if i == 0 else b.plain("black")
        ornaments.pendant(b, b.at((i - 0.5) * 0.9, room.height, z), b.size(0.35, 0.7), shade, lit=scheme.lit)


def dining(b: Builder, scheme: Scheme, x: float, z: float) -> None:
    """A table with chairs around it."""
    width, deep = b.size(1.2, 1.8), b.size(0.75, 0.95)
    furniture.table(
        b, b.at(x, 0, z + deep / 2), width, deep, 0.75, wood(b, scheme, "table"), b.plain(None, "wood")
    )
    frame = wood(b, scheme, "chair")
    seat = frame if b.chance(0.5) else b.plain(b.colour(), "fabric")
    for side in (-1, 1):
        for i in range(2):
            at = b.at(
                x + (i - 0.5) * width * 0.5,
                0,
                z + side * (deep / 2 + b.size(0.05, 0.3)),
                0.0 if side > 0 else math.pi,
            )
            seating.chair(b, at, frame, seat)
    if b.chance(0.6):
        ornaments.vase(b, b.at(x, 0.75, z), 0.09, 0.3, b.plain(b.colour(), "shiny"), flowers=b.chance(0.7))


def office(b: Builder, scheme: Scheme, room: Room) -> None:
    """A desk with an office chair; shelves."""
    x = b.size(-0.7, 0.7)
    width = b.size(1.3, 1.9)
    furniture.desk(b, room.back(b, x), width, wood(b, scheme, "desk"))
    chair = b.paint("office chair", b.colour(), b.pick("leather", "plain"))
    turn = math.pi + b.size(-0.9, 0.9)
    seating.office_chair(
        b,
        b.at(x + b.size(-0.4, 0.4), 0, room.depth - b.size(1.2, 1.6), turn),
        chair,
        b.plain(b.pick("black", "gray"), "metal"),
    )
    side = (
        room.left(b, room.depth - b.size(0.8, 1.5))
        if b.chance(0.5)
        else room.right(b, room.depth - b.size(0.8, 1.5))
    )
    furniture.shelf(b, side, b.size(0.8, 1.6), b.size(1.4, 2.2), wood(b, scheme, "shelf"))
    if room.window != "back" and b.chance(0.6):
        pictures(b, scheme, room.back(b, x, 0.35), width)
    hang_lamps(b, scheme, room, 0, room.depth - 1.5)
    corner_things(b, scheme, [room.back(b, -room.width / 2 + 0.5)])
