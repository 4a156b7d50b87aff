"""Colours, lights and floor materials that diorama has words for."""

from __future__ import annotations

from dataclasses import dataclass

RGB = tuple[float, float, float]

COLOURS: dict[str, RGB] = {
    "red": (0.78, 0.12, 0.12),
    "orange": (0.95, 0.50, 0.08),
    "yellow": (0.95, 0.84, 0.16),
    "green": (0.16, 0.58, 0.20),
    "turquoise": (0.18, 0.74, 0.72),
    "blue": (0.14, 0.28, 0.80),
    "purple": (0.48, 0.18, 0.64),
    "pink": (0.96, 0.58, 0.74),
    "brown": (0.42, 0.25, 0.12),
    "white": (0.95, 0.95, 0.95),
    "gray": (0.52, 0.52, 0.52),
    "black": (0.10, 0.10, 0.11),
}
"""Albedo, red-green-blue in [0, 1], as it looks under neutral light."""


@dataclass(frozen=True, slots=True)
class Light:
    """One illumination: `sun` and `ambient` multiply albedo; `elevation` is the sun's height in degrees."""

    phrases: tuple[str, ...]
    sun: RGB
    ambient: RGB
    elevation: tuple[float, float]
    zenith: RGB
    horizon: RGB
    weight: float


LIGHTS: dict[str, Light] = {
    "noon": Light(
        ("at noon", "in daylight", "in bright light"),
        (0.46, 0.45, 0.43), (0.60, 0.61, 0.63), (45.0, 75.0), (0.25, 0.50, 0.90), (0.72, 0.86, 0.97), 0.45,
    ),
    "overcast": Light(
        ("on an overcast day", "in soft light", "under clouds"),
        (0.0, 0.0, 0.0), (0.86, 0.88, 0.91), (60.0, 80.0), (0.66, 0.69, 0.73), (0.80, 0.81, 0.83), 0.2,
    ),
    "sunset": Light(
        ("at sunset", "in warm evening light", "in the evening"),
        (0.46, 0.33, 0.18), (0.62, 0.52, 0.47), (18.0, 30.0), (0.45, 0.35, 0.60), (0.99, 0.62, 0.30), 0.2,
    ),
    "night": Light(
        ("at night", "in moonlight", "in the dark"),
        (0.12, 0.14, 0.20), (0.34, 0.37, 0.50), (40.0, 65.0), (0.02, 0.03, 0.10), (0.07, 0.09, 0.20), 0.15,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ground:
    """A floor with a material of its own: base `albedo`, the `pattern` drawn on it, and where it may lie."""

    phrases: tuple[str, ...]
    albedo: RGB
    pattern: str
    outdoors: bool
    indoors: bool


GROUNDS: dict[str, Ground] = {
    "wood": Ground(("a wooden floor",), (0.62, 0.42, 0.24), "planks", False, True),
    "stone": Ground(("a stone floor",), (0.56, 0.55, 0.53), "tiles", True, True),
    "grass": Ground(("grass", "a meadow"), (0.30, 0.55, 0.18), "grain", True, False),
    "sand": Ground(("sand", "a beach"), (0.87, 0.76, 0.54), "grain", True, False),
    "snow": Ground(("snow", "snowy ground"), (0.93, 0.95, 0.98), "grain", True, False),
}

SHAPES: dict[str, tuple[str, ...]] = {
    "sphere": ("sphere", "ball"),
    "cube": ("cube", "box"),
    "cylinder": ("cylinder",),
    "cone": ("cone",),
}
