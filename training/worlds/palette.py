"""Colour and material words, and how a surface of that colour and material looks."""

from __future__ import annotations

import numpy as np

from training.worlds.world import Look, Triple

COLOURS: dict[str, Triple] = {
    "red": (0.80, 0.11, 0.11),
    "orange": (0.96, 0.48, 0.07),
    "yellow": (0.96, 0.84, 0.16),
    "green": (0.16, 0.56, 0.20),
    "turquoise": (0.16, 0.74, 0.72),
    "blue": (0.13, 0.29, 0.80),
    "purple": (0.48, 0.18, 0.66),
    "pink": (0.96, 0.56, 0.72),
    "brown": (0.42, 0.25, 0.13),
    "beige": (0.86, 0.76, 0.60),
    "white": (0.95, 0.95, 0.94),
    "gray": (0.52, 0.52, 0.53),
    "black": (0.09, 0.09, 0.10),
}
"""Albedo in sRGB, as it looks under neutral light."""

CALM = ("white", "beige", "gray", "brown", "white", "blue", "green", "black", "beige")
"""What walls and large furniture often wear, with repetitions as weights."""

NATURAL: dict[str, tuple[Triple, ...]] = {
    "wood": ((0.66, 0.44, 0.25), (0.52, 0.33, 0.18), (0.76, 0.56, 0.36)),
    "marble": ((0.92, 0.91, 0.90),),
    "stone": ((0.56, 0.55, 0.53), (0.64, 0.60, 0.54)),
    "brick": ((0.62, 0.28, 0.20), (0.70, 0.38, 0.27)),
    "metal": ((0.62, 0.63, 0.65),),
    "gold": ((0.86, 0.64, 0.22),),
    "glass": ((0.62, 0.78, 0.80),),
    "concrete": ((0.60, 0.60, 0.59),),
}
"""The colour of a material that no colour word is said of."""

# Texture, feature size in metres, gloss, metal.
_MAKE: dict[str, tuple[str, float, float, float]] = {
    "wood": ("wood", 0.5, 0.12, 0.0),
    "planks": ("planks", 0.16, 0.10, 0.02),
    "marble": ("marble", 0.7, 0.5, 0.10),
    "stone": ("stone", 0.4, 0.0, 0.0),
    "brick": ("brick", 0.24, 0.0, 0.0),
    "tiles": ("tiles", 0.4, 0.3, 0.05),
    "metal": ("metal", 0.3, 0.9, 0.75),
    "gold": ("metal", 0.3, 0.9, 0.72),
    "glass": ("plain", 1.0, 0.9, 0.24),
    "fabric": ("fabric", 0.12, 0.0, 0.0),
    "velvet": ("fabric", 0.2, 0.25, 0.0),
    "leather": ("plain", 0.2, 0.45, 0.03),
    "concrete": ("asphalt", 0.5, 0.0, 0.0),
    "shiny": ("plain", 1.0, 0.9, 0.08),
}


def shaded(colour: Triple, factor: float) -> Triple:
    """The colour made darker or lighter."""
    return tuple(min(1.0, c * factor) for c in colour)  # type: ignore[return-value]


def towards(colour: Triple, other: Triple, share: float) -> Triple:
    """A mixture that holds `share` of `other`."""
    return tuple(a + share * (b - a) for a, b in zip(colour, other, strict=True))  # type: ignore[return-value]


def tinted(rng: np.random.Generator, colour: Triple, spread: float = 0.04) -> Triple:
    """The colour as one of many things wears it."""
    return tuple(float(np.clip(c * (1 + rng.normal(0, spread)), 0, 1)) for c in colour)  # type: ignore[return-value]


def look_of(rng: np.random.Generator, colour: str | None, material: str | None) -> Look:
    """How something of a colour and a material looks; where no word decides, chance does."""
    if colour is not None:
        base = COLOURS[colour]
    elif material in NATURAL:
        options = NATURAL[material]
        base = options[int(rng.integers(len(options)))]
    else:
        names = list(COLOURS)
        base = COLOURS[names[int(rng.integers(len(names)))]]
    base = tinted(rng, base)
    texture, scale, gloss, metal = _MAKE.get(material or "", ("plain", 0.5, 0.0, 0.0))
    second = _second(texture, base)
    return Look(base, second, texture, scale * float(rng.uniform(0.85, 1.2)), gloss, metal)


def _second(texture: str, base: Triple) -> Triple:
    dark = sum(base) < 0.6
    if texture in ("wood", "planks"):
        return shaded(base, 1.45 if dark else 0.66)
    if texture == "marble":
        return towards(base, (0.85, 0.82, 0.75) if dark else (0.35, 0.34, 0.36), 0.75)
    if texture in ("brick", "stone"):
        return towards(base, (0.80, 0.78, 0.74), 0.6) if texture == "brick" else shaded(base, 0.55)
    if texture == "tiles":
        return shaded(base, 1.9 if dark else 0.68)
    return shaded(base, 0.8)
