"""First hits of a picture's rays: every solid is tried only at the pixels its outline may touch.

Pairs of (solid, pixel) from all worlds of a batch form one flat list, cut into pieces that fit the cache.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.worlds.solids import INTERSECTIONS
from training.worlds.tables import Solids

NEAR = 0.03
"""Metres in front of the eye where outlines are cut."""

PIECE = {"cpu": 40_000, "cuda": 8_000_000}


@dataclass(frozen=True, slots=True)
class View:
    """Eyes of B worlds with rows x columns rays each; ray (j, i) leaves at u = x[i] + slant[j], v = y[j].

    `origin`, `right`, `up`, `forward` (B, 3): perspective rays run along forward + u right + v up, so that
    t is the distance along the view axis; parallel ones start at origin + u right + v up and run forward.
    """

    origin: Tensor
    right: Tensor
    up: Tensor
    forward: Tensor
    u: Tensor
    v: Tensor
    parallel: bool

    @property
    def rows(self) -> int:
        """Rows of rays."""
        return self.u.shape[0]

    @property
    def columns(self) -> int:
        """Columns of rays."""
        return self.u.shape[1]


def ray_grid(columns: int, rows: int, *, slanted: bool, device: str) -> tuple[Tensor, Tensor]:
    """u and v (rows, columns) in [-1, 1]; slanted rows lie a quarter of a column left and right in turn."""
    v = 1 - 2 * (torch.arange(rows, device=device) + 0.5) / rows
    u = 2 * (torch.arange(columns, device=device) + 0.5) / columns - 1
    shift = torch.zeros(rows, device=device)
    if slanted:
        shift[0::2], shift[1::2] = -0.5 / columns, 0.5 / columns
    return u[None, :] + shift[:, None], v[:, None].expand(rows, columns)


def trace(solids: Solids, view: View) -> tuple[Tensor, Tensor]:
    """Distance t (B * rays,) of the nearest hit, infinite for none, and the solid that was hit (-1: none)."""
    worlds, rays = view.origin.shape[0], view.rows * view.columns
    device = view.origin.device
    t = torch.full((worlds * rays,), torch.inf, device=device)
    winner = torch.full((worlds * rays,), -1, dtype=torch.int64, device=device)
    if solids.kind.numel() == 0:
        return t, winner
    left, right, top, bottom = _outlines(solids, view)
    count = (right - left).clamp_min(0) * (bottom - top).clamp_min(0)
    coefficients = _coefficients(solids, view).t().contiguous()
    u, v = view.u.reshape(-1), view.v.reshape(-1)
    totals: list[int] = count.tolist()
    kinds: list[int] = solids.kind.tolist()
    for first, last in _pieces(totals, kinds, PIECE[device.type]):
        own = count[first:last]
        solid = torch.repeat_interleave(torch.arange(first, last, device=device), own)
        starts = own.cumsum(0) - own
        number = torch.arange(solid.numel(), device=device) - torch.repeat_interleave(starts, own)
        width = (right - left)[solid]
        down = torch.div(number, width, rounding_mode="floor")
        ray = (top[solid] + down) * view.columns + left[solid] + number - down * width
        o, d = _rays(coefficients.index_select(1, solid), u[ray], v[ray], view.parallel)
        hit = INTERSECTIONS[kinds[first]](o, d, solids.shape[solid, 0], solids.shape[solid, 1])
        met = hit.isfinite().nonzero(as_tuple=True)[0]
        at, hit, solid = solids.world[solid[met]] * rays + ray[met], hit[met], solid[met]
        t.scatter_reduce_(0, at, hit, "amin")
        nearest = (hit == t[at]).nonzero(as_tuple=True)[0]
        winner[at[nearest]] = solid[nearest]
    return t, winner


def _pieces(totals: list[int], kinds: list[int], most: int) -> list[tuple[int, int]]:
    """Runs of solids of one kind with about `most` pairs."""
    found: list[tuple[int, int]] = []
    first, load = 0, 0
    for index, (total, kind) in enumerate(zip(totals, kinds, strict=True)):
        if index > first and (kind != kinds[first] or load + total > most):
            found.append((first, index))
            first, load = index, 0
        load += total
    found.append((first, len(totals)))
    return [(a, b) for a, b in found if sum(totals[a:b])]


def _coefficients(solids: Solids, view: View) -> Tensor:
    """What is linear in u and v: rows of 12 numbers, (S, 12). See `_rays`."""
    to_own = solids.axes / solids.half[..., None]  # (S, 3, 3)

    def own(vectors: Tensor) -> Tensor:
        return (to_own @ vectors[..., None])[..., 0]

    w = solids.world
    start = own(view.origin[w] - solids.centre)
    return torch.cat((start, own(view.forward[w]), own(view.right[w]), own(view.up[w])), 1)


def _rays(
    c: Tensor, u: Tensor, v: Tensor, parallel: bool
) -> tuple[tuple[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]:
    bent = tuple(c[i + (0 if parallel else 3)] + u * c[i + 6] + v * c[i + 9] for i in range(3))
    fixed = tuple(c[i + (3 if parallel else 0)] for i in range(3))
    return (bent, fixed) if parallel else (fixed, bent)  # type: ignore[return-value]


def _outlines(solids: Solids, view: View) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Left, right, top, bottom (S,): the half-open range of columns and rows that a solid may cover."""
    w, device = solids.world, solids.centre.device
    sign = torch.tensor([-1.0, 1.0], device=device)
    unit = torch.cartesian_prod(sign, sign, sign)  # (8, 3)
    corner = (
        solids.centre[:, None] + (unit[None] * solids.half[:, None]) @ solids.axes - view.origin[w][:, None]
    )
    right, up = view.right[w], view.up[w]
    x = (corner * right[:, None]).sum(-1) / (right * right).sum(-1, keepdim=True)
    y = (corner * up[:, None]).sum(-1) / (up * up).sum(-1, keepdim=True)
    z = (corner * view.forward[w][:, None]).sum(-1)
    if not view.parallel:
        x, y = _project(x, y, z)
    columns, rows = view.columns, view.rows
    left = ((x.amin(1) + 1) / 2 * columns - 1.6).floor().clamp(0, columns)
    last = ((x.amax(1) + 1) / 2 * columns + 1.6).ceil().clamp(0, columns)
    top = ((1 - y.amax(1)) / 2 * rows - 1.6).floor().clamp(0, rows)
    bottom = ((1 - y.amin(1)) / 2 * rows + 1.6).ceil().clamp(0, rows)
    behind = z.amax(1) < NEAR if not view.parallel else torch.zeros_like(left, dtype=torch.bool)
    last, bottom = torch.where(behind, left, last), torch.where(behind, top, bottom)
    return left.long(), last.long(), top.long(), bottom.long()


EDGES = ((0, 1), (2, 3), (4, 5), (6, 7), (0, 2), (1, 3), (4, 6), (5, 7), (0, 4), (1, 5), (2, 6), (3, 7))


def _project(x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """Corners (S, 8) in the picture; edges are cut at the near plane, corners behind it left out."""
    a = torch.tensor([e[0] for e in EDGES], device=x.device)
    b = torch.tensor([e[1] for e in EDGES], device=x.device)
    share = (NEAR - z[:, a]) / torch.where(z[:, b] == z[:, a], torch.ones_like(z[:, a]), z[:, b] - z[:, a])
    cut = (z[:, a] < NEAR) != (z[:, b] < NEAR)
    cut_x = torch.lerp(x[:, a], x[:, b], share) / NEAR
    cut_y = torch.lerp(y[:, a], y[:, b], share) / NEAR
    seen = z >= NEAR
    all_x = torch.cat((x / z.clamp_min(NEAR), cut_x), 1)
    all_y = torch.cat((y / z.clamp_min(NEAR), cut_y), 1)
    use = torch.cat((seen, cut), 1)
    # Where nothing is left, the solid is behind the eye and is dropped by its depth.
    count = use.any(1, keepdim=True)
    use = use | ~count
    anchor = use.to(torch.int64).argmax(1, keepdim=True)
    return torch.where(use, all_x, all_x.gather(1, anchor)), torch.where(use, all_y, all_y.gather(1, anchor))
