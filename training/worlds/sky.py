"""Sky, clouds, sun, moon and stars in a direction; also what metal and water mirror."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.worlds.noise import fractal, noise, smooth
from training.worlds.tables import linear
from training.worlds.world import World


@dataclass(frozen=True, slots=True)
class Lights:
    """The lights of B worlds: linear colours (B, 3), direction to the sun (B, 3), the rest (B,).

    `lamps` (B, n, 7): position, colour times strength, 1 if it is there.
    """

    sun: Tensor
    to_sun: Tensor
    ambient: Tensor
    zenith: Tensor
    horizon: Tensor
    haze: Tensor
    fog: Tensor
    clouds: Tensor
    stars: Tensor
    seed: Tensor
    lamps: Tensor
    indoors: Tensor


def light_table(worlds: Sequence[World], device: str) -> Lights:
    """Lay out the worlds' lights on `device`."""

    def table(rows: list[tuple[float, ...]]) -> Tensor:
        return torch.tensor(rows, dtype=torch.float32, device=device)

    lights = [w.light for w in worlds]
    angle = table([(k.azimuth, k.elevation) for k in lights])
    flat = angle[:, 1].cos()
    most = max(1, *(len(w.lamps) for w in worlds)) if len(worlds) > 1 else max(1, len(worlds[0].lamps))
    lamps = torch.zeros(len(worlds), most, 7)
    for i, w in enumerate(worlds):
        for j, lamp in enumerate(w.lamps):
            lamps[i, j] = torch.tensor((*lamp.at, *(c * lamp.strength for c in lamp.colour), 1.0))
    numbers = table(
        [
            (k.fog, k.clouds, k.stars, float(w.seed % 199), float(w.indoors))
            for k, w in zip(lights, worlds, strict=True)
        ]
    )
    return Lights(
        sun=table([k.sun for k in lights]),
        to_sun=torch.stack((angle[:, 0].sin() * flat, angle[:, 1].sin(), -angle[:, 0].cos() * flat), 1),
        ambient=table([k.ambient for k in lights]),
        zenith=linear(table([k.zenith for k in lights])),
        horizon=linear(table([k.horizon for k in lights])),
        haze=linear(table([k.haze for k in lights])),
        fog=numbers[:, 0],
        clouds=numbers[:, 1],
        stars=numbers[:, 2],
        seed=numbers[:, 3],
        lamps=lamps.to(device),
        indoors=numbers[:, 4] > 0,
    )


def sky(lights: Lights, world: Tensor, direction: Tensor, *, detail: bool = True) -> Tensor:
    """Linear colour (N, 3) of the sky in unit `direction` (N, 3) for worlds (N,)."""
    up = direction[:, 1].clamp_min(0)
    blend = (1 - torch.exp(-3.2 * up))[:, None]
    colour = torch.lerp(lights.horizon.index_select(0, world), lights.zenith.index_select(0, world), blend)
    cos_sun = (direction * lights.to_sun.index_select(0, world)).sum(1).clamp(-1, 1)
    glow = (cos_sun.clamp_min(0) ** 24 * 0.35 + cos_sun.clamp_min(0) ** 900 * 6.0)[:, None]
    colour = colour + glow * lights.sun.index_select(0, world) * 0.5
    if not detail:
        return colour
    # A flat layer of clouds: far ones crowd together at the horizon.
    reach = 1.0 / (up + 0.14)
    u = direction[:, 0] * reach * 0.9 + lights.seed.index_select(0, world)
    v = direction[:, 2] * reach * 0.9
    cover = lights.clouds.index_select(0, world)
    body = fractal(u, v * 1.6, 5)
    dense = (
        smooth(0.42 - 0.75 * cover, 0.85 - 0.75 * cover, body + 0.1) * smooth(0.0, 0.06, up) * (cover > 0.01)
    )
    lit = (
        0.55 * lights.ambient.index_select(0, world)
        + 0.75 * lights.sun.index_select(0, world)
        + 0.12 * lights.horizon.index_select(0, world)
    )
    shade = (1.05 - 0.45 * smooth(0.0, 0.9, body - 0.2))[:, None]
    colour = torch.lerp(colour, lit * shade * 0.9, (0.85 * dense)[:, None])
    spot = noise(direction[:, 0] * 95 / (up + 0.4), direction[:, 1] * 120)
    star = smooth(0.72, 0.86, spot) * lights.stars.index_select(0, world) * (1 - dense)
    return colour + 0.8 * star[:, None]


def surroundings(lights: Lights, world: Tensor, direction: Tensor) -> Tensor:
    """What a mirror shows in unit `direction` (N, 3): sky over dark ground, or a room with a window."""
    up = direction[:, 1]
    outside = torch.where(
        (up > 0)[:, None],
        sky(lights, world, direction, detail=False),
        lights.ambient.index_select(0, world) * (0.25 + 0.12 * smooth(-0.6, 0.0, up))[:, None],
    )
    ambient = lights.ambient.index_select(0, world) + 0.3 * lights.sun.index_select(0, world)
    to_sun = lights.to_sun.index_select(0, world)
    window = smooth(0.80, 0.92, (direction * to_sun).sum(1))
    inside = ambient * (0.35 + 0.30 * smooth(-0.7, 0.8, up) + 1.4 * window)[:, None]
    return torch.where(lights.indoors.index_select(0, world)[:, None], inside, outside)
