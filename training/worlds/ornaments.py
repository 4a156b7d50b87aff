"""Small things that fill a room: lamps, plants, vases, pictures, rugs, curtains, clutter."""

from __future__ import annotations

import math

from training.worlds.builder import Builder
from training.worlds.palette import shaded, towards
from training.worlds.spot import Paint, Spot
from training.worlds.world import Triple

WARM: Triple = (1.0, 0.72, 0.42)
"""Lamp light, linear."""

VASES = (
    (0.55, 0.9, 1.0, 0.75, 0.4, 0.5),
    (0.8, 1.0, 0.6, 0.35, 0.35, 0.6),
    (0.5, 0.8, 1.0, 1.0),
    (1.0, 0.7, 0.4, 0.3),
    (0.9, 1.0, 1.0, 0.9, 0.35, 0.3, 0.3),
)
"""Profiles from foot to lip."""


def vase(b: Builder, spot: Spot, radius: float, high: float, paint: Paint, *, flowers: bool = False) -> None:
    """A turned vessel, with a bunch of flowers if asked."""
    profile = VASES[int(b.rng.integers(len(VASES)))]
    spot.turned_tube((0, 0, 0), (radius, radius), high, paint, profile)
    if flowers:
        bloom, leaf = b.plain(b.colour("green", "black", "gray", "brown")), b.plain("green")
        for _ in range(7):
            dx, dz, up = b.size(-1, 1) * radius * 1.6, b.size(-1, 1) * radius, b.size(0.0, 0.8) * high
            spot.ball((dx, high + up, dz), (radius, radius * 0.9, radius), bloom if b.chance(0.65) else leaf)


def plant(b: Builder, spot: Spot, high: float, pot: Paint, leaf: Paint) -> None:
    """A potted plant with broad leaves."""
    spot.tube((0, 0, 0), 0.13, 0.28, pot, top=1.3) if b.chance(0.5) else spot.tube(
        (0, 0, 0), 0.17, 0.3, pot, top=0.9
    )
    leaves = b.textured(leaf, texture="leaves", scale=0.4, second=shaded(b.looks[leaf.look].albedo, 0.55))
    for _ in range(int(b.rng.integers(9, 16))):
        turn = b.size(0, 2 * math.pi)
        out, up = b.size(0.05, 0.32) * high / 1.1, b.size(0.3, 1.0) * (high - 0.3)
        x, z = out * math.cos(turn), out * math.sin(turn)
        size = b.size(0.20, 0.36) * high / 1.2
        spot.ball(
            (x, 0.2 + up, z),
            (size * 0.55, size, size * 0.25),
            leaves,
            (turn, b.size(-0.9, 0.9), b.size(-0.9, 0.9)),
        )
    spot.tube((0, 0.25, 0), 0.02, high * 0.5, b.plain("brown"))


def shade_paint(b: Builder, paint: Paint, lit: bool) -> Paint:
    """A lampshade, glowing when the lamp is on."""
    tone = towards(b.looks[paint.look].albedo, (1.0, 0.90, 0.70), 0.3)
    return b.textured(paint, glow=1.6, albedo=tone) if lit else paint


def table_lamp(b: Builder, spot: Spot, shade: Paint, *, lit: bool) -> None:
    """A small lamp with a cloth shade."""
    body = b.plain(b.colour(calm=True), b.pick("shiny", "gold"))
    spot.turned_tube((0, 0, 0), (0.07, 0.07), 0.24, body, VASES[int(b.rng.integers(3))])
    spot.tube((0, 0.24, 0), 0.15, 0.2, shade_paint(b, shade, lit), top=b.size(0.55, 0.95))
    if lit:
        spot.lamp((0, 0.35, -0.12), WARM, 0.5)


def floor_lamp(b: Builder, spot: Spot, shade: Paint, *, lit: bool) -> None:
    """A tall lamp on a thin pole."""
    metal = b.plain("black", "metal")
    high = b.size(1.35, 1.65)
    spot.tube((0, 0, 0), 0.15, 0.03, metal)
    spot.tube((0, 0, 0), 0.016, high, metal)
    spot.tube((0, high - 0.05, 0), 0.2, 0.28, shade_paint(b, shade, lit), top=b.size(0.5, 0.95))
    if lit:
        spot.lamp((0, high, -0.2), WARM, 0.9)


def ring_lamp(b: Builder, spot: Spot, radius: float, drop: float, metal: Paint, *, lit: bool) -> None:
    """A glowing ring that hangs `drop` metres under its spot on a cord."""
    glow = b.textured(metal, glow=0.9, albedo=(1.0, 0.90, 0.72)) if lit else metal
    tilt = b.size(-0.12, 0.12)
    spot.put(
        "torus",
        (0, -drop - radius, 0),
        (2 * radius, 2 * radius, 2 * radius),
        glow,
        (0.09, 0.0),
        (0.0, tilt, 0.0),
    )
    for side in (-1, 1):
        spot.box((side * radius * 0.92, -drop, 0), (0.012, drop, 0.012), metal)
    if lit:
        spot.lamp((0, -drop - 0.1, 0), WARM, 0.9)


def pendant(b: Builder, spot: Spot, drop: float, shade: Paint, *, lit: bool) -> None:
    """A shade or a globe on a cord."""
    spot.box((0, -drop, 0), (0.015, drop, 0.015), b.plain("black"))
    if b.chance(0.5):
        size = b.size(0.24, 0.42)
        spot.ball((0, -drop - size, 0), (size, size, size), shade_paint(b, shade, lit))
    else:
        spot.tube((0, -drop - 0.2, 0), b.size(0.16, 0.28), 0.22, shade_paint(b, shade, lit), top=0.25)
    if lit:
        spot.lamp((0, -drop - 0.3, 0), WARM, 0.9)


def chandelier(b: Builder, spot: Spot, drop: float, metal: Paint, *, lit: bool) -> None:
    """Arms with small bulbs around a turned body."""
    bulb = shade_paint(b, b.plain("white", "glass"), lit)
    spot.box((0, -drop, 0), (0.02, drop, 0.02), metal)
    spot.turned_tube((0, -drop - 0.4, 0), (0.09, 0.09), 0.42, metal, (0.3, 1.0, 0.5, 0.9, 0.3))
    count = int(b.rng.choice([6, 8]))
    for i in range(count):
        arm = spot.shifted(0, -drop - 0.3, 0, i * 2 * math.pi / count)
        arm.box((0, 0, 0.2), (0.025, 0.025, 0.4), metal, (0.0, -0.2, 0.0))
        arm.ball((0, 0.06, 0.4), (0.10, 0.14, 0.10), bulb)
    spot.put("torus", (0, -drop - 0.65, 0), (0.8, 0.8, 0.8), metal, (0.05, 0.0))
    if lit:
        spot.lamp((0, -drop - 0.35, 0), WARM, 1.3)


def picture(b: Builder, spot: Spot, width: float, high: float, frame: Paint, image: Paint) -> None:
    """A framed picture on the wall behind the spot."""
    spot.box((0, 0, -0.02), (width, high, 0.035), frame)
    other = b.looks[b.plain(b.colour()).look].albedo
    painted = b.textured(image, texture="painting", second=other, gloss=0.0, metal=0.0)
    spot.box((0, 0.05, -0.03), (width - 0.1, high - 0.1, 0.035), painted)


def mirror(b: Builder, spot: Spot, size: float, frame: Paint) -> None:
    """A round mirror on the wall."""
    silver = b.textured(b.plain("white", "metal"), metal=0.9)
    spot.tube((0, 0, -0.03), size / 2, 0.04, frame, turn=(0.0, math.pi / 2, 0.0))
    spot.tube((0, 0, -0.045), size / 2 - 0.035, 0.04, silver, turn=(0.0, math.pi / 2, 0.0))


def curtain(spot: Spot, width: float, high: float, cloth: Paint) -> None:
    """Hanging cloth in deep folds."""
    folds = max(3, round(width / 0.13))
    for i in range(folds):
        x = (i - (folds - 1) / 2) * width / folds
        spot.put("frustum", (x, 0, -0.09), (width / folds * 1.25, high, 0.13), cloth, (0.9, 0.0))


def clutter(b: Builder, spot: Spot, wide: float, most: int, room: float = 0.3) -> None:
    """A few small vessels, boxes, balls, side by side."""
    count = int(b.rng.integers(1, most + 1))
    for i in range(count):
        x = ((i + 0.5) / count - 0.5) * wide
        here = spot.shifted(x, 0, b.size(-0.04, 0.02))
        paint = b.plain(b.colour(), b.pick("shiny", "wood", "gold", "glass", "stone"))
        high = min(room, b.size(0.12, 0.3))
        radius = min(0.09, wide / count * 0.42)
        kind = b.pick("vase", "box", "ball", "bowl", "stack", "vase")
        if kind == "vase":
            vase(b, here, radius * 0.8, high, paint, flowers=b.chance(0.25) and high < room * 0.6)
        elif kind == "box":
            here.box((0, 0, 0), (radius * 2, high * 0.6, radius * 1.6), paint, (b.size(-0.3, 0.3), 0.0, 0.0))
        elif kind == "ball":
            here.ball((0, 0, 0), (radius * 1.6, radius * 1.6, radius * 1.6), paint)
        elif kind == "bowl":
            here.tube((0, 0, 0), radius * 1.1, radius * 0.8, paint, top=0.5, turn=(0.0, math.pi, 0.0))
        else:
            for k in range(3):
                here.box(
                    (0, k * 0.03, 0),
                    (radius * 2, 0.028, radius * 1.5),
                    b.plain(b.colour()),
                    (b.size(-0.3, 0.3), 0.0, 0.0),
                )
