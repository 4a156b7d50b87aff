"""What each ray hit: place, direction of the surface, its look, its name and where on its pattern."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.worlds import normals
from training.worlds.noise import noise, smooth
from training.worlds.tables import Batch, Solids
from training.worlds.terrain import height, level_of_water
from training.worlds.textures import Place

ROUND_KINDS = (2, 4)
"""Balls and cushions: their patterns run through them instead of around them."""


@dataclass(frozen=True, slots=True)
class Surface:
    """N hits: `world` (N,), `point` and unit `normal` (N, 3), `look` and `named` (N,), pattern `place`.

    `snow` in [0, 1]: how much snow lies there; `water` (N,) bool.
    """

    world: Tensor
    point: Tensor
    normal: Tensor
    look: Tensor
    named: Tensor
    place: Place
    snow: Tensor
    water: Tensor


def of_solids(batch: Batch, winner: Tensor, point: Tensor, direction: Tensor, footprint: Tensor) -> Surface:
    """Surfaces of the solids numbered `winner` (N,) at `point` (N, 3); `footprint`: metres a ray covers."""
    own = batch.solids.pick(winner)
    local = (own.axes @ (point - own.centre)[..., None])[..., 0]  # metres in the solid's own axes
    unit = local / own.half
    inner = _inner_normal(own, unit)
    normal = torch.nn.functional.normalize((inner[:, None] @ own.axes)[:, 0], dim=1)
    u, v, a, b = _pattern_axes(own, local, unit, inner)
    scale = batch.looks.scale[own.look]
    slant = (normal * direction).sum(1).abs().clamp_min(0.25)
    # Solids of one look differ: their patterns begin elsewhere, as their place decides.
    shift = (17.3 * own.centre[:, 0] + 9.1 * own.centre[:, 1] + 5.7 * own.centre[:, 2]) % 61
    place = Place(u / scale + shift, v / scale, a, b, _fade(footprint / slant, scale))
    zero = torch.zeros_like(u)
    return Surface(own.world, point, normal, own.look, own.named, place, zero, zero > 1)


def _inner_normal(own: Solids, unit: Tensor) -> Tensor:
    found = torch.zeros_like(unit)
    present: list[int] = own.kind.unique().tolist()
    for kind in present:
        rows = (own.kind == kind).nonzero(as_tuple=True)[0]
        x = unit[rows]
        shape = own.shape[rows]
        n = normals.NORMALS[kind]((x[:, 0], x[:, 1], x[:, 2]), shape[:, 0], shape[:, 1])
        found[rows] = torch.stack(n, 1)
    # Stretching by `half` stretches normals by its inverse.
    return torch.nn.functional.normalize(found / own.half, dim=1)


def _pattern_axes(
    own: Solids, local: Tensor, unit: Tensor, inner: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    axis = inner.abs().argmax(1)
    x, y, z = local.unbind(1)
    a, b, c = unit.unbind(1)
    # Long boxes lay their grain along their length: u runs along x on the top.
    u = torch.where(axis == 0, z, x)
    v = torch.where(axis == 1, z, y)
    flat_a = torch.where(axis == 0, c, a)
    flat_b = torch.where(axis == 1, c, b)
    soft = (own.kind == ROUND_KINDS[0]) | (own.kind == ROUND_KINDS[1])
    turned = (own.kind == 3) & (axis != 1)
    around = torch.atan2(a, c) * own.half[:, 0]
    u = torch.where(soft, x + 0.6 * z, torch.where(turned, around, u))
    v = torch.where(soft, y + 0.4 * z, v)
    return u, v, flat_a, flat_b


def of_terrain(
    batch: Batch, world: Tensor, point: Tensor, direction: Tensor, footprint: Tensor, snowline: Tensor
) -> Surface:
    """Surfaces of the bare ground or water of `world` (N,) at `point` (N, 3)."""
    x, y, z = point.unbind(1)
    reach = footprint.clamp_min(0.03)
    here = height(batch.ground, world, x, z)
    slope_x = (height(batch.ground, world, x + reach, z) - here) / reach
    slope_z = (height(batch.ground, world, x, z + reach) - here) / reach
    water = here < level_of_water(batch.ground, world)
    zone = zone_of(batch, world, point, here)
    ripple = footprint.clamp_min(0.05)
    slope_x = torch.where(water, 0.03 * noise(x / 0.8, z / 0.5) / (1 + ripple), slope_x)
    slope_z = torch.where(water, 0.05 * noise(x / 0.9 + 7, z / 0.4) / (1 + ripple), slope_z)
    normal = torch.nn.functional.normalize(torch.stack((-slope_x, torch.ones_like(x), -slope_z), 1), dim=1)
    far = batch.ground.values[world]

    look = batch.terrain_look[world].gather(1, zone[:, None])[:, 0]
    named = batch.terrain_named[world].gather(1, zone[:, None])[:, 0]
    scale = batch.looks.scale[look]
    slant = (normal * direction).sum(1).abs().clamp_min(0.08)
    ragged = noise(x / (0.04 / far[:, 9].clamp_min(1e-5)), z / (0.04 / far[:, 9].clamp_min(1e-5)))
    line = snowline[world]
    bare = smooth(0.30, 0.58, normal[:, 1] + 0.12 * ragged)
    span = 0.10 * far[:, 8].abs() + 1.0
    # Valleys stay bare however low the line: their ground has a look of its own.
    valley = smooth(0.01, 0.10, y / far[:, 8].clamp_min(1.0))
    snow = smooth(line - span, line + span, y + 0.12 * far[:, 8] * ragged) * bare * valley
    place = Place(x / scale, z / scale, x * 0, z * 0, _fade(footprint / slant, scale))
    return Surface(world, point, normal, look, named, place, torch.where(water, snow * 0, snow), water)


def zone_of(batch: Batch, world: Tensor, point: Tensor, here: Tensor | None) -> Tensor:
    """What the terrain is at `point` (N, 3): 0 ground, 1 heights, 2 water; `here`: its height, if known."""
    _, y, z = point.unbind(1)
    far = batch.ground.values[world]
    high = (y > 0.10 * far[:, 8].clamp_min(1.0)) & (z > far[:, 12] + 0.1 * (far[:, 13] - far[:, 12]))
    zone = high.to(torch.int64)
    if bool((batch.ground.values[:, 19] > -1e5).any()):
        bare = height(batch.ground, world, point[:, 0], z) if here is None else here
        zone = torch.where(bare < level_of_water(batch.ground, world), torch.full_like(zone, 2), zone)
    return zone


def _fade(sample: Tensor, feature: Tensor) -> Tensor:
    return 1 - smooth(0.06, 0.35, sample / feature)


def joined(count: int, parts: list[tuple[Tensor, Surface]]) -> Surface:
    """One surface of `count` hits from parts and the rows where each belongs; the rest stays zero."""
    first = parts[0][1]

    def whole(values: list[Tensor]) -> Tensor:
        out = values[0].new_zeros((count, *values[0].shape[1:]))
        for (rows, _), value in zip(parts, values, strict=True):
            out[rows] = value
        return out

    surfaces = [s for _, s in parts]
    names = [n for n in first.__slots__ if n != "place"]
    fields = {n: whole([getattr(s, n) for s in surfaces]) for n in names}
    place = Place(*(whole([getattr(s.place, n) for s in surfaces]) for n in first.place.__slots__))
    return Surface(place=place, **fields)
