"""What any room may hold besides its furniture: lamps above, pictures, rugs, things in corners."""

from __future__ import annotations

from training.worlds import ornaments, seating
from training.worlds.builder import Builder
from training.worlds.scheme import Scheme, cloth, fitting
from training.worlds.shell import Room
from training.worlds.spot import Spot


def hang_lamps(b: Builder, scheme: Scheme, room: Room, x: float, z: float) -> None:
    """Something under the ceiling: rings, a chandelier or a pendant."""
    spot = b.at(x, room.height, z)
    kind = (
        b.pick("ring", "chandelier", "ring") if scheme.rich else b.pick("pendant", "ring", "pendant", "none")
    )
    if kind == "ring":
        count = int(b.rng.integers(1, 4))
        metal = fitting(b, scheme, "ring lamp")
        for i in range(count):
            ornaments.ring_lamp(
                b,
                spot.shifted((i - (count - 1) / 2) * 0.6, 0, b.size(-0.2, 0.2)),
                b.size(0.26, 0.48),
                b.size(0.1, 0.5),
                metal,
                lit=scheme.lit,
            )
    elif kind == "chandelier":
        ornaments.chandelier(b, spot, b.size(0.15, 0.4), fitting(b, scheme, "chandelier"), lit=scheme.lit)
    elif kind == "pendant":
        shade = b.paint("lamp", b.colour(), None, "detail")
        ornaments.pendant(b, spot, b.size(0.3, 0.8), shade, lit=scheme.lit)


def pictures(b: Builder, scheme: Scheme, spot: Spot, width: float) -> None:
    """One to three framed pictures, or a mirror, on the wall."""
    if b.chance(0.2):
        ornaments.mirror(
            b, spot.shifted(0, b.size(1.4, 1.7), 0), b.size(0.6, 0.95), fitting(b, scheme, "mirror")
        )
        return
    count = int(b.rng.integers(1, 4))
    frame = b.plain(b.pick("black", "white", "brown"), "gold" if scheme.rich else None)
    image = b.paint("picture", None, None, "detail", many=count > 1)
    for i in range(count):
        x = (i - (count - 1) / 2) * width / count
        wide = min(width / count * 0.8, b.size(0.4, 1.0))
        ornaments.picture(b, spot.shifted(x, b.size(1.3, 1.5), 0), wide, b.size(0.45, 0.75), frame, image)


def corner_things(b: Builder, scheme: Scheme, spots: list[Spot]) -> None:
    """A plant, a lamp, a chest or a chair at each free corner."""
    for spot in spots:
        kind = b.pick("plant", "plant", "lamp", "armchair", "none", "vase")
        inner = spot.shifted(0, 0, -0.35)
        if kind == "plant":
            pot = b.plain(b.colour(), "shiny")
            ornaments.plant(b, inner, b.size(0.8, 1.6), pot, b.paint("plant", "green", None, "detail"))
        elif kind == "lamp":
            ornaments.floor_lamp(b, inner, b.paint("lamp", b.colour(), None, "detail"), lit=scheme.lit)
        elif kind == "armchair":
            seating.armchair(b, spot, cloth(b, scheme, "armchair"))
        elif kind == "vase":
            paint = b.paint("vase", b.colour(), "shiny" if b.chance(0.5) else None, "detail")
            ornaments.vase(b, inner, b.size(0.15, 0.24), b.size(0.5, 0.9), paint, flowers=b.chance(0.5))


def rug(b: Builder, x: float, z: float, width: float, depth: float, yaw: float = 0.0) -> None:
    """A rug with a border, or a round one."""
    paint = b.paint("rug", b.colour(calm=b.chance(0.4)), None)
    second = b.looks[b.plain(b.colour(b.named[paint.named].colour or "")).look].albedo
    spot = b.at(x, 0.0, z, yaw)
    if b.chance(0.25):
        spot.tube((0, 0, 0), depth / 2, 0.015, b.textured(paint, texture="fabric", scale=0.3))
    else:
        spot.box((0, 0, 0), (width, 0.015, depth), b.textured(paint, texture="rug", scale=0.3, second=second))
