"""Gradient noise on a hashed lattice: the same numbers on every machine and device."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

SIDE = 256
"""The lattice repeats after this many cells."""

OCTAVE_TURN = 0.64
"""Radians between octaves: without it all of them would line up with the axes."""


@lru_cache(maxsize=4)
def gradients(device: str) -> tuple[Tensor, Tensor]:
    """Unit vectors, x and y (SIDE²,) each, at the lattice's points, from an integer hash."""
    number = torch.arange(SIDE * SIDE, dtype=torch.int64)
    for factor in (0x45D9F3B, 0x2C1B3C6D):
        number = (((number >> 15) ^ number) * factor) & 0xFFFFFFFF
    angle = ((number >> 7) & 0xFFFF).float() * (2 * math.pi / 65536)
    return angle.cos().to(device), angle.sin().to(device)


def noise(x: Tensor, y: Tensor) -> Tensor:
    """Gradient noise in about [-1, 1]; one feature per unit of x and y."""
    shape, x, y = x.shape, x.reshape(-1), y.reshape(-1)
    along_x, along_y = gradients(str(x.device))
    left, low = x.floor(), y.floor()
    fx, fy = x - left, y - low
    column = left.to(torch.int64) & (SIDE - 1)
    row = (low.to(torch.int64) & (SIDE - 1)) * SIDE
    column_after = (column + 1) & (SIDE - 1)
    row_after = (row + SIDE) & (SIDE * SIDE - 1)

    def corner(index: Tensor, dx: Tensor, dy: Tensor) -> Tensor:
        # index_select is six times faster than indexing, and this is the innermost loop of everything.
        return along_x.index_select(0, index) * dx + along_y.index_select(0, index) * dy

    sx, sy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    bottom = torch.lerp(corner(row + column, fx, fy), corner(row + column_after, fx - 1, fy), sx)
    top = torch.lerp(
        corner(row_after + column, fx, fy - 1), corner(row_after + column_after, fx - 1, fy - 1), sx
    )
    return (torch.lerp(bottom, top, sy) * 1.5).view(shape)


def fractal(x: Tensor, y: Tensor, octaves: int) -> Tensor:
    """Sum of `octaves` of noise, each twice as fine and half as strong, in about [-1, 1]."""
    total = torch.zeros_like(x)
    strength, whole = 1.0, 0.0
    cos, sin = 2.03 * math.cos(OCTAVE_TURN), 2.03 * math.sin(OCTAVE_TURN)
    for _ in range(octaves):
        total = total + strength * noise(x, y)
        whole += strength
        strength *= 0.5
        x, y = cos * x - sin * y + 17.3, sin * x + cos * y + 5.1
    return total / whole


def ridges(x: Tensor, y: Tensor, octaves: int) -> Tensor:
    """Mountain crests in about [0, 1]: detail grows only where the coarser octaves stand high."""
    total = torch.zeros_like(x)
    strength, whole, weight = 1.0, 0.0, torch.ones_like(x)
    cos, sin = 2.07 * math.cos(OCTAVE_TURN), 2.07 * math.sin(OCTAVE_TURN)
    for _ in range(octaves):
        crest = (1 - 1.5 * noise(x, y).abs()).clamp_min(0) ** 2
        total = total + strength * weight * crest
        whole += strength
        weight = (1.6 * weight * crest).clamp(0, 1)
        strength *= 0.5
        x, y = cos * x - sin * y + 11.7, sin * x + cos * y + 4.3
    return total / (0.75 * whole)


def smooth(low: Tensor | float, high: Tensor | float, x: Tensor) -> Tensor:
    """Rise from 0 at `low` to 1 at `high` without a kink."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)
