"""Draw worlds: picture, exact disparity, and which named thing each pixel shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.worlds import shade, styles, surface
from training.worlds.raster import View, ray_grid, trace
from training.worlds.sky import Lights, light_table, surroundings
from training.worlds.tables import Batch, batch
from training.worlds.terrain import horizon, meet
from training.worlds.world import World

NOTHING, TERRAIN = -1, -2
RAYS_AT_ONCE = {"cpu": 70_000, "cuda": 6_000_000}
"""Worlds are drawn in groups of about this many rays, so that a CPU's cache holds a group."""


@dataclass(frozen=True, slots=True)
class Render:
    """What came out for B worlds of H x W pixels.

    `picture` float32 (B, H, W, 3) in [0, 1], empty after `depth_only`; `disparity` float32 (B, H, W), 1 over
    metres along the view axis, 0 for the sky; `ids` int16 (B, H, W): index into `world.named`, 0 for nothing.
    """

    picture: Tensor
    disparity: Tensor
    ids: Tensor


@torch.no_grad()
def render_worlds(
    worlds: Sequence[World], width: int, height: int, device: str = "cpu", *, depth_only: bool = False
) -> Render:
    """Draw `worlds` at `width` x `height` pixels; every world's result is the same in any company."""
    samples = 1 if depth_only else 2
    group = max(1, RAYS_AT_ONCE[torch.device(device).type] // (width * height * samples))
    parts = [
        _draw(worlds[i : i + group], width, height, device, depth_only) for i in range(0, len(worlds), group)
    ]
    return Render(
        torch.cat([p.picture for p in parts]),
        torch.cat([p.disparity for p in parts]),
        torch.cat([p.ids for p in parts]),
    )


def _draw(worlds: Sequence[World], width: int, height: int, device: str, depth_only: bool) -> Render:
    table = batch(worlds, device)
    rows = height if depth_only else 2 * height
    view = _view(table, width, rows, width / height, slanted=not depth_only)
    t, winner, direction = _first_hits(table, view)
    shape = (len(worlds), rows, width)
    sky = winner == NOTHING
    inverse = torch.where(sky, torch.zeros_like(t), 1 / t)
    snowline = torch.tensor([w.terrain.snowline if w.terrain else 1e9 for w in worlds], device=device)
    names = _names(table, view, t, winner, direction)
    if depth_only:
        return Render(
            torch.zeros(len(worlds), 0, 0, 3, device=device),
            inverse.view(shape),
            names.view(shape).to(torch.int16),
        )
    lights = light_table(worlds, device)
    hits = _surfaces(table, view, t, winner, direction, snowline)
    clay = torch.tensor([w.style == "clay" for w in worlds], device=device)
    colour, normal = _shade(worlds, table, lights, view, t, direction, hits, clay)
    names_grid = names.view(shape)
    # The nearer of a pixel's two rays gives its depth and name, so that thin things stay whole.
    pair = inverse.view(len(worlds), height, 2, width)
    nearer = pair.argmax(2, keepdim=True)
    disparity = pair.gather(2, nearer)[:, :, 0]
    ids = names_grid.view(len(worlds), height, 2, width).gather(2, nearer)[:, :, 0]
    picture = styles.develop(colour.view(*shape, 3)).view(len(worlds), height, 2, width, 3).mean(2)
    sheet = styles.Sheet(picture, disparity, normal.view(len(worlds), height, 2, width, 3)[:, :, 0], ids)
    return Render(styles.styled([w.style for w in worlds], sheet), disparity, ids.to(torch.int16))


def _view(table: Batch, columns: int, rows: int, ratio: float, *, slanted: bool) -> View:
    u, v = ray_grid(columns, rows, slanted=slanted, device=str(table.eye.device))
    (cy, cp), (sy, sp) = (
        torch.stack((table.yaw, table.pitch)).cos(),
        torch.stack((table.yaw, table.pitch)).sin(),
    )
    zero = torch.zeros_like(cy)
    forward = torch.stack((sy * cp, -sp, cy * cp), 1)
    right = torch.stack((cy, zero, -sy), 1) * (table.tangent * ratio)[:, None]
    up = torch.stack((sy * sp, cp, cy * sp), 1) * table.tangent[:, None]
    return View(table.eye, right, up, forward, u, v, False)


def _first_hits(table: Batch, view: View) -> tuple[Tensor, Tensor, Tensor]:
    """Distance along the axis, what was hit (a solid, `TERRAIN` or `NOTHING`), and the rays (B * rays, 3)."""
    t, winner = trace(table.solids, view)
    u, v = view.u.reshape(1, -1, 1), view.v.reshape(1, -1, 1)
    direction = view.forward[:, None] + u * view.right[:, None] + v * view.up[:, None]  # (B, P, 3)
    open_air = table.outdoors.nonzero(as_tuple=True)[0]
    if open_air.numel():
        rays = direction[open_air]
        flat = (rays[..., 0] ** 2 + rays[..., 2] ** 2).sqrt().clamp_min(1e-4)
        azimuth = torch.atan2(rays[..., 0], rays[..., 2])
        span = torch.stack((azimuth.amin(1) - 1e-3, azimuth.amax(1) + 1e-3), 1)
        seen = horizon(table.ground, open_air, table.eye[open_air], span, int(1.4 * view.columns))
        row = torch.arange(open_air.numel(), device=t.device)[:, None].expand_as(flat)
        slope = rays[..., 1] / flat
        reach = meet(seen, row.reshape(-1), azimuth.reshape(-1), slope.reshape(-1)).view_as(flat) / flat
        grid_t, grid_winner = t.view(direction.shape[:2]), winner.view(direction.shape[:2])
        ground_first = reach < grid_t[open_air]
        grid_t[open_air] = torch.where(ground_first, reach, grid_t[open_air])
        grid_winner[open_air] = torch.where(
            ground_first, torch.full_like(grid_winner[open_air], TERRAIN), grid_winner[open_air]
        )
    return t, winner, direction.reshape(-1, 3)


def _names(table: Batch, view: View, t: Tensor, winner: Tensor, direction: Tensor) -> Tensor:
    """The name that each ray's hit bears, 0 for none."""
    names = torch.zeros_like(winner)
    solid = (winner >= 0).nonzero(as_tuple=True)[0]
    names[solid] = table.solids.named[winner[solid]]
    ground = (winner == TERRAIN).nonzero(as_tuple=True)[0]
    if ground.numel():
        world = torch.div(ground, view.rows * view.columns, rounding_mode="floor")
        point = view.origin[world] + t[ground, None] * direction[ground]
        zone = surface.zone_of(table, world, point, None)
        names[ground] = table.terrain_named[world].gather(1, zone[:, None])[:, 0]
    return names


def _surfaces(
    table: Batch, view: View, t: Tensor, winner: Tensor, direction: Tensor, snowline: Tensor
) -> tuple[Tensor, surface.Surface] | None:
    """The rays that hit something, and what they hit there."""
    rays = view.rows * view.columns
    found = (winner != NOTHING).nonzero(as_tuple=True)[0]
    if not found.numel():
        return None
    world = torch.div(found, rays, rounding_mode="floor")
    point = view.origin[world] + t[found, None] * direction[found]
    unit = torch.nn.functional.normalize(direction[found], dim=1)
    sample = t[found] * (2 * table.tangent[world] / view.rows)
    parts: list[tuple[Tensor, surface.Surface]] = []
    for is_ground in (False, True):
        rows = ((winner[found] == TERRAIN) == is_ground).nonzero(as_tuple=True)[0]
        if not rows.numel():
            continue
        at, to, size = point[rows], unit[rows], sample[rows]
        drawn = (
            surface.of_terrain(table, world[rows], at, to, size, snowline)
            if is_ground
            else surface.of_solids(table, winner[found[rows]], at, to, size)
        )
        parts.append((rows, drawn))
    return found, surface.joined(found.numel(), parts)


def _shade(
    worlds: Sequence[World], table: Batch, lights: Lights, view: View, t: Tensor, direction: Tensor,
    hits: tuple[Tensor, surface.Surface] | None, clay: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Linear colour and normal of every ray, each (B * rays, 3)."""
    rays, device = view.rows * view.columns, t.device
    unit = torch.nn.functional.normalize(direction, dim=1)
    world = torch.arange(len(worlds), device=device).repeat_interleave(rays)
    colour, normal = torch.zeros_like(unit), -unit
    empty = torch.isinf(t).nonzero(as_tuple=True)[0]
    if empty.numel():
        colour[empty] = shade.skies(lights, world[empty], unit[empty], clay)
    if hits is None:
        return colour, normal
    found, s = hits
    focus = torch.tensor([w.focus for w in worlds], device=device)
    reach = torch.tensor([w.reach for w in worlds], device=device)
    sunny = any(sum(w.light.sun) > 0 for w in worlds)
    side = min(320, max(128, 16 * round(view.columns * 1.5 / 16)))
    shadows = shade.shadow_map(table, lights, focus, reach, side) if sunny else None
    ambient, direct = shade.lit(table, lights, s, unit[found], shadows, clay)
    normal[found] = s.normal
    grid = (len(worlds), view.rows, view.columns)
    far = torch.where(torch.isinf(t), torch.full_like(t, 1e4), t)
    points = view.origin[world] + far[:, None] * direction
    openness = shade.occlusion(far.view(grid), normal.view(*grid, 3), points.view(*grid, 3), view.columns)
    distance = t[found] * direction[found].norm(dim=1)
    total = ambient * openness.reshape(-1)[found, None] ** 1.5 + direct
    colour[found] = shade.hazed(total, lights, s.world, distance)
    _mirror_in_water(lights, view, colour, unit, found, s, distance)
    return colour, normal


def _mirror_in_water(
    lights: Lights,
    view: View,
    colour: Tensor,
    unit: Tensor,
    found: Tensor,
    s: surface.Surface,
    distance: Tensor,
) -> None:
    """Give water the picture's own upper half, turned over, more of it the flatter it is seen."""
    wet = s.water.nonzero(as_tuple=True)[0]
    if not wet.numel():
        return
    world, ray, normal = s.world[wet], unit[found[wet]], s.normal[wet]
    mirrored = ray - 2 * (ray * normal).sum(1, keepdim=True) * normal
    mirrored[:, 1] = mirrored[:, 1].abs().clamp_min(0.01)
    right, up = view.right[world], view.up[world]
    depth = (mirrored * view.forward[world]).sum(1).clamp_min(1e-3)
    u = (mirrored * right).sum(1) / (right * right).sum(1) / depth
    v = (mirrored * up).sum(1) / (up * up).sum(1) / depth
    column = ((u + 1) / 2 * view.columns).long().clamp(0, view.columns - 1)
    row = ((1 - v) / 2 * view.rows).long().clamp(0, view.rows - 1)
    index = (world * view.rows + row) * view.columns + column
    dry = torch.ones(colour.shape[0], dtype=torch.bool, device=colour.device)
    dry[found[wet]] = False
    seen = (u.abs() < 1) & (v.abs() < 1) & dry[index]
    image = torch.where(seen[:, None], colour[index], surroundings(lights, world, mirrored))
    share = 0.25 + 0.7 * (1 - (ray * normal).sum(1).abs()) ** 3
    mixed = torch.lerp(colour[found[wet]], image * 0.95, share[:, None])
    colour[found[wet]] = shade.hazed(mixed, lights, world, 0.3 * distance[wet])
