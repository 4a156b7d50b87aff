"""Outdoor worlds with buildings: a house in a garden or a forest, a street, towers."""

from __future__ import annotations

import math

from training.worlds import buildings, grounds, lighting
from training.worlds.builder import Builder, Setting
from training.worlds.trees import Wood
from training.worlds.world import Camera, Relief, Terrain, World

DARK = ("night", "sunset")


def house_world(b: Builder, family: str, ratio: float) -> World:
    """A house, or two; `house in the forest` has trees all around it."""
    name = lighting.pick_name(b.rng, lighting.OUTDOORS, b.style)
    season = grounds.season_of(b)
    forest = family == "house in the forest"
    terrain = _backdrop(b, season, forest=forest)
    lit = name in DARK
    far = b.size(11, 20)
    x = b.size(-3.5, 3.5) if not forest else b.size(-3, 3)
    turn = b.size(-0.75, 0.75)
    floors = int(b.rng.choice([1, 2], p=[0.62, 0.38]))
    wide = b.size(6, 10)
    b_house = b.at(x, 0, far, turn)
    buildings.house(b, b_house, wide, b.size(5, 8), floors, winter=season == "winter", lit=lit)
    if b.chance(0.6):
        path = grounds.road_paint(b, "path")
        b_house.box((b.size(-1, 1), 0, -far / 2 - 1), (b.size(1.0, 1.8), 0.03, far), path)
    wood = Wood(b, season, where="thing" if forest else "detail")
    conifers = b.size(0.6, 1.0) if forest and b.chance(0.6) else b.size(0.0, 0.5)
    _plant(b, wood, conifers, forest=forest, house=(x, far, wide))
    if b.chance(0.45):
        paint = b.paint("fence", b.pick("white", "brown", "white"), "wood", "detail")
        buildings.fence(b.at(x - wide * 0.75, 0, far - b.size(2, 4), b.size(-0.1, 0.1)), wide * 0.8, paint)
    if forest:
        _frame(b, wood)
    for _ in range(int(b.rng.integers(0, 5))):
        wood.bush(b.at(x + b.size(-1, 1) * wide, 0, far - b.size(0.6, 3)), b.size(0.8, 1.6))
    if forest and b.chance(0.3):
        buildings.house(
            b,
            b.at(-x + b.size(-8, 8), 0, far + b.size(14, 20), b.size(-0.5, 0.5)),
            7,
            6,
            1,
            winter=season == "winter",
            lit=lit,
        )
    light = lighting.light_of(b.rng, lighting.OUTDOORS[name])
    tangent = b.size(0.38, 0.55)
    eye = (0.0, b.size(1.4, 3.2), 0.0)
    camera = Camera(
        eye,
        math.atan2(x * b.size(0.3, 1.0), far),
        b.size(-0.10, 0.07),
        tangent if ratio > 0.8 else tangent * 1.3,
    )
    setting = Setting(family, family, None, name, season)
    return b.frozen(setting, camera, light, (x * 0.6, 2.0, far * 0.85), 17.0, terrain)


def street_world(b: Builder, ratio: float) -> World:
    """A street between two rows of houses, or of towers, that runs away from the eye."""
    name = lighting.pick_name(b.rng, lighting.OUTDOORS, b.style)
    season = grounds.season_of(b)
    terrain = _backdrop(b, season, forest=False)
    lit = name in DARK
    city = b.chance(0.35)
    road = b.size(5, 8)
    b.at(0, 0, 0).box((0, 0, 60), (road, 0.03, 140), grounds.road_paint(b, "street"))
    kerb = b.plain("gray", "concrete")
    for side in (-1, 1):
        b.at(side * (road / 2 + 1.0), 0, 0).box((0, 0, 60), (2.0, 0.14, 140), kerb)
        z = b.size(2, 6)
        while z < 62:
            if city:
                wide, high = b.size(8, 12), b.size(10, 32)
                buildings.tower(
                    b, b.at(side * (road / 2 + 2.3 + wide / 2), 0, z + wide / 2), wide, high, lit=lit
                )
            else:
                wide, deep = b.size(6.5, 9), b.size(5, 7)
                at = b.at(side * (road / 2 + b.size(2.6, 4.0)), 0, z + wide / 2, side * math.pi / 2)
                buildings.house(
                    b, at, wide, deep, int(b.rng.integers(1, 3)), winter=season == "winter", lit=lit
                )
            z += wide + b.size(0.5, 4)
    wood = Wood(b, season, where="detail")
    post = b.paint("street lamp", "black", None, "detail", many=True)
    lamps = b.chance(0.6)
    for i in range(6):
        for side in (-1, 1):
            if b.chance(0.5):
                wood.round_tree(b.at(side * (road / 2 + 1.4), 0, 7 + i * 9 + b.size(-2, 2)), b.size(4, 6.5))
            elif lamps and i < 3:
                buildings.lamp_post(b, b.at(side * (road / 2 + 0.5), 0, 6 + i * 9), post, lit=lit)
    light = lighting.light_of(b.rng, lighting.OUTDOORS[name])
    tangent = b.size(0.42, 0.6)
    camera = Camera(
        (b.size(-0.3, 0.3) * road, b.size(1.5, 4.0), 0.0),
        b.size(-0.2, 0.2),
        b.size(-0.12, 0.05),
        tangent if ratio > 0.8 else tangent * 1.3,
    )
    setting = Setting("street", "city street" if city else "street", None, name, season)
    return b.frozen(setting, camera, light, (0.0, 3.0, 20.0), 26.0, terrain)


def _frame(b: Builder, wood: Wood) -> None:
    """Bushes and branches close to the eye, at the picture's edges."""
    side = 1 if b.chance(0.5) else -1
    if b.chance(0.6):
        for _ in range(int(b.rng.integers(1, 4))):
            wood.bush(b.at(side * b.size(0.9, 2.2), 0, b.size(2.6, 5)), b.size(0.7, 1.5))
    if b.chance(0.35):
        wood.branch(b.at(-side * b.size(1.5, 3.0), b.size(3.2, 4.6), b.size(4, 7)), b.size(1.2, 2.2))


def _backdrop(b: Builder, season: str, *, forest: bool) -> Terrain:
    """Meadow, sometimes with hills or mountains behind."""
    if forest or b.chance(0.45):
        relief = Relief(b.size(14, 32), b.size(60, 140), 0.0, 1.0, 45, 110)
        heights = "snow" if season == "winter" else "autumn forest" if season == "autumn" else "forest"
        return grounds.meadow(b, season, relief, heights, None)
    if b.chance(0.5):
        relief = Relief(b.size(150, 320), b.size(220, 450), 1.0, 1.2, 150, 500)
        snowline = 0.0 if season == "winter" else b.size(0.3, 0.9) * relief.height
        return grounds.meadow(b, season, relief, "rock", "mountain", snowline)
    return grounds.meadow(
        b,
        season,
        Relief(b.size(15, 40), b.size(150, 300), 0.0, 1.0, 60, 300),
        "green hills" if season != "winter" else "snow",
        "hill",
    )


def _plant(
    b: Builder, wood: Wood, conifers: float, *, forest: bool, house: tuple[float, float, float]
) -> None:
    """Trees behind and beside the house, and a few in front when it stands in a forest."""
    x, far, wide = house
    count = int(b.rng.integers(34, 55)) if forest else int(b.rng.integers(2, 9))
    placed = 0
    for _ in range(count * 3):
        if placed >= count:
            break
        z = b.size(5.0, far + 26) if forest else b.size(8, 40)
        px = b.size(-1, 1) * (0.62 * z + 4 if forest else 0.85 * z + 4)
        clear = abs(px - x) > wide * 0.8 + 1.0 or z > far + 10
        # Nothing may stand between the eye and the house.
        between = z < far and abs(px - x * z / far) < wide * 0.55 * z / far + 1.6
        if clear and not between:
            high = b.size(7, 14) if forest else b.size(4, 8)
            wood.any(b.at(px, 0, z), high, conifers)
            placed += 1
