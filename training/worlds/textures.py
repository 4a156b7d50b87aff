"""Patterns on surfaces: how much of a look's second colour shows, and how bright a place is.

Every pattern gets `u`, `v` in units of the look's scale, `a`, `b` in [-1, 1] across the face, and `fade` in
[0, 1], which falls where a pixel is larger than the pattern: a real picture would average it there. It
returns `(mix, gain)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from training.worlds.noise import SIDE, fractal, gradients, noise, smooth


@dataclass(frozen=True, slots=True)
class Place:
    """Where on a surface: see the module's text. All tensors are flat."""

    u: Tensor
    v: Tensor
    a: Tensor
    b: Tensor
    fade: Tensor

    def pick(self, rows: Tensor) -> Place:
        """Only the places numbered `rows`."""
        return Place(self.u[rows], self.v[rows], self.a[rows], self.b[rows], self.fade[rows])


Pattern = tuple[Tensor, Tensor]


def cell(i: Tensor, j: Tensor) -> Tensor:
    """A random number in [-1, 1] for every cell of a grid."""
    index = (i.to(torch.int64) & (SIDE - 1)) * SIDE + (j.to(torch.int64) & (SIDE - 1))
    return gradients(str(i.device))[0].index_select(0, index)


def _line(x: Tensor, width: float) -> Tensor:
    """1 near whole numbers, within `width`."""
    return 1 - smooth(width * 0.6, width * 1.4, (x - x.round()).abs())


def _plain(p: Place) -> Pattern:
    return torch.zeros_like(p.u), 1 + 0.02 * noise(p.u * 1.3, p.v * 1.3)


def _wood(p: Place) -> Pattern:
    warp = noise(p.u * 0.7, p.v * 2.5)
    rings = torch.sin(p.v * 16 + 5 * warp) * 0.5 + 0.5
    return (0.25 + 0.5 * rings * p.fade + 0.25 * (warp * 0.5 + 0.5)).clamp(0, 1), torch.ones_like(p.u)


def _planks(p: Place) -> Pattern:
    row = p.u.floor()
    along = p.v * 0.22 + cell(row, row * 0 + 3)
    tone = cell(row, along.floor())
    joint = torch.maximum(_line(p.u, 0.05), _line(along, 0.012)) * p.fade
    grain = noise(p.u * 9, p.v * 0.9) * p.fade
    return (0.35 + 0.3 * tone + 0.25 * grain).clamp(0, 1), 1 - 0.55 * joint


def _tiles(p: Place) -> Pattern:
    joint = torch.maximum(_line(p.u, 0.03), _line(p.v, 0.03)) * p.fade
    return joint, 1 + 0.07 * cell(p.u.floor(), p.v.floor())


def _checker(p: Place) -> Pattern:
    odd = ((p.u.floor() + p.v.floor()) % 2 > 0.5).to(p.u.dtype)
    return 0.5 + (odd - 0.5) * p.fade, torch.ones_like(p.u)


def _brick(p: Place) -> Pattern:
    course = p.v * 3
    along = p.u * 1.1 + 0.5 * (course.floor() % 2)
    joint = torch.maximum(_line(course, 0.10), _line(along, 0.04)) * (0.25 + 0.75 * p.fade)
    return joint, 1 + 0.20 * cell(along.floor(), course.floor()) * (0.3 + 0.7 * p.fade)


def _stone(p: Place) -> Pattern:
    u = p.u + 0.22 * noise(p.u * 1.7, p.v * 1.7)
    v = p.v * 1.5 + 0.22 * noise(p.u * 1.9 + 9, p.v * 1.9)
    u = u + 0.5 * (v.floor() % 2)
    joint = torch.maximum(_line(u, 0.06), _line(v, 0.08)) * p.fade
    tone = cell(u.floor(), v.floor())
    return 0.75 * joint, 1 + 0.22 * tone + 0.08 * noise(p.u * 6, p.v * 6) * p.fade


def _marble(p: Place) -> Pattern:
    warp = fractal(p.u * 0.9, p.v * 0.9, 3)
    vein = (1 - 3.2 * (noise(p.u * 0.8 + 1.6 * warp, p.v * 0.8 - 1.1 * warp)).abs()).clamp(0, 1)
    return (vein**2 * (0.35 + 0.5 * p.fade)).clamp(0, 1), 1 + 0.05 * warp


def _fabric(p: Place) -> Pattern:
    folds = noise(p.u * 0.8, p.v * 0.8)
    weave = noise(p.u * 14, p.v * 14) * p.fade
    return torch.zeros_like(p.u), 1 + 0.05 * folds + 0.10 * weave


def _grass(p: Place) -> Pattern:
    patches = fractal(p.u * 0.12, p.v * 0.12, 3)
    blades = (0.6 * noise(p.u * 3, p.v * 1.8) + 0.7 * noise(p.u * 11, p.v * 5)) * p.fade
    return (0.45 + 0.8 * patches + 0.25 * blades).clamp(0, 1), 1 + 0.22 * blades


def _sand(p: Place) -> Pattern:
    ripple = torch.sin(p.v * 5 + 2.5 * noise(p.u * 0.35, p.v * 0.35)) * p.fade
    return (0.4 + 0.4 * noise(p.u * 0.15, p.v * 0.15) + 0.25 * ripple).clamp(0, 1), 1 + 0.05 * ripple


def _snow(p: Place) -> Pattern:
    soft = fractal(p.u * 0.2, p.v * 0.2, 3)
    return (0.3 + 0.5 * soft).clamp(0, 1), 1 + 0.03 * noise(p.u * 4, p.v * 4) * p.fade


def _water(p: Place) -> Pattern:
    return (0.5 + 0.5 * noise(p.u * 0.1, p.v * 0.3)).clamp(0, 1), torch.ones_like(p.u)


def _metal(p: Place) -> Pattern:
    return torch.zeros_like(p.u), 1 + 0.06 * noise(p.u * 2, p.v * 30) * p.fade


def _leaves(p: Place) -> Pattern:
    clumps = noise(p.u * 2, p.v * 2)
    fine = noise(p.u * 7, p.v * 7) * p.fade
    return (0.5 + 0.4 * clumps + 0.5 * fine).clamp(0, 1), 1 + 0.16 * clumps + 0.42 * fine


def _shingles(p: Place) -> Pattern:
    row = p.v * 3
    along = p.u * 2.4 + 0.5 * (row.floor() % 2)
    edge = (row % 1) ** 2 * p.fade
    return torch.zeros_like(p.u), (1.08 - 0.30 * edge) * (
        1 + 0.14 * cell(along.floor(), row.floor()) * p.fade
    )


def _stripes(p: Place) -> Pattern:
    wave = ((p.u % 1) > 0.5).to(p.u.dtype)
    return 0.5 + (wave - 0.5) * p.fade, torch.ones_like(p.u)


def _books(p: Place) -> Pattern:
    # Spines of random widths: two offset grids decide colour and height.
    x = p.u * 14 + 0.6 * noise(p.u * 9, p.v * 0)
    tone = cell(x.floor(), (p.u * 0.0 + 7))
    gap = _line(x, 0.08)
    return 0.5 + 0.5 * tone, (1 + 0.3 * cell(x.floor(), p.u * 0 + 3)) * (1 - 0.7 * gap * p.fade)


def _painting(p: Place) -> Pattern:
    hills = fractal(p.a * 1.3 + p.u.mean() * 0 + 4, p.b * 0 + 2, 3) * 0.5
    below = smooth(-0.03, 0.03, hills - p.b - 0.1)
    return (below * 0.8 + 0.2 * noise(p.a * 2, p.b * 3)).clamp(0, 1), 1 + 0.1 * noise(p.a * 5, p.b * 5)


def _window(p: Place) -> Pattern:
    # Frame along the edge and a cross in the middle.
    edge = torch.maximum(p.a.abs(), p.b.abs()) > 0.86
    bar = (p.a.abs() < 0.06) | (p.b.abs() < 0.05)
    return (edge | bar).to(p.u.dtype), 1 + 0.3 * p.b * (~(edge | bar)).to(p.u.dtype)


def _door(p: Place) -> Pattern:
    panel = ((p.a.abs() - 0.5).abs() < 0.3) & (((p.b + 0.05).abs() - 0.48).abs() < 0.32)
    rim = ((p.a.abs() - 0.5).abs() < 0.38) & (((p.b + 0.05).abs() - 0.48).abs() < 0.38) & ~panel
    return torch.zeros_like(p.u), 1 - 0.28 * rim.to(p.u.dtype) - 0.04 * panel.to(p.u.dtype)


def _bark(p: Place) -> Pattern:
    return torch.zeros_like(p.u), 1 + 0.35 * noise(p.u * 6, p.v * 1.2) * p.fade


def _asphalt(p: Place) -> Pattern:
    return torch.zeros_like(p.u), 1 + 0.08 * fractal(p.u * 0.5, p.v * 0.5, 3) + 0.1 * noise(
        p.u * 9, p.v * 9
    ) * p.fade


def _rock(p: Place) -> Pattern:
    rough = fractal(p.u, p.v * 1.7, 4)
    return (0.5 + 0.7 * rough).clamp(0, 1), 1 + 0.35 * rough * (0.4 + 0.6 * p.fade)


def _rug(p: Place) -> Pattern:
    border = (torch.maximum(p.a.abs(), p.b.abs()) - 0.84).abs() < 0.05
    heart = (p.a.abs() + p.b.abs() - 0.45).abs() < 0.07
    return (border | heart).to(p.u.dtype) * 0.9, 1 + 0.08 * noise(p.u * 12, p.v * 12) * p.fade


PATTERNS: dict[str, Callable[[Place], Pattern]] = {
    "plain": _plain,
    "wood": _wood,
    "planks": _planks,
    "tiles": _tiles,
    "checker": _checker,
    "brick": _brick,
    "stone": _stone,
    "marble": _marble,
    "fabric": _fabric,
    "grass": _grass,
    "sand": _sand,
    "snow": _snow,
    "water": _water,
    "metal": _metal,
    "leaves": _leaves,
    "shingles": _shingles,
    "stripes": _stripes,
    "books": _books,
    "painting": _painting,
    "window": _window,
    "door": _door,
    "bark": _bark,
    "asphalt": _asphalt,
    "rock": _rock,
    "rug": _rug,
}
TEXTURES = tuple(PATTERNS)


def patterns(kind: Tensor, place: Place) -> Pattern:
    """The pattern of every place, each by its kind (an index into `TEXTURES`)."""
    mix, gain = torch.zeros_like(place.u), torch.ones_like(place.u)
    present: list[int] = kind.unique().tolist()
    for number in present:
        rows = (kind == number).nonzero(as_tuple=True)[0]
        mix[rows], gain[rows] = PATTERNS[TEXTURES[number]](place.pick(rows))
    return mix, gain.clamp(0.1, 2)
