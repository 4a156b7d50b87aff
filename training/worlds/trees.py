"""Trees, hedges and bushes, by season."""

from __future__ import annotations

from training.worlds.builder import Builder
from training.worlds.palette import shaded, tinted, towards
from training.worlds.spot import Paint, Spot
from training.worlds.world import Look, Triple

TONES: dict[str, tuple[str, ...]] = {
    "spring": ("green", "pink", "green"),
    "summer": ("green", "green", "green"),
    "autumn": ("orange", "red", "yellow"),
    "winter": ("white", "white"),
}
"""The colour words of the crowns below."""

CROWNS: dict[str, tuple[Triple, ...]] = {
    "spring": ((0.55, 0.72, 0.28), (0.95, 0.70, 0.80), (0.48, 0.68, 0.26)),
    "summer": ((0.20, 0.46, 0.15), (0.26, 0.50, 0.18), (0.16, 0.40, 0.16)),
    "autumn": ((0.92, 0.48, 0.08), (0.86, 0.15, 0.09), (0.95, 0.74, 0.14)),
    "winter": ((0.86, 0.89, 0.93), (0.90, 0.92, 0.95)),
}
NEEDLES: Triple = (0.10, 0.30, 0.18)
SNOW: Triple = (0.86, 0.89, 0.95)


class Wood:
    """The trees of one world: shared looks, and how each kind is built."""

    def __init__(self, b: Builder, season: str, *, where: str = "thing") -> None:
        self.b = b
        self.season = season
        crowns = CROWNS[season]
        number = int(b.rng.integers(len(crowns)))
        tone = crowns[number]
        name = b.name("tree", TONES[season][number], None, where, many=True)
        fir = b.name("fir", None, None, where, many=True)
        self.crowns = [
            self._leaves(tinted(b.rng, towards(tone, crowns[i % len(crowns)], 0.2), 0.03), name)
            for i in range(3)
        ]
        needles = towards(NEEDLES, SNOW, 0.45) if season == "winter" else NEEDLES
        self.needles = [
            self._leaves(tinted(b.rng, shaded(needles, b.size(0.8, 1.25)), 0.03), fir) for _ in range(2)
        ]
        self.bark = Paint(
            b.look(Look(tinted(b.rng, (0.30, 0.22, 0.16)), (0.2, 0.15, 0.1), "bark", 0.3)), name
        )
        self.snow = Paint(b.look(Look(SNOW, SNOW, "snow", 1.0)), fir)

    def _leaves(self, tone: Triple, name: int) -> Paint:
        second = shaded(tone, 0.50) if sum(tone) < 2.2 else towards(tone, (0.45, 0.5, 0.55), 0.4)
        return Paint(self.b.look(Look(tone, second, "leaves", 0.9)), name)

    def conifer(self, spot: Spot, high: float) -> None:
        """Stacked cones on a short trunk."""
        b = self.b
        wide = high * b.size(0.2, 0.28)
        spot.tube((0, -0.5, 0), high * 0.025, high * 0.3, self.bark)
        paint = self.needles[int(b.rng.integers(2))]
        layers = 3 if high > 4 else 2
        for i in range(layers):
            share = i / layers
            low = high * (0.12 + 0.80 * share)
            top = high * (0.50 / layers + 0.24)
            spot.tube((0, low, 0), wide * (1.0 - 0.75 * share), min(top, high - low), paint, top=0.0)
        if self.season == "winter" and b.chance(0.7):
            spot.tube((0, high * 0.83, 0), wide * 0.34, high * 0.175, self.snow, top=0.0)

    def round_tree(self, spot: Spot, high: float) -> None:
        """A trunk under a crown of clumps; in winter bare branches or snow."""
        b = self.b
        trunk = high * b.size(0.25, 0.4)
        spot.tube((0, -0.5, 0), high * 0.035, trunk + high * 0.3 + 0.5, self.bark, top=0.5)
        wide = high * b.size(0.24, 0.36)
        if self.season == "winter" and b.chance(0.55):
            for i in range(6):
                arm = spot.shifted(0, trunk + i * high * 0.07, 0, b.size(0, 6.28))
                arm.tube(
                    (0, -0.05 * high, 0.14 * high),
                    0.012 * high,
                    high * 0.4,
                    self.bark,
                    top=0.4,
                    turn=(0.0, 0.75, 0.0),
                )
            return
        paint = self.crowns[int(b.rng.integers(3))]
        for i in range(int(b.rng.integers(4, 7))):
            size = wide * (1.5 if i == 0 else b.size(0.8, 1.15))
            dx, dz = (0.0, 0.0) if i == 0 else (b.size(-0.6, 0.6) * wide, b.size(-0.6, 0.6) * wide)
            up = trunk if i == 0 else trunk + b.size(-0.05, 0.5) * (high - trunk)
            spot.ball((dx, up, dz), (size, min(size * 0.9, high - up + size * 0.3), size), paint)

    def poplar(self, spot: Spot, high: float) -> None:
        """A slim tall crown."""
        spot.tube((0, -0.5, 0), high * 0.03, high * 0.3 + 0.5, self.bark)
        paint = self.crowns[int(self.b.rng.integers(3))]
        spot.ball((0, high * 0.12, 0), (high * 0.22, high * 0.88, high * 0.22), paint)

    def bush(self, spot: Spot, size: float) -> None:
        """Two or three clumps on the ground."""
        paint = self.crowns[int(self.b.rng.integers(3))]
        for _ in range(3):
            s = size * self.b.size(0.6, 1.0)
            spot.ball(
                (self.b.size(-0.5, 0.5) * size, -0.2 * s, self.b.size(-0.3, 0.3) * size),
                (s, s * 0.9, s),
                paint,
            )

    def branch(self, spot: Spot, size: float) -> None:
        """Leaves that hang into the picture from a tree beside it."""
        paint = self.crowns[int(self.b.rng.integers(3))]
        for _ in range(6):
            s = size * self.b.size(0.35, 0.75)
            at = (self.b.size(-0.8, 0.8) * size, self.b.size(-0.3, 0.5) * size, self.b.size(-0.4, 0.4) * size)
            spot.ball(at, (s, s * 0.7, s), paint)

    def any(self, spot: Spot, high: float, conifers: float) -> None:
        """A tree; `conifers` is their share."""
        if self.b.chance(conifers):
            self.conifer(spot, high)
        elif self.b.chance(0.12):
            self.poplar(spot, high)
        else:
            self.round_tree(spot, high)
