"""Plain things and vessels on a table or a floor: what version one drew, and more."""

from __future__ import annotations

import math
from collections.abc import Callable

from training.worlds import grounds, lighting, ornaments
from training.worlds.builder import Builder, Setting
from training.worlds.shell import Room, build_shell
from training.worlds.spot import Paint, Spot
from training.worlds.world import Camera, Relief, Terrain, World

Maker = Callable[[Builder, Spot, float, Paint], None]


def _sphere(b: Builder, s: Spot, size: float, p: Paint) -> None:
    del b
    s.ball((0, 0, 0), (size, size, size), p)


def _cube(b: Builder, s: Spot, size: float, p: Paint) -> None:
    s.box((0, 0, 0), (size * 0.85, size * 0.85, size * 0.85), p, (b.size(0, 1.5), 0.0, 0.0))


def _box(b: Builder, s: Spot, size: float, p: Paint) -> None:
    s.box(
        (0, 0, 0),
        (size * b.size(0.8, 1.2), size * b.size(0.4, 0.7), size * b.size(0.5, 0.9)),
        p,
        (b.size(0, 3), 0.0, 0.0),
    )


def _cylinder(b: Builder, s: Spot, size: float, p: Paint) -> None:
    s.tube((0, 0, 0), size * b.size(0.3, 0.45), size * b.size(0.7, 1.4), p)


def _cone(b: Builder, s: Spot, size: float, p: Paint) -> None:
    s.tube((0, 0, 0), size * b.size(0.35, 0.5), size * b.size(0.9, 1.5), p, top=0.0)


def _ring(b: Builder, s: Spot, size: float, p: Paint) -> None:
    thick = b.size(0.2, 0.32)
    if b.chance(0.4):
        s.put("torus", (0, 0, 0), (size, size, size), p, (thick, 0.0), (b.size(0, 3), math.pi / 2, 0.0))
    else:
        s.put("torus", (0, -size / 2 * (1 - thick), 0), (size, size, size), p, (thick, 0.0))


def _bottle(b: Builder, s: Spot, size: float, p: Paint) -> None:
    del b
    s.turned_tube((0, 0, 0), (size * 0.24, 0), size * 1.4, p, (0.95, 1.0, 1.0, 0.95, 0.45, 0.32, 0.32, 0.36))


def _vase(b: Builder, s: Spot, size: float, p: Paint) -> None:
    ornaments.vase(b, s, size * 0.35, size * 1.15, p, flowers=b.chance(0.3))


def _bowl(b: Builder, s: Spot, size: float, p: Paint) -> None:
    s.turned_tube((0, 0, 0), (size * 0.6, 0), size * 0.5, p, (0.4, 0.75, 0.93, 1.0))
    s.tube((0, size * 0.495, 0), size * 0.54, 0.006, b.darker(p, 0.4))


def _pyramid(b: Builder, s: Spot, size: float, p: Paint) -> None:
    s.put(
        "taper", (0, 0, 0), (size, size * b.size(0.8, 1.2), size), p, (0.0, 0.0), (b.size(0, 1.5), 0.0, 0.0)
    )


def _cushion(b: Builder, s: Spot, size: float, p: Paint) -> None:
    s.soft((0, 0, 0), (size * 1.1, size * 0.45, size * 1.0), p, 2.8, (b.size(0, 3), 0.0, 0.0))


THINGS: dict[str, Maker] = {
    "sphere": _sphere,
    "cube": _cube,
    "box": _box,
    "cylinder": _cylinder,
    "cone": _cone,
    "ring": _ring,
    "bottle": _bottle,
    "vase": _vase,
    "bowl": _bowl,
    "pyramid": _pyramid,
    "cushion": _cushion,
}
PLACES = {"table": "table", "floor": "room", "outdoors": "landscape"}
MATERIALS = (
    None,
    None,
    None,
    "shiny",
    "shiny",
    "wood",
    "marble",
    "stone",
    "metal",
    "glass",
    "gold",
    "fabric",
)


def still_world(b: Builder, ratio: float) -> World:
    """One to five things on a table, on the floor of a room, or outdoors on the ground."""
    place = b.pick("table", "floor", "floor", "outdoors")
    unit = 0.16 if place == "table" else b.size(0.7, 1.1)
    level = 0.75 if place == "table" else 0.0
    terrain: Terrain | None = None
    depth = b.size(2.2, 3.6) if place == "table" else b.size(5.5, 9.0)
    if place == "outdoors":
        name, season = lighting.pick_name(b.rng, lighting.OUTDOORS, b.style), grounds.season_of(b)
        terrain = grounds.meadow(
            b, season, Relief(b.size(10, 40), b.size(150, 300), 0.0, 1.0, 60, 300), "green hills", None
        )
        light, middle = lighting.light_of(b.rng, lighting.OUTDOORS[name]), b.size(3.2, 5.0) * unit
    else:
        name, season = lighting.pick_name(b.rng, lighting.INDOORS, b.style), None
        wall = b.paint("wall", b.colour(), "brick" if b.chance(0.1) else None, "surface")
        floor = _floor(b, place)
        room = Room(9.0, depth, 3.2, wall, wall, floor, b.plain("white"), False)
        build_shell(b, room, None, None, None)
        light, middle = (
            lighting.light_of(b.rng, lighting.INDOORS[name]),
            min(b.size(3.2, 4.8) * unit, depth * 0.6),
        )
    if place == "table":
        middle = 0.95
        top = b.paint(
            "table",
            b.colour(calm=True) if b.chance(0.5) else None,
            "wood" if b.chance(0.7) else "marble",
            "surface",
        )
        b.at(0, 0, 1.1).box((0, level - 0.05, 0), (b.size(1.4, 3.0), 0.05, b.size(0.8, 1.1)), top)
        b.at(0, 0, 1.1).legs(1.4, 0.7, level - 0.05, 0.07, top)
    if name == "lamps":
        b.at(b.size(-1, 1) * unit * 2, level + unit * 3, middle - unit).lamp(
            (0, 0, 0), ornaments.WARM, 1.1 * unit * 4
        )
    _arrange(b, unit, level, middle, ratio)
    eye = level + unit * b.size(1.2, 3.0)
    pitch = math.atan2(eye - level - 0.35 * unit, middle) * b.size(0.75, 1.1)
    tangent = b.size(0.40, 0.58)
    camera = Camera((0.0, eye, 0.0), b.size(-0.12, 0.12), pitch, tangent if ratio > 0.8 else tangent * 1.2)
    setting = Setting("things", PLACES[place], None, name, season)
    return b.frozen(setting, camera, light, (0.0, level, middle), 5.0 * unit, terrain)


def _floor(b: Builder, place: str) -> Paint:
    if place == "table" or b.chance(0.4):
        return b.textured(
            b.paint("floor", None, "wood", "detail" if place == "table" else "surface"),
            texture="planks",
            scale=0.2,
        )
    kind = b.pick("plain", "plain", "tiles", "marble", "checker", "stone")
    if kind == "checker":
        paint = b.paint("floor", None, "tiles", "surface")
        return b.textured(
            paint, texture="checker", scale=0.5, albedo=(0.08, 0.08, 0.09), second=(0.93, 0.93, 0.92)
        )
    colour = b.colour() if kind != "stone" else None
    return b.paint("floor", colour, None if kind == "plain" else kind, "surface")


def _arrange(b: Builder, unit: float, level: float, middle: float, ratio: float) -> None:
    count = int(b.rng.choice([1, 2, 3, 4, 5], p=[0.15, 0.27, 0.28, 0.2, 0.1]))
    kinds = [str(k) for k in b.rng.choice(list(THINGS), size=count, replace=False)]
    used: list[str] = []
    for i, kind in enumerate(kinds):
        colour = b.colour(*used)
        used.append(colour)
        material = MATERIALS[int(b.rng.integers(len(MATERIALS)))]
        bare = material in ("gold", "metal") or (material in ("wood", "stone") and b.chance(0.6))
        paint = b.paint(kind, None if bare else colour, material)
        z = middle + unit * b.size(-0.9, 1.2)
        lane = (i + 0.5 + b.size(-0.25, 0.25)) / count * 2 - 1
        x = lane * 0.42 * z * max(0.55, min(1.9, ratio))
        THINGS[kind](b, b.at(x, level, z), unit * b.size(0.75, 1.3), paint)
