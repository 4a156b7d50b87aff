"""A place to build at: solids put together in a frame of their own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from training.worlds.world import Lamp, Pair, Solid, Triple


@dataclass(frozen=True, slots=True)
class Paint:
    """A look and a name by number."""

    look: int
    named: int = 0


@dataclass(frozen=True, slots=True)
class Spot:
    """A local frame: solids are given by the middle of their underside and their full extents."""

    solids: list[Solid]
    lamps: list[Lamp]
    x: float
    y: float
    z: float
    yaw: float
    grounded: bool = False

    def _moved(self, x: float, z: float) -> Pair:
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        return self.x + cos * x + sin * z, self.z - sin * x + cos * z

    def shifted(self, x: float, y: float, z: float, yaw: float = 0.0) -> Spot:
        """A frame within this frame."""
        px, pz = self._moved(x, z)
        return Spot(self.solids, self.lamps, px, self.y + y, pz, self.yaw + yaw, self.grounded)

    def lamp(self, at: Triple, colour: Triple, strength: float) -> None:
        """A light that shines from here."""
        px, pz = self._moved(at[0], at[2])
        self.lamps.append(Lamp((px, self.y + at[1], pz), colour, strength))

    def put(
        self, kind: str, foot: Triple, extent: Triple, paint: Paint, shape: Pair = (1.0, 1.0),
        turn: Triple = (0.0, 0.0, 0.0), *, casts: bool = True,
    ) -> None:  # fmt: skip
        """Add a unit shape; see `world.KINDS`."""
        px, pz = self._moved(foot[0], foot[2])
        half: Triple = tuple(max(abs(e) / 2, 1e-3) for e in extent)  # type: ignore[assignment]
        self.solids.append(
            Solid(
                kind,
                (px, self.y + foot[1] + half[1], pz),
                half,
                (self.yaw + turn[0], turn[1], turn[2]),
                shape,
                paint.look,
                paint.named,
                casts,
                (self.x, self.z) if self.grounded else None,
            )
        )

    def box(
        self,
        foot: Triple,
        extent: Triple,
        paint: Paint,
        turn: Triple = (0.0, 0.0, 0.0),
        *,
        casts: bool = True,
    ) -> None:
        """A box."""
        self.put("box", foot, extent, paint, turn=turn, casts=casts)

    def ball(self, foot: Triple, extent: Triple, paint: Paint, turn: Triple = (0.0, 0.0, 0.0)) -> None:
        """An ellipsoid."""
        self.put("ball", foot, extent, paint, turn=turn)

    def soft(
        self, foot: Triple, extent: Triple, paint: Paint, power: float = 4.0, turn: Triple = (0.0, 0.0, 0.0)
    ) -> None:
        """A rounded box, the rounder the smaller `power`."""
        self.put("cushion", foot, extent, paint, (power, 0.0), turn)

    def tube(
        self,
        foot: Triple,
        radius: float,
        height: float,
        paint: Paint,
        top: float = 1.0,
        turn: Triple = (0.0, 0.0, 0.0),
    ) -> None:
        """A cylinder, or a cone frustum whose top radius is `top` times the bottom's."""
        self.put("frustum", foot, (2 * radius, height, 2 * radius), paint, (top, 0.0), turn)

    def legs(self, width: float, depth: float, height: float, thick: float, paint: Paint) -> None:
        """Four legs under a rectangle."""
        for sx in (-1, 1):
            for sz in (-1, 1):
                self.box(
                    (sx * (width - thick) / 2, 0.0, sz * (depth - thick) / 2), (thick, height, thick), paint
                )

    def turned_tube(
        self, foot: Triple, half_radius: Pair, height: float, paint: Paint, profile: tuple[float, ...]
    ) -> None:
        """A vase-like body: frusta whose radii follow `profile` from the bottom to the top."""
        radius, _ = half_radius
        step = height / (len(profile) - 1)
        for i, (low, high) in enumerate(pairwise(profile)):
            base = (foot[0], foot[1] + i * step, foot[2])
            if low >= high:
                self.tube(base, radius * low, step, paint, top=high / low)
            else:
                # A shape that widens upwards is a frustum on its head.
                self.tube(base, radius * high, step, paint, top=low / high, turn=(0.0, math.pi, 0.0))
