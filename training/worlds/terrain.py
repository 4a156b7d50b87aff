"""Hills as a function of place, and where rays meet them.

No marching ray by ray: around the eye, for each azimuth, the slope under which the ground is seen is sampled
at growing distances. Its running maximum is the silhouette so far, and a ray meets the ground where that
maximum first passes the ray's own slope: a binary search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.worlds.noise import fractal, noise, ridges, smooth
from training.worlds.world import NO_WATER, Relief, Terrain

STEPS = 256
"""Distances per azimuth; a power of two for the binary search."""

FARTHEST = 4000.0
"""Metres along the ground, as seen from the eye."""

NEAR_OCTAVES, FAR_OCTAVES = 3, 6

NOTHING = (*[0.0] * 15, 0.0, 1.0, 2.0, 3.0, NO_WATER)


@dataclass(frozen=True, slots=True)
class Ground:
    """Numbers of the terrains of a batch: `values` (B, 20); worlds without one are flat and unused."""

    values: Tensor

    def columns(self, world: Tensor) -> list[Tensor]:
        """Each number for every entry of `world` (indices of any shape)."""
        flat, table = world.reshape(-1), self.values.t().contiguous()
        return [column.index_select(0, flat).view(world.shape) for column in table.unbind()]


def ground_table(terrains: Sequence[Terrain | None], device: str) -> Ground:
    """Gather the numbers of the terrains."""
    rows = [_numbers(t) if t else list(NOTHING) for t in terrains]
    return Ground(torch.tensor(rows, dtype=torch.float32, device=device))


def _numbers(t: Terrain) -> list[float]:
    def relief(r: Relief) -> list[float]:
        return [r.height, 1 / r.wave, r.ridged, r.sharp, r.start, r.full]

    shift = [float(t.seed % 251) + 0.37, float(t.seed // 251 % 241) + 0.71]
    water = t.water if t.water_look >= 0 else NO_WATER
    return [*shift, *relief(t.near), *relief(t.far), t.dip, *t.dip_span, water]


def height(ground: Ground, world: Tensor, x: Tensor, z: Tensor) -> Tensor:
    """Height of the bare ground in metres at (x, z) of the worlds numbered `world`."""
    c = ground.columns(world)
    sx, sz = c[0], c[1]
    total = torch.zeros_like(x)
    for first, octaves in ((2, NEAR_OCTAVES), (8, FAR_OCTAVES)):
        amplitude, rate, ridged, sharp, start, full = c[first : first + 6]
        # The ridge line of far hills wanders, so that a range does not rise along a ruler.
        rise = smooth(start, full, z + 0.12 * (full - start) * (x * rate * 3).sin())
        used = (amplitude.abs() * rise > 1e-4).nonzero(as_tuple=True)
        if used[0].numel() == 0:
            continue
        u, v, share = x[used] * rate[used] + sx[used], z[used] * rate[used] + sz[used], ridged[used]
        soft, rough = (share < 0.99).any(), (share > 0.01).any()
        gentle = 0.5 + 0.6 * fractal(u, v, max(2, octaves - 2)) if soft else u * 0
        # Single peaks instead of a plateau of crests: a slow noise decides where the range is high.
        steep = ridges(u, v, octaves) * (0.72 + 0.65 * noise(u * 0.6 + 3, v * 0.6)) if rough else u * 0
        shape = torch.lerp(gentle, steep, share).clamp_min(0) ** sharp[used]
        total[used] += amplitude[used] * rise[used] * shape
    wander = 0.1 * (c[17] - c[15]).clamp_max(60) * (x * 0.031 + sx).sin()
    dip = smooth(c[15], c[16], z + wander) * (1 - smooth(c[17], c[18], z + wander))
    return total - c[14] * dip


def level_of_water(ground: Ground, world: Tensor) -> Tensor:
    """Height of the water's surface in metres; far below everything where there is none."""
    return ground.values[:, 19][world]


@dataclass(frozen=True, slots=True)
class Horizon:
    """What the ground looks like from the eyes of B worlds.

    `slopes` (B, A, K): running maximum of rise over run at `radii` (B, K) metres; `first` and `step` (B,):
    azimuth of column a.
    """

    slopes: Tensor
    radii: Tensor
    first: Tensor
    step: Tensor


def horizon(ground: Ground, worlds: Tensor, eye: Tensor, azimuths: Tensor, columns: int) -> Horizon:
    """Sample the ground seen from `eye` (B, 3) between `azimuths` (B, 2), for the worlds `worlds`."""
    device = eye.device
    clear = eye[:, 1] - torch.maximum(
        height(ground, worlds, eye[:, 0], eye[:, 2]), level_of_water(ground, worlds)
    )
    nearest = (0.4 * clear).clamp_min(0.2)[:, None]
    radii = nearest * (FARTHEST / nearest) ** (torch.arange(STEPS, device=device) / (STEPS - 1))  # (B, K)
    step = (azimuths[:, 1] - azimuths[:, 0]) / (columns - 1)
    angle = azimuths[:, :1] + step[:, None] * torch.arange(columns, device=device)  # (B, A)
    x = eye[:, 0, None, None] + angle.sin()[..., None] * radii[:, None]
    z = eye[:, 2, None, None] + angle.cos()[..., None] * radii[:, None]
    world = worlds[:, None, None].expand_as(x)
    top = torch.maximum(height(ground, world, x, z), level_of_water(ground, world))
    return Horizon(
        ((top - eye[:, 1, None, None]) / radii[:, None]).cummax(-1).values, radii, azimuths[:, 0], step
    )


def meet(seen: Horizon, row: Tensor, azimuth: Tensor, slope: Tensor) -> Tensor:
    """Distance along the ground at which rays meet it; infinite for those that pass above everything.

    `row`, `azimuth` and `slope` are flat: which of the horizon's worlds, and the ray's direction.
    """
    _, columns, steps = seen.slopes.shape
    column = ((azimuth - seen.first[row]) / seen.step[row]).round().clamp(0, columns - 1).to(torch.int64)
    base = (row * columns + column) * steps
    flat = seen.slopes.reshape(-1)
    low = torch.zeros_like(base)
    width = steps // 2
    while width:
        low = low + width * (flat[base + low + width - 1] < slope)
        width //= 2
    over = flat[base + steps - 1] < slope
    before = (low - 1).clamp_min(0)
    s0, s1 = flat[base + before], flat[base + low]
    share = ((slope - s0) / (s1 - s0).clamp_min(1e-9)).clamp(0, 1)
    inner, outer = seen.radii[row, before], seen.radii[row, low]
    # Along level ground the slope is linear in 1 / distance, which makes a plain exact.
    inverse = torch.lerp(1 / inner, 1 / outer, share)
    level = slope.clamp_max(-1e-9)
    inverse = torch.where(low == 0, (1 / outer) * (level / s1.clamp_max(-1e-9)), inverse)
    return torch.where(over, torch.full_like(slope, torch.inf), 1 / inverse.clamp_min(1e-9))
