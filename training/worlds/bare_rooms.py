"""Rooms that hold little: a wall with a cupboard, a chair before a corner."""

from __future__ import annotations

from training.worlds import furniture, seating
from training.worlds.builder import Builder
from training.worlds.decor import corner_things, hang_lamps, pictures, rug
from training.worlds.scheme import Scheme, cloth, wood
from training.worlds.shell import Room, door


def cupboard_wall(b: Builder, scheme: Scheme, room: Room) -> None:
    """A wall with a cupboard or a shelf, frontally seen, and little else."""
    x = b.size(-0.32, 0.32) * room.width
    knob = b.plain(b.pick("black", "white"), "gold" if scheme.rich else None)
    b.aim = (x + b.size(-0.7, 0.7), room.depth)
    wide, high = b.size(0.9, 2.4), b.size(1.5, min(2.5, room.height - 0.1))
    if b.chance(0.5):
        # Some stand free in the room: then the wall behind is far.
        free = b.size(0.4, 1.6) if b.chance(0.35) else 0.0
        at = room.back(b, x).shifted(0, 0, -free)
        furniture.shelf(b, at, wide, high, wood(b, scheme, "cupboard"), backed=b.chance(0.85))
    else:
        furniture.wardrobe(b, room.back(b, x), wide, high, wood(b, scheme, "cupboard"), knob)
    free = -1 if x > 0 else 1
    other = x + free * (wide / 2 + b.size(0.9, 1.4))
    if b.chance(0.6):
        pictures(b, scheme, room.back(b, other, 0.2), 1.0)
    if b.chance(0.35):
        door(b, room.back(b, other + free * 0.9), wood(b, scheme, "door", "detail"))
    elif b.chance(0.5):
        corner_things(b, scheme, [room.back(b, other)])
    if b.chance(0.3):
        furniture.shelf(
            b,
            room.back(b, x - free * (wide + 0.3)),
            b.size(0.6, 1.2),
            b.size(1.2, 2.2),
            wood(b, scheme, "shelf"),
        )


def chair_room(b: Builder, scheme: Scheme, room: Room) -> None:
    """A chair standing free in an almost empty room, often before a corner."""
    z = room.depth - b.size(1.1, 1.9)
    x = b.size(-0.5, 0.5) if b.chance(0.6) else b.size(0.5, 0.9) * (room.width / 2 - 0.7)
    turn = b.size(-1.1, 1.1) if b.chance(0.8) else b.size(0, 6.28)
    kind = b.pick("office", "office", "chair", "chair", "armchair")
    b.aim = (x, z - 0.3)
    spot = b.at(x, 0, z, turn)
    if kind == "office":
        paint = b.paint("chair", b.colour(), b.pick("leather", "plain"))
        seating.office_chair(b, spot, paint, b.plain(b.pick("black", "gray", "white"), "metal"))
    elif kind == "chair":
        frame = wood(b, scheme, "chair")
        seating.chair(b, spot, frame, frame if b.chance(0.6) else b.plain(b.colour(), "fabric"))
    else:
        seating.armchair(b, spot, cloth(b, scheme, "armchair"))
    if b.chance(0.3):
        rug(b, x, z - 0.2, 1.8, 1.6)
    if room.window != "back" and b.chance(0.4):
        pictures(b, scheme, room.back(b, b.size(-1, 1), 0.2), 1.2)
    if b.chance(0.35):
        corner_things(b, scheme, [room.back(b, -room.width / 2 + 0.5)])
    if b.chance(0.3):
        hang_lamps(b, scheme, room, 0, room.depth - 1.5)
