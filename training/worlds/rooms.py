"""Whole indoor worlds: shell, windows, furniture, light and where the eye stands."""

from __future__ import annotations

import math
from collections.abc import Callable

from training.worlds import bare_rooms, interiors, lighting, workrooms
from training.worlds.builder import Builder, Setting
from training.worlds.ornaments import WARM
from training.worlds.scheme import Scheme, cloth, room_of, scheme_of, wood
from training.worlds.shell import Hole, Room, beams, build_shell, curtains, door, outside
from training.worlds.world import Camera, World

FURNISH: dict[str, Callable[[Builder, Scheme, Room], None]] = {
    "bedroom": interiors.bedroom,
    "living room": interiors.living_room,
    "kitchen": workrooms.kitchen,
    "office": workrooms.office,
    "cupboard wall": bare_rooms.cupboard_wall,
    "chair room": bare_rooms.chair_room,
}
PLACES = {"cupboard wall": "room", "chair room": "room"}


def room_world(b: Builder, family: str, ratio: float) -> World:
    """A furnished room."""
    mood = [None, "luxury", "cosy", "modern"][int(b.rng.choice(4, p=[0.4, 0.26, 0.17, 0.17]))]
    name = lighting.pick_name(b.rng, lighting.INDOORS, b.style)
    scheme = scheme_of(b, mood, name)
    window = b.chance(0.85 if scheme.rich else 0.6)
    narrow = family in ("chair room", "cupboard wall")
    back = "left" if family in ("cupboard wall", "kitchen") else "back"
    side = b.pick("left", "right", back) if window else "none"
    room = room_of(
        b,
        scheme,
        b.size(3.6, 5.0 if narrow else 6.2),
        b.size(2.8, 4.2) if narrow else b.size(3.8, 6.0),
        b.size(2.4, 3.5 if scheme.rich else 3.0),
        casts=window and b.style == "photo" and name in ("daylight", "evening") and b.chance(0.5),
        window=side,
    )
    holes = {side: _hole(b, scheme, room, side)} if window else {}
    build_shell(b, room, holes.get("back"), holes.get("left"), holes.get("right"))
    if window:
        if b.chance(0.6) and name != "lamps":
            outside(b)
        if b.chance(0.65):
            _hang_curtains(b, scheme, room, side, holes[side])
    FURNISH[family](b, scheme, room)
    if b.chance(0.22):
        beams(b, room, wood(b, scheme, "beam", "detail"))
    if not narrow and b.chance(0.25):
        free = room.right(b, b.size(1.2, 2.0)) if side == "left" else room.left(b, b.size(1.2, 2.0))
        door(b, free, wood(b, scheme, "door", "detail"))
    sun_from = {"left": -1.45, "right": 1.45, "back": math.pi * (1 if b.chance(0.5) else -1) * 0.85}.get(side)
    light = lighting.light_of(b.rng, lighting.INDOORS[name], sun_from)
    if name == "lamps" and not b.lamps:
        # Some lamp outside the picture: nobody takes photographs in the dark.
        b.at(b.size(-0.8, 0.8), room.height - 0.4, room.depth - 2.0).lamp((0, 0, 0), WARM, 1.6)
    setting = Setting(family, PLACES.get(family, family), mood, name, None)
    reach = 0.62 * math.hypot(room.width, room.depth + 1) + 0.8
    return b.frozen(setting, _camera(b, room, family, ratio), light, (0.0, 1.2, room.depth / 2), reach)


def _hole(b: Builder, scheme: Scheme, room: Room, side: str) -> Hole:
    """Where the window is: along x in the back wall, along z in a side wall."""
    low = b.size(0.05, 0.3) if scheme.rich and b.chance(0.7) else b.size(0.7, 1.0)
    high = room.height - b.size(0.15, 0.4)
    if side == "back":
        wide = b.size(1.2, 2.2)
        middle = (room.width / 2 - wide / 2 - 0.25) * b.size(-1, 1)
        return middle - wide / 2, middle + wide / 2, max(low, 0.8), high
    wide = b.size(1.4, 3.0 if scheme.rich else 2.2)
    middle = room.depth - wide / 2 - b.size(0.3, 1.0)
    return middle - wide / 2, middle + wide / 2, low, high


def _hang_curtains(b: Builder, scheme: Scheme, room: Room, side: str, hole: Hole) -> None:
    paint = cloth(b, scheme, "curtain", where="detail")
    middle = (hole[0] + hole[1]) / 2
    spot = {"back": room.back(b, middle), "left": room.left(b, middle), "right": room.right(b, middle)}[side]
    half = (hole[1] - hole[0]) / 2
    curtains(b, spot, (-half, half, hole[2], hole[3]), room.height, paint)


def _camera(b: Builder, room: Room, family: str, ratio: float) -> Camera:
    """An eye near the open side: facing the back wall, or turned from a corner to the opposite one."""
    tangent = b.size(0.42, 0.62) * (1.0 if ratio <= 1 else max(0.55, ratio**-0.35))
    if ratio < 0.8:
        tangent *= 1.25
    eye_y = b.size(1.0, 1.75)
    pitch = b.size(-0.02, 0.2) if family != "chair room" else b.size(0.1, 0.35)
    if family == "cupboard wall" and b.chance(0.6):
        yaw, x, z, pitch = (
            b.size(-0.12, 0.12),
            b.size(-0.5, 0.5),
            room.depth - b.size(2.2, 3.2),
            b.size(-0.05, 0.1),
        )
    elif b.chance(0.5):
        yaw, x, z = b.size(-0.12, 0.12), b.size(-0.7, 0.7), room.depth - b.size(3.2, 5.2)
    else:
        side = 1 if b.chance(0.5) else -1
        x, z = -side * (room.width / 2 - b.size(0.35, 0.9)), room.depth - b.size(3.4, 5.2)
        aim_x, aim_z = side * b.size(0.0, 0.35) * room.width, room.depth - 0.8
        yaw = math.atan2(aim_x - x, aim_z - z)
    if b.aim is not None:
        # What the world is about stands near the middle, from two to three and a half metres away.
        far = b.size(2.0, 3.4)
        if family == "chair room":
            angle = b.size(-0.6, 0.6)
            x, z = b.aim[0] - far * math.sin(angle), b.aim[1] - far * math.cos(angle)
            x = min(max(x, -room.width / 2 + 0.3), room.width / 2 - 0.3)
            pitch = math.atan2(eye_y - 0.6, far) * b.size(0.6, 1.05)
        else:
            x, z = x + 0.5 * (b.aim[0] - x), min(z, room.depth - 2.2)
        yaw = math.atan2(b.aim[0] - x, b.aim[1] - z) + b.size(-0.16, 0.16)
    return Camera((x, eye_y, z), yaw, pitch, tangent)
