"""Where rays meet the unit shapes, and the normals there. All tensors are flat: one entry a ray.

A ray is `o + t d` in the shape's own space, where the shape fits the cube [-1, 1]^3. Stretching keeps t, so
the t that comes back holds in the world too; infinite where the ray misses or starts inside.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Vector = tuple[Tensor, Tensor, Tensor]
EPSILON = 1e-3
NEWTON_STEPS = 7
TORUS_STEPS = 20


def _safe(x: Tensor) -> Tensor:
    return torch.where(x.abs() < 1e-9, torch.full_like(x, 1e-9), x)


def _keep(t: Tensor, hit: Tensor) -> Tensor:
    return torch.where(hit & (t > EPSILON), t, torch.full_like(t, torch.inf))


def _cube(o: Vector, d: Vector) -> tuple[Tensor, Tensor]:
    near = far = None
    for position, direction in zip(o, d, strict=True):
        inverse = _safe(direction).reciprocal()
        middle, reach = -position * inverse, inverse.abs()
        enter, leave = middle - reach, middle + reach
        near = enter if near is None else torch.maximum(near, enter)
        far = leave if far is None else torch.minimum(far, leave)
    if near is None or far is None:
        raise RuntimeError("a ray has three components")
    return near, far


def box(o: Vector, d: Vector, p: Tensor, q: Tensor) -> Tensor:
    """The cube itself."""
    del p, q
    near, far = _cube(o, d)
    return _keep(near, near < far)


def taper(o: Vector, d: Vector, p: Tensor, q: Tensor) -> Tensor:
    """A box that narrows upwards: at the top its half extents are `p` in x and `q` in z."""
    inverse = _safe(d[1]).reciprocal()
    near, far = -o[1] * inverse - inverse.abs(), -o[1] * inverse + inverse.abs()
    for axis, top in ((0, p), (2, q)):
        lean, middle = (1 - top) / 2, (1 + top) / 2
        for side in (-1.0, 1.0):
            space = middle - (side * o[axis] + lean * o[1])
            approach = _safe(side * d[axis] + lean * d[1])
            t = space / approach
            near = torch.maximum(near, torch.where(approach < 0, t, torch.full_like(t, -torch.inf)))
            far = torch.minimum(far, torch.where(approach > 0, t, torch.full_like(t, torch.inf)))
    return _keep(near, near < far)


def ball(o: Vector, d: Vector, p: Tensor, q: Tensor) -> Tensor:
    """The unit sphere."""
    del p, q
    a = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    b = o[0] * d[0] + o[1] * d[1] + o[2] * d[2]
    c = o[0] * o[0] + o[1] * o[1] + o[2] * o[2] - 1
    root = b * b - a * c
    return _keep((-b - root.clamp_min(0).sqrt()) / a, root > 0)


def frustum(o: Vector, d: Vector, p: Tensor, q: Tensor) -> Tensor:
    """A round shape of radius 1 at the bottom and `p` at the top."""
    del q
    lean, middle = (1 - p) / 2, (1 + p) / 2
    radius = middle - lean * o[1]
    a = _safe(d[0] * d[0] + d[2] * d[2] - (lean * d[1]) ** 2)
    b = o[0] * d[0] + o[2] * d[2] + lean * d[1] * radius
    c = o[0] * o[0] + o[2] * o[2] - radius * radius
    root = b * b - a * c
    sqrt = root.clamp_min(0).sqrt()
    best = torch.full_like(a, torch.inf)
    for t in ((-b - sqrt) / a, (-b + sqrt) / a):
        best = torch.minimum(best, _keep(t, (root > 0) & ((o[1] + t * d[1]).abs() < 1)))
    inverse = _safe(d[1]).reciprocal()
    for level, limit in ((1.0, p), (-1.0, torch.ones_like(p))):
        t = (level - o[1]) * inverse
        x, z = o[0] + t * d[0], o[2] + t * d[2]
        best = torch.minimum(best, _keep(t, x * x + z * z < limit * limit))
    return best


def cushion(o: Vector, d: Vector, p: Tensor, q: Tensor) -> Tensor:
    """|x|^p + |y|^p + |z|^p = 1. Newton from the cube's face: convex along a ray, so it never overshoots."""
    del q
    near, far = _cube(o, d)
    t = near.clamp_min(0)
    value = torch.zeros_like(t)
    for _ in range(NEWTON_STEPS):
        value, slope = -torch.ones_like(t), torch.zeros_like(t)
        for position, direction in zip(o, d, strict=True):
            x = position + t * direction
            power = x.abs().clamp(1e-6, 4.0) ** (p - 1)
            value = value + power * x.abs()
            slope = slope + p * power * x.sign() * direction
        t = t - torch.where(slope < 0, value / slope.clamp_max(-1e-9), torch.zeros_like(t))
    return _keep(t, (near < far) & (value < 0.02) & (near > 0) & (t <= far))


def torus(o: Vector, d: Vector, p: Tensor, q: Tensor) -> Tensor:
    """A flat ring with outer radius 1 and tube radius `p`, by sphere tracing."""
    del q
    near, far = _cube(o, (d[0], d[1], d[2]))
    speed = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt()
    t = near.clamp_min(0)
    gap = torch.ones_like(t)
    for _ in range(TORUS_STEPS):
        x, y, z = o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2]
        across = (x * x + z * z).sqrt() - (1 - p)
        gap = (across * across + y * y).sqrt() - p
        t = t + gap / speed
    return _keep(t, (near < far) & (gap < 0.02) & (t < far + 0.1))


INTERSECTIONS: tuple[Callable[[Vector, Vector, Tensor, Tensor], Tensor], ...] = (
    box,
    taper,
    ball,
    frustum,
    cushion,
    torus,
)
"""In the order of `world.KINDS`."""
