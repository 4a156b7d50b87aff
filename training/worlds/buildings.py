"""Houses, towers, fences, lamp posts, as seen from the street. Fronts look towards -z."""

from __future__ import annotations

from dataclasses import replace

from training.worlds.builder import Builder
from training.worlds.ornaments import WARM
from training.worlds.palette import towards
from training.worlds.spot import Paint, Spot
from training.worlds.trees import SNOW

MOST_NAMED = 3
"""Of a row of houses only the first ones are spoken of."""

ROOFS = ("red", "brown", "gray", "black", "orange", "blue", "green", "brown", "gray", "red")


def wall_paint(b: Builder, noun: str) -> Paint:
    """House walls: plaster of any colour, brick, stone or timber."""
    kind = b.pick("plaster", "plaster", "plaster", "brick", "wood", "stone")
    if sum(n.noun == noun for n in b.named) >= MOST_NAMED:
        return b.plain(b.colour("black", calm=True))
    if kind == "plaster":
        return b.paint(noun, b.colour("black", calm=b.chance(0.5)), None)
    if kind == "wood":
        colour = b.pick("", "", "red", "white", "blue", "brown") or None
        return b.textured(b.paint(noun, colour, "wood"), texture="planks", scale=0.3)
    return b.textured(b.paint(noun, None, kind), scale=0.3 if kind == "brick" else 0.6)


def panes(b: Builder, *, lit: bool) -> Paint:
    """Window glass with a white frame; yellow and bright when there is light inside."""
    glass = Paint(b.plain("black", "glass").look, b.name("window", None, None, "detail", many=True))
    tone = (1.0, 0.82, 0.45) if lit else (0.18, 0.23, 0.30)
    return b.textured(
        glass,
        texture="window",
        albedo=tone,
        second=(0.93, 0.93, 0.92),
        glow=0.9 if lit else 0.0,
        metal=0.0 if lit else 0.12,
    )


def house(b: Builder, spot: Spot, wide: float, deep: float, floors: int, *, winter: bool, lit: bool) -> None:
    """A house with a gable, hip or flat roof, door, windows and a chimney."""
    walls = wall_paint(b, "house")
    roof = b.textured(
        b.paint("roof", ROOFS[int(b.rng.integers(len(ROOFS)))], None, "detail"), texture="shingles", scale=0.5
    )
    if winter:
        look = b.looks[roof.look]
        roof = replace(
            b.textured(roof, albedo=towards(look.albedo, SNOW, 0.85), texture="snow", second=SNOW), named=0
        )
    high = 2.7 * floors + b.size(0.1, 0.5)
    middle = spot.shifted(0, 0, deep / 2)
    middle.box((0, -1.0, 0), (wide, high + 1.0, deep), walls)
    top = b.size(0.30, 0.55) * min(wide, deep)
    kind = b.pick("gable", "gable", "side", "hip", "hip" if floors > 1 else "gable")
    eave = b.size(0.5, 0.9)
    if kind == "gable":
        # The ridge runs from front to back: the street sees the triangle.
        middle.put("taper", (0, high, 0), (wide, top, deep), walls, (0.0, 1.0))
        _slabs(b, middle, wide, deep, high, top, eave, roof)
    elif kind == "side":
        middle.put("taper", (0, high - 0.05, 0), (wide + eave * 0.6, top, deep + eave), roof, (1.0, 0.0))
    else:
        middle.put(
            "taper",
            (0, high - 0.05, 0),
            (wide + eave, top, deep + eave),
            roof,
            (max(0.0, 1 - deep / wide), 0.0),
        )
    chimney = b.plain(None, "brick")
    if b.chance(0.7):
        middle.box(
            (b.size(0.15, 0.3) * wide * (1 if b.chance(0.5) else -1), high + top * 0.2, 0.1 * deep),
            (0.6, top * 0.9 + 0.3, 0.6),
            chimney,
        )
    _front(b, spot, wide, floors, lit=lit)
    glass = panes(b, lit=lit)
    for side in (-1, 1):
        for f in range(floors):
            for k in range(2):
                middle.box((side * wide / 2, 0.9 + f * 2.7, (k - 0.5) * deep * 0.45), (0.08, 1.3, 1.0), glass)
    if lit:
        spot.lamp((0, 2.0, -1.5), WARM, 6.0)


def _slabs(
    b: Builder, middle: Spot, wide: float, deep: float, high: float, top: float, eave: float, roof: Paint
) -> None:
    """Two leaning slabs as a gable roof."""
    import math

    del b
    half = wide / 2
    slope = math.atan2(top, half)
    long = math.hypot(top, half) + eave
    for side in (-1, 1):
        # The slab's middle, moved down the slope by half the overhang.
        x = side * (half / 2 + eave / 2 * math.cos(slope))
        y = high + top / 2 - eave / 2 * math.sin(slope)
        middle.box(
            (x, y - 0.02, 0), (long + 0.1, 0.22, deep + 2 * eave * 0.7), roof, (0.0, 0.0, -side * slope)
        )


def _front(b: Builder, spot: Spot, wide: float, floors: int, *, lit: bool) -> None:
    glass = panes(b, lit=lit)
    columns = max(2, round(wide / 2.2))
    entry = int(b.rng.integers(columns))
    leaf = b.textured(b.paint("door", b.colour(), None, "detail"), texture="door")
    for f in range(floors):
        for i in range(columns):
            x = (i - (columns - 1) / 2) * wide / columns
            if f == 0 and i == entry:
                spot.box((x, 0, -0.03), (1.05, 2.15, 0.1), leaf)
                spot.box((x, -0.2, -0.5), (1.6, 0.3, 1.0), b.plain(None, "stone"))
                if b.chance(0.5):
                    spot.put("taper", (x, 2.35, -0.45), (1.9, 0.5, 1.1), b.plain("brown", "wood"), (1.0, 0.1))
            else:
                w = min(1.4, wide / columns * 0.6)
                spot.box((x, 0.9 + f * 2.7, -0.02), (w, 1.35, 0.1), glass)
                spot.box((x, 0.82 + f * 2.7, -0.08), (w + 0.2, 0.08, 0.22), b.plain("white"))


def tower(b: Builder, spot: Spot, wide: float, high: float, *, lit: bool) -> None:
    """A block with rows of windows, stepped or with a pointed roof."""
    walls = wall_paint(b, "tower")
    spot.box((0, -1, 0), (wide, high + 1, wide), walls)
    glass = panes(b, lit=lit)
    rows, columns = max(2, int(high / 3)), max(2, int(wide / 2.2))
    for f in range(min(rows, 9)):
        for i in range(columns):
            x = (i - (columns - 1) / 2) * wide / columns
            spot.box(
                (x, 1.2 + f * high / rows, -wide / 2), (wide / columns * 0.6, high / rows * 0.55, 0.1), glass
            )
            spot.box(
                (-wide / 2 if spot.x > 0 else wide / 2, 1.2 + f * high / rows, x),
                (0.1, high / rows * 0.55, wide / columns * 0.6),
                glass,
            )
    if b.chance(0.5):
        spot.put(
            "taper",
            (0, high, 0),
            (wide + 0.6, wide * b.size(0.5, 1.2), wide + 0.6),
            b.plain(b.pick("red", "gray", "green", "brown")),
            (0.0, 0.0),
        )
    else:
        spot.box((0, high, 0), (wide * 1.04, 0.5, wide * 1.04), b.plain("gray"))


def fence(spot: Spot, long: float, paint: Paint) -> None:
    """Posts and two rails."""
    count = max(3, round(long / 1.1))
    for i in range(count):
        spot.box(((i / (count - 1) - 0.5) * long, -0.2, 0), (0.10, 1.2, 0.08), paint)
    for y in (0.35, 0.75):
        spot.box((0, y, 0), (long, 0.10, 0.05), paint)


def lamp_post(b: Builder, spot: Spot, paint: Paint, *, lit: bool) -> None:
    """A street lamp."""
    high = b.size(3.0, 4.5)
    spot.tube((0, -0.3, 0), 0.06, high + 0.3, paint)
    glow = b.textured(b.plain("white"), glow=2.0 if lit else 0.0, albedo=(1.0, 0.86, 0.6))
    spot.put("taper", (0, high, 0), (0.4, 0.2, 0.4), paint, (0.1, 0.1))
    spot.ball((0, high - 0.3, 0), (0.32, 0.36, 0.32), glow)
    if lit:
        spot.lamp((0, high - 0.3, 0), WARM, 5.0)
