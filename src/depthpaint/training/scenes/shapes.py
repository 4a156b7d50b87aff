"""Where a ray meets a shape: closed forms for spheres, boxes, cylinders and cones standing on the floor.

Rays start at `origin` and run along `direction`, both tuples of three tensors that broadcast to (B, P): B
scenes of P rays. Every function returns `(t, normal)`: the ray parameter of the first hit in front of the
origin (infinite where the ray misses) and the outward unit normal there, three tensors (B, P). y points up,
the floor is y = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Vector = tuple[Tensor, Tensor, Tensor]
Hit = tuple[Tensor, Vector]
EPSILON = 1e-3


@dataclass(frozen=True, slots=True)
class Solid:
    """A shape's measures, each (B, 1): foot on the floor (x, z), radius or half width, height.

    Turn in radians.
    """

    x: Tensor
    z: Tensor
    radius: Tensor
    height: Tensor
    depth: Tensor
    turn: Tensor


def sphere(origin: Vector, direction: Vector, solid: Solid) -> Hit:
    """A ball of `radius` that rests on the floor."""
    ox, oy, oz = origin[0] - solid.x, origin[1] - solid.radius, origin[2] - solid.z
    dx, dy, dz = direction
    a = dx * dx + dy * dy + dz * dz
    b = ox * dx + oy * dy + oz * dz
    c = ox * ox + oy * oy + oz * oz - solid.radius**2
    root = b * b - a * c
    t = _in_front((-b - root.clamp_min(0).sqrt()) / a, root > 0)
    s = _finite(t)
    return t, ((ox + s * dx) / solid.radius, (oy + s * dy) / solid.radius, (oz + s * dz) / solid.radius)


def cube(origin: Vector, direction: Vector, solid: Solid) -> Hit:
    """A box of half width `radius`, half depth `depth` and height `height`, turned about the vertical."""
    cos, sin = solid.turn.cos(), solid.turn.sin()
    px, pz = origin[0] - solid.x, origin[2] - solid.z
    local_o = (cos * px - sin * pz, origin[1] - solid.height / 2, sin * px + cos * pz)
    local_d = (cos * direction[0] - sin * direction[2], direction[1], sin * direction[0] + cos * direction[2])
    near: Tensor | None = None
    far: Tensor | None = None
    axis = torch.zeros(1)
    for index, half in enumerate((solid.radius, solid.height / 2, solid.depth)):
        safe = torch.where(local_d[index].abs() < 1e-7, torch.full_like(local_d[index], 1e-7), local_d[index])
        middle, reach = -local_o[index] / safe, half / safe.abs()
        enter, leave = middle - reach, middle + reach
        if near is None or far is None:
            near, far, axis = enter, leave, torch.zeros_like(enter)
        else:
            axis = torch.where(enter > near, torch.full_like(enter, float(index)), axis)
            near, far = torch.maximum(near, enter), torch.minimum(far, leave)
    if near is None or far is None:
        raise RuntimeError("a box has three axes")
    t = _in_front(near, near < far)
    sign = [torch.where(axis == i, -torch.sign(d), torch.zeros_like(d)) for i, d in enumerate(local_d)]
    return t, (cos * sign[0] + sin * sign[2], sign[1], -sin * sign[0] + cos * sign[2])


def cylinder(origin: Vector, direction: Vector, solid: Solid) -> Hit:
    """An upright cylinder of `radius` and `height`."""
    ox, oz = origin[0] - solid.x, origin[2] - solid.z
    dx, dy, dz = direction
    a = (dx * dx + dz * dz).clamp_min(1e-9)
    b = ox * dx + oz * dz
    root = b * b - a * (ox * ox + oz * oz - solid.radius**2)
    side = (-b - root.clamp_min(0).sqrt()) / a
    y = origin[1] + side * dy
    side = _in_front(side, (root > 0) & (y > 0) & (y < solid.height))
    lid = (solid.height - origin[1]) / torch.where(dy.abs() < 1e-7, torch.full_like(dy, 1e-7), dy)
    lx, lz = ox + lid * dx, oz + lid * dz
    lid = _in_front(lid, lx * lx + lz * lz < solid.radius**2)
    t = torch.minimum(side, lid)
    s, on_lid = _finite(t), lid < side
    nx, nz = (ox + s * dx) / solid.radius, (oz + s * dz) / solid.radius
    zero, one = torch.zeros_like(nx), torch.ones_like(nx)
    return t, (torch.where(on_lid, zero, nx), torch.where(on_lid, one, zero), torch.where(on_lid, zero, nz))


def cone(origin: Vector, direction: Vector, solid: Solid) -> Hit:
    """An upright cone: base `radius` on the floor, tip at `height`."""
    slope = solid.radius / solid.height
    ox, oy, oz = origin[0] - solid.x, solid.height - origin[1], origin[2] - solid.z
    dx, dy, dz = direction[0], -direction[1], direction[2]
    k = slope * slope
    a = dx * dx + dz * dz - k * dy * dy
    b = ox * dx + oz * dz - k * oy * dy
    c = ox * ox + oz * oz - k * oy * oy
    root = b * b - a * c
    t = torch.full_like(root, torch.inf)
    safe = torch.where(a.abs() < 1e-7, torch.full_like(a, 1e-7), a)
    for sign in (-1.0, 1.0):
        candidate = (-b + sign * root.clamp_min(0).sqrt()) / safe
        below_tip = oy + candidate * dy
        inside = (root > 0) & (below_tip > 0) & (below_tip < solid.height)
        t = torch.minimum(t, _in_front(candidate, inside))
    s = _finite(t)
    nx, nz = ox + s * dx, oz + s * dz
    ny = k.sqrt() * (nx * nx + nz * nz).sqrt()
    length = (nx * nx + ny * ny + nz * nz).sqrt().clamp_min(1e-9)
    return t, (nx / length, ny / length, nz / length)


INTERSECTIONS: dict[str, Callable[[Vector, Vector, Solid], Hit]] = {
    "sphere": sphere, "cube": cube, "cylinder": cylinder, "cone": cone,
}  # fmt: skip


def _in_front(t: Tensor, hit: Tensor) -> Tensor:
    return torch.where(hit & (t > EPSILON), t, torch.full_like(t, torch.inf))


def _finite(t: Tensor) -> Tensor:
    """Misses get a harmless distance, so that their unused normals hold no NaN."""
    return torch.where(torch.isinf(t), torch.zeros_like(t), t)
