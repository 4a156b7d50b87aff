"""A workbench on which a world's solids, looks and names are put together before they are frozen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from training.worlds.palette import CALM, COLOURS, look_of
from training.worlds.spot import Paint, Spot
from training.worlds.world import (
    Camera,
    Lamp,
    Light,
    Look,
    Named,
    Pair,
    Solid,
    Terrain,
    Triple,
    World,
)

MOST_LAMPS = 6
"""Lamps beyond these stay decoration: each costs a pass over all pixels."""

COLOURLESS = ("clay", "pencil")
"""Styles in which no colour can be seen, so that none is named."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a world is called: see the fields of the same names in `World`."""

    family: str
    place: str
    mood: str | None
    lighting: str
    season: str | None


class Builder:
    """Collects what a world holds. Every random choice comes from `rng`."""

    def __init__(self, rng: np.random.Generator, style: str) -> None:
        self.rng = rng
        self.style = style
        self.seed = int(rng.integers(2**31))
        self.solids: list[Solid] = []
        self.looks: list[Look] = []
        self.named: list[Named] = [Named("", None, None, "nothing")]
        self.lamps: list[Lamp] = []
        self.aim: Pair | None = None
        """Where (x, z) the main thing stands, if the eye should look there."""

    def frozen(
        self,
        setting: Setting,
        camera: Camera,
        light: Light,
        focus: Triple,
        reach: float,
        terrain: Terrain | None = None,
    ) -> World:
        """The finished world; shadows are cast within `reach` metres of `focus`."""
        return World(
            family=setting.family,
            place=setting.place,
            mood=setting.mood,
            lighting=setting.lighting,
            season=setting.season,
            style=self.style,
            camera=camera,
            solids=tuple(self.solids),
            looks=tuple(self.looks),
            named=tuple(self.named),
            terrain=terrain,
            lamps=tuple(self.lamps[:MOST_LAMPS]),
            light=light,
            focus=focus,
            reach=reach,
            seed=self.seed,
        )

    def chance(self, share: float) -> bool:
        """True in `share` of all cases."""
        return bool(self.rng.random() < share)

    def pick(self, *options: str) -> str:
        """One of the options."""
        return options[int(self.rng.integers(len(options)))]

    def size(self, low: float, high: float) -> float:
        """A number between the two."""
        return float(self.rng.uniform(low, high))

    def colour(self, *avoid: str, calm: bool = False) -> str:
        """A colour word other than `avoid`; a calm one for large things, if asked."""
        choices = [c for c in (CALM if calm and self.chance(0.7) else tuple(COLOURS)) if c not in avoid]
        return choices[int(self.rng.integers(len(choices)))]

    def look(self, look: Look) -> int:
        """The number of a look."""
        self.looks.append(look)
        return len(self.looks) - 1

    def plain(self, colour: str | None, material: str | None = None) -> Paint:
        """A paint that nobody speaks of."""
        return Paint(self.look(look_of(self.rng, colour, material)))

    def name(
        self, noun: str, colour: str | None, material: str | None, where: str = "thing", many: bool = False
    ) -> int:
        """The number of a new name."""
        seen = None if self.style in COLOURLESS else colour
        made = None if self.style in COLOURLESS or material == "plain" else material
        self.named.append(Named(noun, seen, made, where, many))
        return len(self.named) - 1

    def paint(
        self,
        noun: str,
        colour: str | None,
        material: str | None = None,
        where: str = "thing",
        many: bool = False,
    ) -> Paint:
        """A new look under a new name."""
        return Paint(
            self.look(look_of(self.rng, colour, material)), self.name(noun, colour, material, where, many)
        )

    def textured(self, paint: Paint, **changes: object) -> Paint:
        """The same name with a look that differs in some fields."""
        return replace(paint, look=self.look(replace(self.looks[paint.look], **changes)))  # type: ignore[arg-type]

    def darker(self, paint: Paint, factor: float) -> Paint:
        """The same paint in shade: seams, feet, insides."""
        old = self.looks[paint.look]
        dark: Triple = tuple(min(1.0, c * factor) for c in old.albedo)  # type: ignore[assignment]
        return self.textured(paint, albedo=dark)

    def at(self, x: float, y: float, z: float, yaw: float = 0.0, *, grounded: bool = False) -> Spot:
        """A place to build at, turned by `yaw`; grounded ones stand on the terrain."""
        return Spot(self.solids, self.lamps, x, y, z, yaw, grounded)
