"""Times of day and weathers by name, for rooms and for the open air."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from training.worlds.palette import tinted
from training.worlds.world import Light, Triple


@dataclass(frozen=True, slots=True)
class Recipe:
    """Light of one name; ranges are drawn from. Elevation in degrees, fog per kilometre."""

    sun: Triple
    ambient: Triple
    zenith: Triple
    horizon: Triple
    haze: Triple
    elevation: tuple[float, float]
    fog: tuple[float, float]
    clouds: tuple[float, float]
    stars: float = 0.0
    weight: float = 1.0


OUTDOORS: dict[str, Recipe] = {
    "noon": Recipe(
        (0.98, 0.93, 0.82),
        (0.36, 0.42, 0.52),
        (0.20, 0.45, 0.86),
        (0.72, 0.86, 0.97),
        (0.68, 0.80, 0.93),
        (32, 65),
        (0.05, 0.5),
        (0.0, 0.55),
        weight=4,
    ),
    "overcast": Recipe(
        (0.0, 0.0, 0.0),
        (0.80, 0.83, 0.88),
        (0.60, 0.64, 0.69),
        (0.80, 0.82, 0.84),
        (0.76, 0.79, 0.82),
        (60, 80),
        (0.3, 1.2),
        (0.6, 0.9),
        weight=2,
    ),
    "sunset": Recipe(
        (0.95, 0.50, 0.20),
        (0.40, 0.31, 0.36),
        (0.30, 0.27, 0.52),
        (0.99, 0.58, 0.27),
        (0.93, 0.60, 0.42),
        (7, 20),
        (0.1, 0.8),
        (0.2, 0.7),
        weight=2.2,
    ),
    "night": Recipe(
        (0.14, 0.17, 0.28),
        (0.09, 0.115, 0.20),
        (0.02, 0.03, 0.11),
        (0.08, 0.11, 0.24),
        (0.07, 0.10, 0.20),
        (25, 55),
        (0.05, 0.4),
        (0.0, 0.3),
        stars=1.0,
        weight=1.4,
    ),
    "fog": Recipe(
        (0.0, 0.0, 0.0),
        (0.78, 0.80, 0.83),
        (0.74, 0.77, 0.80),
        (0.82, 0.84, 0.86),
        (0.81, 0.83, 0.85),
        (50, 80),
        (4.0, 12.0),
        (0.0, 0.0),
        weight=1.3,
    ),
}

INDOORS: dict[str, Recipe] = {
    "daylight": Recipe(
        (0.55, 0.53, 0.48),
        (0.50, 0.51, 0.53),
        (0.45, 0.66, 0.95),
        (0.88, 0.94, 0.99),
        (0.9, 0.9, 0.9),
        (35, 60),
        (0, 0),
        (0.0, 0.4),
        weight=4,
    ),
    "soft": Recipe(
        (0.0, 0.0, 0.0),
        (0.78, 0.79, 0.80),
        (0.75, 0.78, 0.82),
        (0.88, 0.90, 0.92),
        (0.9, 0.9, 0.9),
        (50, 80),
        (0, 0),
        (0.5, 0.8),
        weight=2,
    ),
    "evening": Recipe(
        (0.75, 0.42, 0.18),
        (0.42, 0.33, 0.30),
        (0.40, 0.33, 0.55),
        (0.99, 0.62, 0.32),
        (0.9, 0.7, 0.5),
        (14, 30),
        (0, 0),
        (0.2, 0.6),
        weight=1.6,
    ),
    "lamps": Recipe(
        (0.0, 0.0, 0.0),
        (0.15, 0.125, 0.115),
        (0.02, 0.03, 0.10),
        (0.06, 0.08, 0.18),
        (0.1, 0.1, 0.1),
        (40, 60),
        (0, 0),
        (0.0, 0.3),
        stars=0.6,
        weight=2,
    ),
}


def pick_name(rng: np.random.Generator, recipes: dict[str, Recipe], style: str) -> str:
    """A light's name, common ones more often; pale styles need a sun to show forms."""
    if style in ("clay", "pencil"):
        return next(iter(recipes))
    weights = np.array([r.weight for r in recipes.values()])
    return str(rng.choice(list(recipes), p=weights / weights.sum()))


def light_of(rng: np.random.Generator, recipe: Recipe, side: float | None = None) -> Light:
    """Draw the light; `side` in radians fixes where the sun stands (0 behind the camera, clockwise)."""
    azimuth = rng.uniform(-1.9, 1.9) if side is None else side + rng.uniform(-0.3, 0.3)
    return Light(
        sun=recipe.sun,
        azimuth=float(azimuth),
        elevation=math.radians(rng.uniform(*recipe.elevation)),
        ambient=recipe.ambient,
        zenith=tinted(rng, recipe.zenith, 0.02),
        horizon=tinted(rng, recipe.horizon, 0.01),
        haze=recipe.haze,
        fog=float(rng.uniform(*recipe.fog)) / 1000,
        clouds=float(rng.uniform(*recipe.clouds)),
        stars=recipe.stars,
    )
