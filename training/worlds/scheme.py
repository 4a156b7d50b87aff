"""Moods of rooms and what they choose: luxury means marble, gold and velvet, cosy means wood and lamps."""

from __future__ import annotations

from dataclasses import dataclass

from training.worlds.builder import Builder
from training.worlds.shell import Room, unseen
from training.worlds.spot import Paint

MOODS = (None, "luxury", "cosy", "modern")


@dataclass(frozen=True, slots=True)
class Scheme:
    """What furniture of one room shares: the mood, the light's name, main colours."""

    mood: str | None
    lighting: str
    lit: bool
    main: str
    accent: str

    @property
    def rich(self) -> bool:
        """Whether the room shows wealth."""
        return self.mood == "luxury"


def scheme_of(b: Builder, mood: str | None, lighting: str) -> Scheme:
    """Draw the shared colours."""
    main = tone(b, mood)
    lit = lighting in ("lamps", "evening") or b.chance(0.2)
    return Scheme(mood, lighting, lit, main, b.colour(main))


TONES: dict[str, tuple[float, tuple[str, ...]]] = {
    "luxury": (0.7, ("white", "beige", "gray", "black", "purple", "blue", "brown", "white")),
    "cosy": (0.6, ("brown", "red", "orange", "beige", "green", "yellow")),
    "modern": (0.75, ("white", "gray", "black", "beige", "blue", "white")),
}
"""Colours that suit a mood, and how often they are worn."""


def tone(b: Builder, mood: str | None, *avoid: str) -> str:
    """A colour that suits the mood most of the time."""
    share, colours = TONES.get(mood or "", (0.0, ()))
    fitting = [c for c in colours if c not in avoid]
    return b.pick(*fitting) if b.chance(share) else b.colour(*avoid)


def wood(b: Builder, scheme: Scheme, noun: str, where: str = "thing") -> Paint:
    """Wooden furniture: in its natural colour, or painted."""
    if scheme.mood == "modern" and b.chance(0.6):
        return b.paint(noun, b.pick("white", "black", "gray"), None, where)
    if b.chance(0.5 if scheme.mood == "cosy" else 0.3):
        return b.paint(noun, None, "wood", where)
    return (
        b.paint(noun, b.colour(calm=True), b.pick("wood", "plain"), where)
        if b.chance(0.5)
        else b.paint(noun, b.colour(), None, where)
    )


def cloth(b: Builder, scheme: Scheme, noun: str, colour: str | None = None, where: str = "thing") -> Paint:
    """Covers, cushions, curtains."""
    material = "velvet" if scheme.rich else None
    paint = b.paint(noun, colour or tone(b, scheme.mood), material, where)
    return b.textured(paint, texture="fabric", scale=0.15)


def fitting(b: Builder, scheme: Scheme, noun: str, where: str = "detail") -> Paint:
    """Lamps, handles and frames of metal."""
    if scheme.rich or b.chance(0.15):
        return b.paint(noun, None, "gold", where)
    return (
        b.paint(noun, b.pick("black", "white"), None, where)
        if b.chance(0.6)
        else b.paint(noun, None, "metal", where)
    )


def room_of(
    b: Builder, scheme: Scheme, width: float, depth: float, height: float, *, casts: bool, window: str
) -> Room:
    """Walls, floor and ceiling in the scheme's manner."""
    colour = tone(b, scheme.mood) if scheme.mood else b.colour(calm=b.chance(0.6))
    style: str | None = None
    if scheme.rich and b.chance(0.4):
        style, colour = "marble", b.pick("white", "white", "black", "beige", "green")
    elif b.chance(0.14):
        style, colour = "brick", b.pick("", "", "white", "gray")
    elif b.chance(0.12):
        style, colour = "wood", ""
    wall = b.paint("wall", colour or None, style, "surface")
    if style == "wood":
        wall = b.textured(wall, texture="planks", scale=0.25)
    side = (
        wall
        if style in (None, "brick") or b.chance(0.4)
        else unseen(b.plain(b.pick("white", "beige", "gray")))
    )
    ceiling = b.paint("ceiling", b.colour() if b.chance(0.08) else "white", None, "detail")
    return Room(width, depth, height, wall, side, floor_of(b, scheme), ceiling, casts, window)


def floor_of(b: Builder, scheme: Scheme) -> Paint:
    """A floor of boards, tiles, marble, carpet or stone."""
    if scheme.rich and b.chance(0.6):
        paint = b.paint("floor", b.pick("white", "black", "beige", "gray"), "marble", "surface")
        return b.textured(paint, scale=1.2, metal=0.12)
    kind = b.pick("wood", "wood", "wood", "tiles", "carpet", "carpet", "plain", "stone", "concrete")
    if kind == "wood":
        colour = b.pick("brown", "gray", "white", "black") if b.chance(0.3) else None
        return b.textured(
            b.paint("floor", colour, "wood", "surface"), texture="planks", scale=0.17, metal=0.04
        )
    if kind == "carpet":
        return b.textured(
            b.paint("carpet", b.colour(calm=b.chance(0.6)), None, "surface"), texture="fabric", scale=0.3
        )
    if kind in ("stone", "concrete"):
        return b.textured(b.paint("floor", None, kind, "surface"), scale=0.8)
    return b.paint("floor", b.colour(calm=True), "tiles" if kind == "tiles" else None, "surface")
