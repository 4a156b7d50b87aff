"""Landscapes: mountains, hills, lakes, seas, deserts, forests, ridges in haze."""

from __future__ import annotations

import math
from dataclasses import replace

from training.worlds import buildings, grounds, lighting
from training.worlds.builder import Builder, Setting
from training.worlds.trees import Wood
from training.worlds.world import Camera, Relief, Terrain, World

KINDS = ("mountains", "snowy mountains", "landscape", "lake", "sea", "desert", "hills", "forest")


def landscape_world(b: Builder, family: str, ratio: float) -> World:
    """A landscape of one kind."""
    name = lighting.pick_name(b.rng, lighting.OUTDOORS, b.style)
    season = "winter" if family == "snowy mountains" and b.chance(0.4) else grounds.season_of(b)
    if family == "desert":
        season = "summer"
    terrain = _terrain(b, family, season)
    eye, pitch = _eye(b, family)
    trees = {
        "forest": 46,
        "landscape": 12,
        "lake": 14,
        "hills": 10,
        "mountains": 8,
        "snowy mountains": 8,
    }.get(family, 0)
    if trees and b.chance(0.8 if family != "forest" else 1.0):
        _scatter(b, family, season, trees)
    if family in ("landscape", "hills") and b.chance(0.25):
        buildings.house(
            b,
            b.at(b.size(-12, 12), 0, b.size(26, 40) + 2 * eye, b.size(-0.6, 0.6), grounded=True),
            7,
            6,
            1,
            winter=season == "winter",
            lit=name in ("night", "sunset"),
        )
    side = None if b.chance(0.6) else math.pi * b.size(0.6, 0.9) * (1 if b.chance(0.5) else -1)
    light = lighting.light_of(b.rng, lighting.OUTDOORS[name], side if name == "sunset" else None)
    if family in ("mountains", "hills", "forest") and b.chance(0.35) and name != "fog":
        light = replace(light, fog=light.fog + b.size(0.5, 2.0) / 1000)
    if name == "fog":
        # Far things are what a landscape is about: some of them must come through.
        light = replace(light, fog=light.fog * 0.25)
    tangent = b.size(0.34, 0.6)
    camera = Camera((0.0, eye, 0.0), b.size(-0.1, 0.1), pitch, tangent if ratio > 0.8 else tangent * 1.35)
    place = {"landscape": "landscape", "hills": "hills"}.get(family, family)
    setting = Setting(family, place, None, name, None if family in ("desert", "sea") else season)
    return b.frozen(setting, camera, light, (0.0, 0.0, 32.0), 34.0, terrain)


def _eye(b: Builder, family: str) -> tuple[float, float]:
    """Height above the ground in metres and pitch: some look out from a height."""
    if family in ("mountains", "snowy mountains", "hills") and b.chance(0.65):
        return b.size(15, 90), b.size(-0.05, 0.14)
    if family in ("lake", "landscape") and b.chance(0.35):
        return b.size(6, 25), b.size(-0.04, 0.14)
    return b.size(1.6, 5.0) if family != "desert" else b.size(3, 14), b.size(-0.14, 0.08)


def _terrain(b: Builder, family: str, season: str) -> Terrain:
    far, heights, noun, snowline = _far(b, family, season)
    base = grounds.meadow(b, season, far, heights, noun, snowline)
    near = Relief(b.size(0.5, 4.0), b.size(25, 70), 0.0, 1.0, 4, 40)
    if family == "desert":
        sand = b.name("sand", None, None, "surface")
        dunes = Relief(b.size(5, 14), b.size(40, 90), b.size(0.5, 0.9), 1.3, 3, 40)
        return replace(base, near=dunes, ground=grounds.ground_look(b, "sand"), ground_named=sand)
    if family in ("lake", "sea"):
        water = b.name("lake" if family == "lake" else "sea", None, "water", "surface")
        begin = b.size(6, 16)
        if family == "sea":
            sand = b.name("beach", None, "sand", "surface")
            begin = b.size(4, 12)
            return replace(
                base,
                far=replace(far, height=0.0) if b.chance(0.6) else far,
                heights=grounds.ground_look(b, "forest"),
                near=replace(near, height=0.0),
                ground=grounds.ground_look(b, "sand"),
                ground_named=sand,
                dip=6.0,
                dip_span=(begin, begin + 30, 1500.0, 1700.0),
                water=-0.5,
                water_look=b.look(grounds.WATER),
                water_named=water,
            )
        end = b.size(70, 260)
        return replace(
            base,
            near=replace(near, height=min(near.height, 1.2)),
            dip=5.0,
            dip_span=(begin, begin + 18, end, end + 60),
            water=-0.5,
            water_look=b.look(grounds.WATER),
            water_named=water,
        )
    if family in ("mountains", "snowy mountains") and b.chance(0.5):
        # The foreground is mountain as well: a shoulder of rock or snow right before the eye.
        rough = Relief(b.size(6, 30), b.size(40, 120), b.size(0.3, 1.0), 1.2, 2, 30)
        ground = "snow" if family == "snowy mountains" else b.pick("rock", "grass", "dry grass")
        noun = {"snow": "snow", "rock": "ground"}.get(ground, "grass")
        named = b.name(noun, "gray" if ground == "rock" else None, None, "surface")
        look = grounds.ground_look(b, ground)
        if ground == "rock":
            b.looks[look] = replace(b.looks[look], scale=6.0)
        return replace(base, near=rough, ground=look, ground_named=named)
    return replace(base, near=near)


def _far(b: Builder, family: str, season: str) -> tuple[Relief, str, str, float]:
    """Far relief, its look, its noun and the snow line."""
    leaves = {"winter": "snow", "autumn": "autumn forest"}.get(season, "forest")
    if family == "hills":
        return (
            Relief(b.size(40, 90), b.size(110, 240), 0.0, 1.6, 10, 120),
            b.pick("green hills", leaves) if season != "winter" else "snow",
            "hill",
            1e6,
        )
    if family == "forest":
        return Relief(b.size(15, 40), b.size(80, 160), 0.0, 1.0, 60, 260), leaves, "hill", 1e6
    if family == "sea":
        return Relief(b.size(40, 120), b.size(200, 400), 0.4, 1.2, 1500, 1900), leaves, "hill", 1e6
    if family == "desert":
        return Relief(b.size(60, 200), b.size(200, 400), 0.8, 1.5, 500, 1000), "red rock", "mountain", 1e6
    high = b.size(240, 600)
    start = b.size(10, 150)
    relief = Relief(
        high, b.size(1.5, 2.6) * high, 1.0, b.size(1.0, 1.4), start, start + b.size(0.8, 1.7) * high
    )
    if family == "snowy mountains":
        return relief, "rock", "snowy mountain", high * b.size(-0.1, 0.22)
    snow = (
        high * b.size(0.4, 0.6)
        if b.chance(0.5) and season != "winter"
        else (0.2 * high if season == "winter" else 1e6)
    )
    look = b.pick("rock", "rock", "forest", "blue hills", "red rock") if season != "winter" else "rock"
    return relief, look, "mountain", snow


def _scatter(b: Builder, family: str, season: str, count: int) -> None:
    wood = Wood(b, season, where="thing" if family == "forest" else "detail")
    conifers = b.size(0.5, 1.0) if "mountain" in family or b.chance(0.4) else b.size(0.0, 0.4)
    begin = 8.0 if family == "forest" else 10.0
    end = 60.0 if family == "forest" else 80.0
    if family == "lake":
        end = 30.0
    for _ in range(count):
        z = begin + (end - begin) * b.size(0, 1) ** 1.3
        side = b.size(-1, 1)
        if family == "lake" and abs(side) < 0.5:
            side = math.copysign(b.size(0.5, 1.0), side)
        if family == "forest" and abs(side) * (0.8 * z + 3) < 2.5:
            continue
        wood.any(
            b.at(side * (0.8 * z + 3), 0, z, grounded=True),
            b.size(4, 9) if family != "forest" else b.size(7, 14),
            conifers,
        )
