"""Light on surfaces: sun with soft cast shadows, sky light with occlusion, lamps, mirrors, snow, haze."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from training.worlds.raster import View, ray_grid, trace
from training.worlds.sky import Lights, sky, surroundings
from training.worlds.surface import Surface
from training.worlds.tables import Batch, linear
from training.worlds.textures import patterns

SNOW = (0.85, 0.88, 0.94)
CLAY = (0.74, 0.71, 0.67)
MIRROR_METAL = 0.5
"""Looks with more metal than this tint what they mirror; those with less only add a coat."""


@dataclass(frozen=True, slots=True)
class ShadowMap:
    """How far light gets from a plane above B worlds, (B, side, side), and the view it was cast in."""

    depth: Tensor
    view: View
    extent: Tensor


def shadow_map(batch: Batch, lights: Lights, focus: Tensor, reach: Tensor, side: int) -> ShadowMap:
    """Cast parallel rays from the sun at what lies within `reach` (B,) metres of `focus` (B, 3)."""
    forward = -lights.to_sun
    right = torch.nn.functional.normalize(
        torch.stack((-forward[:, 2], torch.zeros_like(reach), forward[:, 0]), 1), dim=1
    )
    up = torch.linalg.cross(forward, right)
    u, v = ray_grid(side, side, slanted=False, device=str(focus.device))
    view = View(
        focus - forward * (3 * reach)[:, None],
        right * reach[:, None],
        up * reach[:, None],
        forward,
        u,
        v,
        True,
    )
    sunny = lights.sun.sum(1) > 0
    casting = (batch.solids.casts & sunny[batch.solids.world]).nonzero(as_tuple=True)[0]
    t, _ = trace(batch.solids.pick(casting), view)
    return ShadowMap(t.view(-1, side, side), view, reach)


def sunlit(shadows: ShadowMap, world: Tensor, point: Tensor, normal: Tensor) -> Tensor:
    """Share of the sun (N,) that reaches each point: nine looks into the map, so that edges are soft."""
    view, side = shadows.view, shadows.depth.shape[-1]
    extent = shadows.extent.index_select(0, world)
    texel = 2 * extent / side
    away = point + normal * (1.2 * texel)[:, None] - view.origin.index_select(0, world)
    area = extent * extent
    x = ((away * view.right.index_select(0, world)).sum(1) / area + 1) / 2 * side - 0.5
    y = (1 - (away * view.up.index_select(0, world)).sum(1) / area) / 2 * side - 0.5
    depth = (away * view.forward.index_select(0, world)).sum(1) - 1.5 * texel
    flat = shadows.depth.reshape(-1)
    base = world * side * side
    left, top = x.floor(), y.floor()
    fx, fy = x - left, y - top
    light = torch.zeros_like(depth)
    # A box of 3x3 texels slid continuously: the weights of the outer rows follow the fraction.
    for j, wy in ((-1, 1 - fy), (0, torch.ones_like(fy)), (1, torch.ones_like(fy)), (2, fy)):
        for i, wx in ((-1, 1 - fx), (0, torch.ones_like(fx)), (1, torch.ones_like(fx)), (2, fx)):
            column = (left + i).clamp(0, side - 1).to(torch.int64)
            row = (top + j).clamp(0, side - 1).to(torch.int64)
            light = light + wx * wy * (flat.index_select(0, base + row * side + column) > depth)
    outside = (x < 1) | (y < 1) | (x > side - 2) | (y > side - 2)
    return torch.where(outside, torch.ones_like(light), light / 9)


def albedo(batch: Batch, s: Surface, clay: Tensor) -> Tensor:
    """Linear base colour (N, 3); `clay` (B,) bool: worlds modelled in one pale material."""
    looks = batch.looks
    mix, gain = patterns(looks.texture.index_select(0, s.look), s.place)
    colour = torch.lerp(
        looks.albedo.index_select(0, s.look), looks.second.index_select(0, s.look), mix[:, None]
    )
    colour = colour * (gain**1.6)[:, None]
    snow = linear(torch.tensor(SNOW, device=colour.device))
    colour = torch.lerp(colour, snow, s.snow[:, None])
    pale = linear(torch.tensor(CLAY, device=colour.device))
    return torch.where(clay[s.world][:, None], pale, colour)


def lit(
    batch: Batch, lights: Lights, s: Surface, direction: Tensor, shadows: ShadowMap | None, clay: Tensor
) -> tuple[Tensor, Tensor]:
    """Linear light (N, 3) that leaves each surface towards the eye: from the sky alone, and from the rest."""
    base = albedo(batch, s, clay)
    world, normal = s.world, s.normal
    looks, plain = batch.looks, ~clay[world]
    to_sun = lights.to_sun.index_select(0, world)
    facing = (normal * to_sun).sum(1).clamp_min(0)
    if shadows is not None:
        facing = facing * sunlit(shadows, world, s.point, normal)
    # A room's walls and floor throw light back at its ceiling; a meadow gives little to what looks down.
    lean = torch.where(lights.indoors.index_select(0, world), 0.07, 0.20)
    hemisphere = 1 - lean + lean * normal[:, 1] + 0.06 * normal[:, 0]
    ambient = base * lights.ambient.index_select(0, world) * hemisphere[:, None]
    direct = base * lights.sun.index_select(0, world) * facing[:, None]
    mirrored = direction - 2 * (direction * normal).sum(1, keepdim=True) * normal
    gloss, metal = looks.gloss.index_select(0, s.look) * plain, looks.metal.index_select(0, s.look) * plain
    peak = (mirrored * to_sun).sum(1).clamp(0, 1) ** 36
    shine = (lights.sun.index_select(0, world) + 0.35 * lights.ambient.index_select(0, world)) * (
        gloss * peak * (0.3 + 0.7 * (facing > 0))
    )[:, None]
    direct = direct + 0.8 * shine
    for lamp in lights.lamps.unbind(1):
        to_lamp = lamp[world, 0:3] - s.point
        square = (to_lamp * to_lamp).sum(1)
        # Half-Lambert: light in a room comes round corners, and lamps are not points.
        cos = ((normal * to_lamp).sum(1) / square.clamp_min(1e-4).sqrt() * 0.6 + 0.4).clamp_min(0)
        direct = direct + base * lamp[world, 3:6] * (lamp[world, 6] * cos / (square + 0.35))[:, None]
    used = (metal > 0).nonzero(as_tuple=True)[0]
    if used.numel():
        around = surroundings(lights, world[used], mirrored[used])
        m = metal[used][:, None]
        grazing = ((1 - (direction[used] * normal[used]).sum(1).abs()) ** 4)[:, None]
        tint = torch.where(m > MIRROR_METAL, base[used] * 2.1 + 0.15 * grazing, torch.ones_like(base[used]))
        share = torch.where(m > MIRROR_METAL, m, (m + grazing).clamp(0, 1))
        ambient[used] = torch.lerp(ambient[used], around * tint, share)
    return ambient, direct + base * looks.glow.index_select(0, s.look)[:, None] * plain[:, None]


def hazed(colour: Tensor, lights: Lights, world: Tensor, distance: Tensor) -> Tensor:
    """Let the air between eye and surface take over with `distance` (N,) in metres."""
    air = (1 - torch.exp(-lights.fog.index_select(0, world) * distance))[:, None]
    return torch.lerp(colour, lights.haze.index_select(0, world), air)


def occlusion(depth: Tensor, normal: Tensor, point: Tensor, columns: int) -> Tensor:
    """How open the surroundings of each ray's hit are, (B, rows, cols) in [0, 1], from the picture itself.

    Neighbours that stand above the surface's own plane, and near it in space, shut out light.
    """
    open_sky = torch.zeros_like(depth)
    unit = max(1, round(columns / 64))
    # Rows are twice as dense as columns.
    around = [
        (k * math.cos(angle + k), k * math.sin(angle + k))
        for k in (1.5, 3, 5.5)
        for angle in (0.0, 0.5 * math.pi, math.pi, 1.5 * math.pi)
    ]
    taps = [(round(2 * unit * j), round(unit * i)) for j, i in around]
    for down, across in taps:
        other = torch.roll(point, (down, across), (1, 2))
        gap = other - point
        square = (gap * gap).sum(-1)
        rise = (gap * normal).sum(-1) / square.clamp_min(1e-8).sqrt()
        near = 1 / (1 + square / (0.05 * depth * depth).clamp_min(1e-4))
        open_sky = open_sky + (rise - 0.08).clamp(0, 1) * near
    # Few looks leave ghosts of outlines; a blur of about their spacing melts them.
    size = 2 * unit + 1
    shut = torch.nn.functional.avg_pool2d(
        torch.nn.functional.pad(open_sky[:, None], (unit, unit, 2 * unit, 2 * unit), mode="replicate"),
        (2 * size - 1, size),
        1,
    )[:, 0]
    return (1 - 1.8 * shut / len(taps)).clamp(0.3, 1)


def skies(lights: Lights, world: Tensor, direction: Tensor, clay: Tensor) -> Tensor:
    """The sky's linear colour; a plain backdrop where all is clay."""
    colour = sky(lights, world, direction)
    pale = linear(torch.tensor(CLAY, device=colour.device)) * 1.05
    return torch.where(clay[world][:, None], pale, colour)
