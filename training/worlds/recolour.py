"""The same world with one named thing in another colour: what a colour word alone decides."""

from __future__ import annotations

from dataclasses import replace

from training.worlds.palette import COLOURS
from training.worlds.world import Look, Triple, World


def recoloured(world: World, named: int, colour: str) -> World:
    """Paint everything that bears the name number `named` in `colour`; its texture stays."""
    old = world.named[named]
    if old.colour is None:
        raise ValueError(f"{old.noun!r} has no colour word that could be swapped")
    used = {s.look for s in world.solids if s.named == named}
    used -= {s.look for s in world.solids if s.named != named}
    looks = tuple(_repainted(k, old.colour, colour) if i in used else k for i, k in enumerate(world.looks))
    names = tuple(replace(n, colour=colour) if i == named else n for i, n in enumerate(world.named))
    return replace(world, looks=looks, named=names)


def _repainted(look: Look, old: str, new: str) -> Look:
    if look.glow > 0:
        return look

    def moved(tone: Triple) -> Triple:
        # Seams and patterns keep how much darker or lighter than the plain colour they are.
        factor = (sum(tone) + 0.1) / (sum(COLOURS[old]) + 0.1)
        return tuple(min(1.0, c * min(factor, 1.6)) for c in COLOURS[new])  # type: ignore[return-value]

    return replace(look, albedo=moved(look.albedo), second=moved(look.second))
