"""Ground looks by season and place, and the plain terrain that most outdoor worlds begin with."""

from __future__ import annotations

from training.worlds.builder import Builder
from training.worlds.palette import tinted
from training.worlds.spot import Paint
from training.worlds.world import Look, Relief, Terrain, Triple

# Albedo, second albedo, texture, feature size.
LOOKS: dict[str, tuple[Triple, Triple, str, float]] = {
    "grass": ((0.28, 0.46, 0.15), (0.44, 0.58, 0.22), "grass", 0.6),
    "fresh grass": ((0.36, 0.58, 0.18), (0.56, 0.70, 0.28), "grass", 0.6),
    "dry grass": ((0.56, 0.46, 0.20), (0.70, 0.55, 0.26), "grass", 0.6),
    "meadow": ((0.30, 0.50, 0.16), (0.72, 0.64, 0.30), "grass", 0.5),
    "sand": ((0.86, 0.73, 0.50), (0.93, 0.82, 0.61), "sand", 1.0),
    "snow": ((0.86, 0.89, 0.95), (0.74, 0.80, 0.91), "snow", 1.5),
    "rock": ((0.42, 0.40, 0.39), (0.58, 0.55, 0.52), "rock", 90.0),
    "red rock": ((0.60, 0.33, 0.20), (0.75, 0.48, 0.30), "rock", 90.0),
    "forest": ((0.13, 0.27, 0.13), (0.20, 0.36, 0.16), "leaves", 14.0),
    "autumn forest": ((0.62, 0.34, 0.12), (0.78, 0.50, 0.16), "leaves", 14.0),
    "green hills": ((0.30, 0.48, 0.18), (0.38, 0.55, 0.22), "grass", 9.0),
    "blue hills": ((0.28, 0.36, 0.46), (0.34, 0.42, 0.52), "leaves", 20.0),
    "stone": ((0.55, 0.54, 0.52), (0.36, 0.35, 0.34), "stone", 0.9),
}
WATER = Look((0.07, 0.22, 0.27), (0.11, 0.30, 0.36), "water", 4.0, 0.5)
TONES = {
    "rock": "gray",
    "red rock": "red",
    "forest": "green",
    "autumn forest": "orange",
    "green hills": "green",
    "blue hills": "blue",
    "snow": "white",
}
"""The colour word of heights."""

SEASONS: dict[str, str] = {
    "spring": "fresh grass",
    "summer": "grass",
    "autumn": "dry grass",
    "winter": "snow",
}
FLAT = Relief(0.0, 100.0, 0.0, 1.0, 0.0, 1.0)


def ground_look(b: Builder, name: str) -> int:
    """A ground's look, slightly different each time."""
    albedo, second, texture, scale = LOOKS[name]
    return b.look(Look(tinted(b.rng, albedo, 0.015), tinted(b.rng, second, 0.015), texture, scale))


def season_of(b: Builder) -> str:
    """A season; summer is the most common."""
    return b.pick("spring", "summer", "summer", "autumn", "winter")


def meadow(
    b: Builder, season: str, far: Relief, heights: str, noun: str | None, snowline: float = 1e6
) -> Terrain:
    """Level ground with gentle waves, and hills or mountains behind it."""
    ground = SEASONS[season]
    named = b.name("snow" if season == "winter" else "grass", None, None, "surface")
    # Where snow hides half of the heights, their own colour is no word for them.
    tone = TONES.get(heights) if snowline > 0.5 * far.height else None
    far_named = b.name(noun, tone, None, "surface", many=True) if noun else 0
    return Terrain(
        seed=int(b.rng.integers(60000)),
        near=FLAT,
        far=far,
        dip=0.0,
        dip_span=(0.0, 1.0, 2.0, 3.0),
        water=-1e6,
        snowline=snowline,
        ground=ground_look(b, ground),
        heights=ground_look(b, heights),
        water_look=-1,
        ground_named=named,
        heights_named=far_named,
        water_named=0,
    )


def road_paint(b: Builder, noun: str) -> Paint:
    """Asphalt, gravel, sand or stone under the feet."""
    kind = b.pick("gray", "beige", "gray")
    paint = b.paint(noun, kind, None, "detail")
    tone = (0.36, 0.36, 0.37) if kind == "gray" else (0.70, 0.62, 0.48)
    return b.textured(paint, texture="asphalt", scale=0.6, albedo=tinted(b.rng, tone), second=tone)
