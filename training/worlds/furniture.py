"""Tables, cupboards, shelves and kitchens. Each stands with its back at z = 0 and looks towards -z."""

from __future__ import annotations

from training.worlds.builder import Builder
from training.worlds.ornaments import clutter
from training.worlds.spot import Paint, Spot


def table(b: Builder, spot: Spot, width: float, depth: float, high: float, top: Paint, leg: Paint) -> None:
    """A table, square or round, on four legs or one foot."""
    middle = spot.shifted(0, 0, -depth / 2)
    if b.chance(0.3):
        radius = min(width, depth) / 2
        middle.tube((0, high - 0.04, 0), radius, 0.045, top)
        middle.tube((0, 0, 0), radius * 0.4, 0.03, leg)
        middle.tube((0, 0, 0), 0.05, high, leg)
        return
    middle.box((0, high - 0.05, 0), (width, 0.05, depth), top)
    middle.legs(width - 0.06, depth - 0.06, high - 0.05, 0.055, leg)


def desk(b: Builder, spot: Spot, width: float, top: Paint) -> None:
    """A desk with a block of drawers, a screen, books and a lamp upon it."""
    deep, high = 0.7, 0.74
    spot.box((0, high - 0.04, -deep / 2), (width, 0.045, deep), top)
    side = b.size(-1, 1)
    block = 1 if side > 0 else -1
    spot.box(
        (block * (width / 2 - 0.24), 0.02, -deep / 2), (0.44, high - 0.06, deep - 0.06), b.darker(top, 0.9)
    )
    for i in range(3):
        spot.box((block * (width / 2 - 0.24), 0.07 + i * 0.22, -deep + 0.02), (0.38, 0.19, 0.02), top)
    spot.box((-block * (width / 2 - 0.04), 0, -deep / 2), (0.06, high - 0.04, deep - 0.08), top)
    dark = b.plain("black", "shiny")
    if b.chance(0.7):
        x = b.size(-0.2, 0.2)
        spot.box((x, high + 0.12, -0.24), (0.6, 0.36, 0.03), dark)
        spot.box((x, high, -0.22), (0.05, 0.14, 0.04), dark)
        spot.box((x, high, -0.22), (0.22, 0.015, 0.16), dark)
        spot.box((x, high, -0.52), (0.44, 0.02, 0.14), b.plain("white"))
    clutter(b, spot.shifted(-width * 0.33, high, -0.3), 0.3, 2)


def bedside(b: Builder, spot: Spot, body: Paint) -> None:
    """A small chest of two drawers."""
    w, high = b.size(0.42, 0.55), b.size(0.42, 0.58)
    spot.box((0, 0.05, -0.22), (w, high - 0.05, 0.42), body)
    for i in range(2):
        spot.box(
            (0, 0.09 + i * (high - 0.12) / 2, -0.435),
            (w - 0.05, (high - 0.18) / 2, 0.015),
            b.darker(body, 1.08),
        )


def wardrobe(b: Builder, spot: Spot, width: float, high: float, body: Paint, knob: Paint) -> None:
    """A cupboard with doors, seams and handles."""
    deep = b.size(0.45, 0.62)
    spot.box((0, 0, -deep / 2), (width, high, deep), body)
    doors = max(2, round(width / b.size(0.45, 0.6)))
    seam = b.darker(body, 0.72)
    each = width / doors
    split = b.size(0.3, 0.45) if b.chance(0.4) else 0.0
    for i in range(doors):
        x = (i - (doors - 1) / 2) * each
        spot.box((x, 0.1 + split * high, -deep - 0.005), (each - 0.03, high * (1 - split) - 0.14, 0.03), body)
        if split:
            spot.box((x, 0.08, -deep - 0.005), (each - 0.03, split * high - 0.02, 0.03), body)
        side = 1 if i % 2 == 0 else -1
        spot.box((x + side * (each / 2 - 0.07), high * 0.5, -deep - 0.03), (0.02, 0.22, 0.03), knob)
        spot.box((x + each / 2, 0.08, -deep - 0.002), (0.012, high - 0.1, 0.02), seam)


def shelf(b: Builder, spot: Spot, width: float, high: float, body: Paint, *, backed: bool = True) -> None:
    """An open shelf full of books, boxes, vases."""
    deep, rows = b.size(0.28, 0.4), max(2, round(high / b.size(0.34, 0.46)))
    columns = max(1, round(width / b.size(0.7, 1.3)))
    board = 0.035
    if backed:
        spot.box((0, 0, -0.01), (width, high, 0.02), b.darker(body, 0.82))
    for j in range(columns + 1):
        spot.box(((j / columns - 0.5) * (width - board), 0, -deep / 2), (board, high, deep), body)
    for i in range(rows + 1):
        spot.box((0, i * (high - board) / rows, -deep / 2), (width, board, deep), body)
    room = (high - board) / rows - board
    for i in range(rows):
        for j in range(columns):
            cell = spot.shifted(
                ((j + 0.5) / columns - 0.5) * width, i * (high - board) / rows + board, -deep * 0.45
            )
            wide = width / columns - 2 * board
            kind = b.rng.random()
            if kind < 0.5:
                books(b, cell, wide, room, deep * 0.7)
            elif kind < 0.95:
                clutter(b, cell, wide * 0.75, 2, room * 0.8)


def books(b: Builder, spot: Spot, wide: float, room: float, deep: float) -> None:
    """A row of books that fills part of a board."""
    long = wide * b.size(0.4, 0.95)
    paint = b.plain(b.colour(), None)
    mixed = b.textured(paint, texture="books", scale=0.9, second=b.looks[b.plain(b.colour()).look].albedo)
    high = room * b.size(0.6, 0.85)
    spot.box(((long - wide) / 2 * (1 if b.chance(0.5) else -1), 0, 0), (long, high, deep), mixed)


def kitchen(b: Builder, spot: Spot, width: float, front: Paint, top: Paint, *, uppers: bool) -> None:
    """A kitchen run: low cupboards under a worktop, a stove, a hood, and cupboards on the wall above."""
    deep, high = 0.62, 0.88
    spot.box((0, 0.1, -deep / 2), (width, high - 0.1, deep), front)
    spot.box((0, 0, -deep / 2 + 0.04), (width, 0.1, deep - 0.08), b.plain("black"))
    spot.box((0, high, -deep / 2), (width + 0.02, 0.045, deep + 0.04), top)
    count = max(3, round(width / 0.6))
    each = width / count
    metal = b.plain(None, "metal")
    dark = b.plain("black", "shiny")
    stove = int(b.rng.integers(count))
    for i in range(count):
        x = (i - (count - 1) / 2) * each
        if i == stove:
            spot.box((x, 0.18, -deep - 0.005), (each - 0.04, high - 0.28, 0.03), dark)
            for dx in (-0.13, 0.13):
                spot.tube((x + dx, high + 0.045, -deep / 2), 0.09, 0.012, dark)
            spot.put("taper", (x, 1.55, -0.25), (each, 0.35, 0.5), metal, (0.45, 0.5))
            spot.box((x, 1.9, -0.14), (each * 0.4, 0.8, 0.26), metal)
            continue
        split = b.chance(0.4)
        for low, tall in ((0.13, 0.5), (0.65, 0.2)) if split else ((0.13, 0.72),):
            spot.box((x, low, -deep - 0.005), (each - 0.025, tall, 0.03), front)
            spot.box((x, low + tall - 0.06, -deep - 0.035), (each * 0.4, 0.02, 0.03), metal)
        if uppers:
            spot.box((x, 1.48, -0.17), (each - 0.015, 0.72, 0.34), front)
            spot.box((x, 1.51, -0.345), (each - 0.04, 0.66, 0.02), front)
            spot.box((x + each * 0.38, 1.54, -0.36), (0.02, 0.16, 0.025), metal)
        elif b.chance(0.5):
            clutter(b, spot.shifted(x, high + 0.045, -0.25), each * 0.6, 2)
    tap = (b.size(-0.3, 0.3) * width, high + 0.045, -0.12)
    spot.tube(tap, 0.015, 0.26, metal)
    spot.box((tap[0], tap[1] + 0.25, tap[2] - 0.08), (0.025, 0.025, 0.18), metal)
