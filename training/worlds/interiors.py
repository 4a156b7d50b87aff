"""Rooms to live in: bedroom and living room."""

from __future__ import annotations

from training.worlds import furniture, ornaments, seating
from training.worlds.builder import Builder
from training.worlds.decor import corner_things, hang_lamps, pictures, rug
from training.worlds.scheme import Scheme, cloth, tone, wood
from training.worlds.shell import Room


def bedroom(b: Builder, scheme: Scheme, room: Room) -> None:
    """A bed at the back wall between bedside tables, under lamps."""
    width, length = b.size(1.5, 2.1), b.size(1.95, 2.2)
    x = b.size(-0.4, 0.4)
    bed_colour = tone(b, scheme.mood)
    cover = cloth(b, scheme, "bed", bed_colour)
    pillow = b.textured(
        b.paint("pillow", b.colour(bed_colour, calm=True), None, "detail", many=True),
        texture="fabric",
        scale=0.15,
    )
    head = (
        wood(b, scheme, "headboard", "detail")
        if b.chance(0.5)
        else cloth(b, scheme, "headboard", where="detail")
    )
    if b.chance(0.7):
        rug(b, x, room.depth - length * 0.8, width + b.size(0.8, 1.6), length * b.size(0.7, 1.0))
    seating.bed(b, room.back(b, x), width, length, cover, pillow, head, tall=scheme.rich or b.chance(0.3))
    chest = wood(b, scheme, "bedside table", "detail")
    shade = b.paint("lamp", b.colour(calm=True), None, "detail")
    for side in (-1, 1) if b.chance(0.8) else (1,):
        at = room.back(b, x + side * (width / 2 + 0.38))
        furniture.bedside(b, at, chest)
        if b.chance(0.8):
            ornaments.table_lamp(b, at.shifted(0, 0.55, -0.2), shade, lit=scheme.lit)
    if room.window != "back" and b.chance(0.6):
        pictures(b, scheme, room.back(b, x, 0.25), width)
    hang_lamps(b, scheme, room, x + b.size(-0.2, 0.2), room.depth - length * 0.75)
    gap = room.width / 2 + x - width / 2 - 0.7
    if gap > 0.8 and b.chance(0.6):
        furniture.wardrobe(
            b,
            room.left(b, room.depth - 0.9),
            b.size(1.0, 1.6),
            b.size(1.9, 2.3),
            wood(b, scheme, "wardrobe"),
            b.plain("black"),
        )
        corner_things(b, scheme, [room.right(b, room.depth - 0.4)])
    else:
        corner_things(b, scheme, [room.left(b, room.depth - 0.5), room.right(b, room.depth - 0.5)])
    if b.chance(0.3):
        seating.armchair(b, room.right(b, room.depth - b.size(1.8, 2.6)), cloth(b, scheme, "armchair"))


def living_room(b: Builder, scheme: Scheme, room: Room) -> None:
    """A sofa at the wall, a low table on a rug, a shelf or cabinet."""
    width, x = b.size(1.7, 2.6), b.size(-0.6, 0.6)
    away = b.size(0.05, 0.6)
    if b.chance(0.75):
        rug(b, x, room.depth - 1.7 - away, width * b.size(0.9, 1.3), b.size(1.4, 2.2))
    spot = room.back(b, x).shifted(0, 0, -away)
    seating.sofa(
        b, spot, width, cloth(b, scheme, "sofa") if b.chance(0.8) else b.paint("sofa", b.colour(), "leather")
    )
    top = b.paint(
        "table", None, b.pick("wood", "glass", "marble") if not scheme.rich else b.pick("marble", "gold")
    )
    furniture.table(
        b,
        spot.shifted(b.size(-0.2, 0.2), 0, -1.35),
        b.size(0.8, 1.2),
        b.size(0.5, 0.7),
        b.size(0.36, 0.45),
        top,
        b.plain("black"),
    )
    if b.chance(0.6):
        ornaments.clutter(b, spot.shifted(0, 0.42, -1.65), 0.6, 2)
    if room.window != "back" and b.chance(0.7):
        pictures(b, scheme, room.back(b, x, 0.2), width)
    hang_lamps(b, scheme, room, x, room.depth - 1.8)
    side = (
        room.left(b, room.depth - b.size(1.0, 1.6))
        if b.chance(0.5)
        else room.right(b, room.depth - b.size(1.0, 1.6))
    )
    if b.chance(0.55):
        furniture.shelf(b, side, b.size(0.8, 1.6), b.size(1.3, 2.1), wood(b, scheme, "shelf"))
    corner_things(b, scheme, [room.back(b, -room.width / 2 + 0.45), room.back(b, room.width / 2 - 0.45)])
    if b.chance(0.45):
        at = b.at(
            x + b.pick("l", "r").count("l") * 2.0 * width / 2 - width / 2,
            0,
            room.depth - 2.3 - away,
            b.size(0.9, 1.9) * (1 if b.chance(0.5) else -1),
        )
        seating.armchair(b, at, cloth(b, scheme, "armchair"))
