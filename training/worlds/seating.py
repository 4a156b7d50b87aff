"""Beds, sofas and chairs. Each stands with its back at z = 0 of its spot and looks towards -z."""

from __future__ import annotations

import math

from training.worlds.builder import Builder
from training.worlds.spot import Paint, Spot


def bed(
    b: Builder,
    spot: Spot,
    width: float,
    length: float,
    cover: Paint,
    pillow: Paint,
    head: Paint,
    *,
    tall: bool,
) -> None:
    """A bed with headboard, mattress, a cover that hangs over the edges, and pillows."""
    rise = b.size(0.38, 0.55)
    high = b.size(1.1, 1.7) if tall else b.size(0.8, 1.1)
    wide = width + (b.size(0.2, 1.4) if tall else 0.1)
    if b.chance(0.4):
        for i in range(5):
            spot.soft(((i - 2) * wide / 5, 0.1, -0.06), (wide / 5, high - 0.1, 0.16), head, 6)
    else:
        spot.box((0, 0, -0.05), (wide, high, 0.1), head)
    spot.box((0, 0.05, -length / 2), (width - 0.02, rise - 0.17, length - 0.02), b.darker(head, 0.8))
    sheet = b.plain("white", "fabric")
    spot.soft((0, rise - 0.18, -length / 2 - 0.05), (width, 0.30, length), sheet, 8)
    drop = rise - 0.02 if b.chance(0.5) else b.size(0.18, rise - 0.06)
    begin = b.size(0.55, 0.8)
    spot.put(
        "cushion",
        (0, rise - drop + 0.13, -(length + begin) / 2 - 0.03),
        (width + 0.14, drop + 0.08, length - begin + 0.1),
        cover,
        (7.0, 0.0),
    )
    if b.chance(0.5):
        throw = b.plain(b.colour(calm=True), "fabric")
        spot.soft(
            (0, rise - drop * 0.8 + 0.15, -length * 0.82), (width + 0.18, drop * 0.8 + 0.09, 0.5), throw, 8
        )
    count = 2 if width < 1.7 else int(b.rng.choice([2, 3, 4], p=[0.5, 0.3, 0.2]))
    each = (width - 0.1) / count
    for i in range(count):
        x = (i - (count - 1) / 2) * each
        spot.soft((x, rise + 0.09, -0.24), (each * 0.94, 0.46, 0.20), pillow, 3.2, (0.0, 0.35, 0.0))
    if b.chance(0.6):
        accent = b.plain(b.colour(), "velvet")
        for x in [0.0] if b.chance(0.5) else [-each * 0.5, each * 0.5]:
            spot.soft((x, rise + 0.1, -0.46), (0.44, 0.32, 0.16), accent, 3.0, (b.size(-0.2, 0.2), 0.4, 0.0))


def sofa(b: Builder, spot: Spot, width: float, cloth: Paint) -> None:
    """A sofa of rounded cushions on short feet."""
    deep, seat = b.size(0.85, 1.0), b.size(0.38, 0.45)
    arm = b.size(0.14, 0.26)
    spot.soft((0, 0.10, -deep / 2), (width, 0.22, deep), cloth, 8)
    spot.soft((0, 0.12, -0.13), (width, b.size(0.62, 0.75), 0.26), cloth, 6)
    for side in (-1, 1):
        spot.soft((side * (width - arm) / 2, 0.1, -deep / 2), (arm, b.size(0.45, 0.52), deep), cloth, 6)
    count = 3 if width > 1.9 else 2
    each = (width - 2 * arm) / count
    for i in range(count):
        x = (i - (count - 1) / 2) * each
        spot.soft((x, seat - 0.14, -deep * 0.56), (each * 0.99, 0.2, deep * 0.78), cloth, 5)
        spot.soft((x, seat + 0.02, -0.33), (each * 0.96, 0.42, 0.2), cloth, 4, (0.0, 0.22, 0.0))
    if b.chance(0.75):
        accent = b.plain(b.colour(), "fabric")
        for side in (-1, 1) if b.chance(0.5) else (1,):
            spot.soft(
                (side * (width / 2 - arm - 0.25), seat + 0.04, -0.46),
                (0.42, 0.36, 0.15),
                accent,
                3,
                (side * 0.3, 0.35, 0.0),
            )
    dark = b.plain("black")
    for side in (-1, 1):
        spot.tube((side * (width / 2 - 0.12), 0, -deep + 0.12), 0.025, 0.11, dark)


def armchair(b: Builder, spot: Spot, cloth: Paint) -> None:
    """A single soft chair with arms."""
    w = b.size(0.72, 0.9)
    spot.soft((0, 0.14, -0.42), (w, 0.28, 0.78), cloth, 5)
    spot.soft((0, 0.2, -0.12), (w, 0.72, 0.24), cloth, 4, (0.0, 0.14, 0.0))
    for side in (-1, 1):
        spot.soft((side * (w / 2 - 0.06), 0.2, -0.42), (0.16, 0.42, 0.74), cloth, 4)
    spot.soft((0, 0.36, -0.46), (w - 0.24, 0.16, 0.62), cloth, 4)
    spot.shifted(0, 0, -0.42).legs(w - 0.1, 0.66, 0.15, 0.04, b.plain(None, "wood"))


def chair(b: Builder, spot: Spot, frame: Paint, seat: Paint) -> None:
    """A plain chair: four legs, a seat, a back of slats or one board."""
    w, high = b.size(0.42, 0.52), b.size(0.44, 0.48)
    middle = spot.shifted(0, 0, -w / 2)
    middle.legs(w, w, high, 0.045, frame)
    middle.soft((0, high - 0.01, 0), (w, 0.07, w), seat, 8)
    tall = b.size(0.4, 0.55)
    for side in (-1, 1):
        spot.box((side * (w / 2 - 0.022), high, -0.03), (0.045, tall, 0.045), frame, (0.0, 0.10, 0.0))
    if b.chance(0.4):
        spot.soft((0, high + 0.14, -0.02), (w, tall - 0.12, 0.06), seat, 6, (0.0, 0.10, 0.0))
    else:
        for i in range(int(b.rng.integers(2, 4))):
            spot.box(
                (0, high + tall * (0.9 - 0.33 * i), -0.02), (w - 0.04, 0.07, 0.025), frame, (0.0, 0.1, 0.0)
            )
    if b.chance(0.25):
        for side in (-1, 1):
            spot.box((side * (w / 2), high + 0.2, -w / 2), (0.05, 0.035, w), frame)
            spot.box((side * (w / 2), high, -w + 0.04), (0.04, 0.2, 0.04), frame)


def office_chair(b: Builder, spot: Spot, shell: Paint, metal: Paint) -> None:
    """A shell on a swivelling five-pointed foot."""
    middle = spot.shifted(0, 0, -0.32)
    start = b.size(0, 1)
    for i in range(5):
        angle = start + i * 2 * math.pi / 5
        arm = middle.shifted(0, 0, 0, angle)
        arm.box((0, 0.055, 0.16), (0.05, 0.035, 0.32), metal, (0.0, 0.12, 0.0))
        arm.ball((0, 0.0, 0.31), (0.06, 0.07, 0.06), metal)
    middle.tube((0, 0.07, 0), 0.03, 0.38, metal)
    seat = b.size(0.44, 0.52)
    w = b.size(0.5, 0.62)
    middle.soft((0, seat - 0.06, -0.02), (w, 0.13, 0.54), shell, 4)
    lean = b.size(0.1, 0.25)
    tall = b.size(0.42, 0.68)
    middle.soft((0, seat + 0.02, 0.26), (w * 0.96, tall, 0.12), shell, 4, (0.0, lean, 0.0))
    if b.chance(0.75):
        for side in (-1, 1):
            if b.chance(0.5):
                middle.soft(
                    (side * w / 2, seat, 0.02), (0.09, 0.26, 0.46), shell, 3.5, (side * 0.1, -0.25, 0.0)
                )
            else:
                middle.box((side * w / 2, seat + 0.2, 0.0), (0.07, 0.04, 0.32), metal)
                middle.box((side * w / 2, seat - 0.02, 0.06), (0.04, 0.22, 0.05), metal)


def stool(b: Builder, spot: Spot, seat: Paint, metal: Paint) -> None:
    """A round seat on a high foot or on legs."""
    high = b.size(0.6, 0.78)
    spot.tube((0, high, -0.2), 0.18, 0.07, seat)
    if b.chance(0.5):
        spot.tube((0, 0, -0.2), 0.2, 0.03, metal)
        spot.tube((0, 0.02, -0.2), 0.03, high, metal)
    else:
        spot.shifted(0, 0, -0.2).legs(0.3, 0.3, high, 0.035, metal)
