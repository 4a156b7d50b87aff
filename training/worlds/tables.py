"""The numbers of a batch of worlds as flat tensors, one row a solid, a look or a world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.worlds.terrain import Ground, ground_table, height, level_of_water
from training.worlds.textures import TEXTURES
from training.worlds.world import KINDS, World


@dataclass(frozen=True, slots=True)
class Solids:
    """S solids of all worlds, those of one kind together.

    `kind`, `world`, `look`, `named` (S,) int64; `centre`, `half` (S, 3) metres; `axes` (S, 3, 3) whose rows
    are the solid's own axes in the world; `shape` (S, 2); `casts` (S,) bool.
    """

    kind: Tensor
    world: Tensor
    look: Tensor
    named: Tensor
    centre: Tensor
    half: Tensor
    axes: Tensor
    shape: Tensor
    casts: Tensor

    def pick(self, rows: Tensor) -> Solids:
        """Only the solids numbered `rows`."""
        return Solids(*(getattr(self, name).index_select(0, rows) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Looks:
    """All looks of all worlds: `albedo` and `second` (L, 3) linear, the rest (L,)."""

    albedo: Tensor
    second: Tensor
    texture: Tensor
    scale: Tensor
    gloss: Tensor
    metal: Tensor
    glow: Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """B worlds: solids, looks, ground, and per world the eye (B, 3), yaw, pitch and half-opening (B,)."""

    solids: Solids
    looks: Looks
    ground: Ground
    outdoors: Tensor
    eye: Tensor
    yaw: Tensor
    pitch: Tensor
    tangent: Tensor
    terrain_look: Tensor
    terrain_named: Tensor


def linear(colour: Tensor) -> Tensor:
    """Turn sRGB into light, by a power that is close enough to the standard's curve."""
    return colour.clamp_min(0) ** 2.2


def batch(worlds: Sequence[World], device: str) -> Batch:
    """Lay out the worlds' numbers on `device`."""
    starts = [sum(len(w.looks) for w in worlds[:i]) for i in range(len(worlds))]
    ground = ground_table([w.terrain for w in worlds], device)
    number = torch.arange(len(worlds), device=device)
    eye = torch.tensor([w.camera.eye for w in worlds], dtype=torch.float32, device=device)
    outdoors = torch.tensor([w.terrain is not None for w in worlds], device=device)
    floor = torch.maximum(height(ground, number, eye[:, 0], eye[:, 2]), level_of_water(ground, number))
    eye[:, 1] += torch.where(outdoors, floor, torch.zeros_like(floor))
    terrains = [w.terrain for w in worlds]
    looks = [
        [start + t.ground, start + t.heights, start + max(t.water_look, 0)] if t else [0, 0, 0]
        for start, t in zip(starts, terrains, strict=True)
    ]
    names = [[t.ground_named, t.heights_named, t.water_named] if t else [0, 0, 0] for t in terrains]
    angles = torch.tensor(
        [(w.camera.yaw, w.camera.pitch, w.camera.tangent) for w in worlds], dtype=torch.float32, device=device
    )
    return Batch(
        solids=_solids(worlds, starts, ground, device),
        looks=_looks(worlds, device),
        ground=ground,
        outdoors=outdoors,
        eye=eye,
        yaw=angles[:, 0],
        pitch=angles[:, 1],
        tangent=angles[:, 2],
        terrain_look=torch.tensor(looks, device=device),
        terrain_named=torch.tensor(names, device=device),
    )


def _solids(worlds: Sequence[World], starts: list[int], ground: Ground, device: str) -> Solids:
    found = [(i, s) for i, w in enumerate(worlds) for s in w.solids]
    found.sort(key=lambda pair: KINDS.index(pair[1].kind))
    whole = torch.tensor(
        [(KINDS.index(s.kind), i, starts[i] + s.look, s.named, int(s.casts)) for i, s in found],
        dtype=torch.int64,
        device=device,
    ).view(-1, 5)
    parts = torch.tensor(
        [
            (*s.centre, *s.half, *s.turn, *s.shape, *(s.foot or (0.0, 0.0)), float(s.foot is not None))
            for _, s in found
        ],
        dtype=torch.float32,
        device=device,
    ).view(-1, 14)
    centre = parts[:, 0:3].clone()
    feet = (parts[:, 13] > 0).nonzero(as_tuple=True)[0]
    centre[feet, 1] += height(ground, whole[feet, 1], parts[feet, 11], parts[feet, 12])
    return Solids(
        kind=whole[:, 0],
        world=whole[:, 1],
        look=whole[:, 2],
        named=whole[:, 3],
        centre=centre,
        half=parts[:, 3:6].clamp_min(1e-4),
        axes=_axes(parts[:, 6:9]),
        shape=parts[:, 9:11],
        casts=whole[:, 4] > 0,
    )


def _axes(turn: Tensor) -> Tensor:
    """Rows: where a solid's x, y and z axes point after roll (about z), tilt (about x) and yaw (about y)."""
    (cy, ct, cr), (sy, st, sr) = turn.cos().unbind(1), turn.sin().unbind(1)
    x = torch.stack((cy * cr + sy * st * sr, ct * sr, -sy * cr + cy * st * sr), 1)
    y = torch.stack((-cy * sr + sy * st * cr, ct * cr, sy * sr + cy * st * cr), 1)
    z = torch.stack((sy * ct, -st, cy * ct), 1)
    return torch.stack((x, y, z), 1)


def _looks(worlds: Sequence[World], device: str) -> Looks:
    rows = [
        (*k.albedo, *k.second, TEXTURES.index(k.texture), k.scale, k.gloss, k.metal, k.glow)
        for w in worlds
        for k in w.looks
    ]
    values = torch.tensor(rows, dtype=torch.float32, device=device)
    return Looks(
        linear(values[:, 0:3]),
        linear(values[:, 3:6]),
        values[:, 6].to(torch.int64),
        values[:, 7],
        values[:, 8],
        values[:, 9],
        values[:, 10],
    )
