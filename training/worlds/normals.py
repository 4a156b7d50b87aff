"""The outward direction of the unit shapes at a point of their surface, in the shape's own space."""

from __future__ import annotations

import torch
from torch import Tensor

Vector = tuple[Tensor, Tensor, Tensor]


def box(x: Vector, p: Tensor, q: Tensor) -> Vector:
    """Along the axis on which the point lies farthest out."""
    del p, q
    a = torch.stack([c.abs() for c in x])
    axis = a.argmax(0)
    return tuple(torch.where(axis == i, c.sign(), torch.zeros_like(c)) for i, c in enumerate(x))  # type: ignore[return-value]


def taper(x: Vector, p: Tensor, q: Tensor) -> Vector:
    """The plane with the least room left; the leaning planes point upwards a little."""
    lean_x, lean_z = (1 - p) / 2, (1 + q * 0 - q) / 2
    room = torch.stack(
        (
            (1 + p) / 2 - lean_x * x[1] - x[0].abs(),
            1 - x[1].abs(),
            (1 + q) / 2 - lean_z * x[1] - x[2].abs(),
        )
    )
    axis = room.argmin(0)
    zero = torch.zeros_like(x[0])
    return (
        torch.where(axis == 0, x[0].sign(), zero),
        torch.where(axis == 0, lean_x, torch.where(axis == 1, x[1].sign(), lean_z)),
        torch.where(axis == 2, x[2].sign(), zero),
    )


def ball(x: Vector, p: Tensor, q: Tensor) -> Vector:
    """Away from the centre."""
    del p, q
    return x


def frustum(x: Vector, p: Tensor, q: Tensor) -> Vector:
    """Outwards and along the lean on the side, up or down on the lids."""
    del q
    lean = (1 - p) / 2
    radius = (x[0] * x[0] + x[2] * x[2]).sqrt()
    side = ((1 + p) / 2 - lean * x[1] - radius).abs() < (1 - x[1].abs()).abs()
    zero = torch.zeros_like(radius)
    return (
        torch.where(side, x[0], zero),
        torch.where(side, lean * radius, x[1].sign()),
        torch.where(side, x[2], zero),
    )


def cushion(x: Vector, p: Tensor, q: Tensor) -> Vector:
    """The gradient of |x|^p + |y|^p + |z|^p."""
    del q
    return tuple(c.sign() * c.abs().clamp(1e-6, 2) ** (p - 1) for c in x)  # type: ignore[return-value]


def torus(x: Vector, p: Tensor, q: Tensor) -> Vector:
    """Away from the ring's middle line."""
    del q
    radius = (x[0] * x[0] + x[2] * x[2]).sqrt().clamp_min(1e-6)
    share = 1 - (1 - p) / radius
    return x[0] * share, x[1], x[2] * share


NORMALS = (box, taper, ball, frustum, cushion, torus)
"""In the order of `world.KINDS`."""
