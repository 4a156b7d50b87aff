"""From light to picture: development, and the ways a picture may be drawn (watercolour, pencil sketch)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.worlds.noise import fractal

PAPER = (0.97, 0.96, 0.93)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A drawn batch: `picture` and `normal` (B, H, W, 3), `disparity` and `ids` (B, H, W)."""

    picture: Tensor
    disparity: Tensor
    normal: Tensor
    ids: Tensor


def develop(light: Tensor) -> Tensor:
    """Linear light to sRGB in [0, 1]; the brightest parts roll off softly instead of clipping."""
    shoulder = 0.72
    over = (light - shoulder).clamp_min(0)
    rolled = torch.where(
        light > shoulder, shoulder + (1 - shoulder) * (1 - torch.exp(-over / (1 - shoulder))), light
    )
    return rolled.clamp(0, 1) ** (1 / 2.2)


def styled(styles: Sequence[str], sheet: Sheet) -> Tensor:
    """The pictures, those that ask for it redrawn."""
    picture = sheet.picture
    for style, redraw in (("watercolour", _watercolour), ("pencil", _pencil)):
        rows = [i for i, s in enumerate(styles) if s == style]
        if rows:
            at = torch.tensor(rows, device=picture.device)
            part = Sheet(sheet.picture[at], sheet.disparity[at], sheet.normal[at], sheet.ids[at])
            picture = picture.clone()
            picture[at] = redraw(part)
    return picture.clamp(0, 1)


def _blur(image: Tensor, radius: int) -> Tensor:
    """Box blur of (B, H, W, C) with edges repeated."""
    size = 2 * radius + 1
    padded = torch.nn.functional.pad(image.permute(0, 3, 1, 2), (radius,) * 4, mode="replicate")
    return torch.nn.functional.avg_pool2d(padded, size, 1).permute(0, 2, 3, 1)


def _grain(like: Tensor, cells: float) -> Tensor:
    """Paper: noise (H, W), `cells` of it across the picture's short side, whatever its size in pixels."""
    height, width = like.shape[1:3]
    scale = cells / min(height, width)
    y, x = torch.meshgrid(
        torch.arange(height, device=like.device) * scale,
        torch.arange(width, device=like.device) * scale,
        indexing="ij",
    )
    return fractal(x + 3.3, y + 8.1, 3)


def _edges(sheet: Sheet) -> Tensor:
    """Outlines (B, H, W) in [0, 1]: where names, directions or depth change."""
    total = torch.zeros_like(sheet.disparity)
    for axis in (1, 2):
        step = (sheet.disparity - sheet.disparity.roll(1, axis)).abs()
        level = torch.minimum(sheet.disparity, sheet.disparity.roll(1, axis)) + 1e-4
        turn = 1 - (sheet.normal * sheet.normal.roll(1, axis)).sum(-1)
        named = (sheet.ids != sheet.ids.roll(1, axis)).to(turn.dtype)
        found = torch.maximum(((step / level - 0.12) * 4).clamp(0, 1), ((turn - 0.15) * 2).clamp(0, 1))
        found = torch.maximum(found, 0.8 * named)
        if axis == 1:
            found[:, 0] = 0
        else:
            found[:, :, 0] = 0
        total = torch.maximum(total, found)
    return total


def _kuwahara(image: Tensor, radius: int) -> Tensor:
    """The calmest of four neighbouring squares: flat patches with firm edges, as paint dries."""
    mean = _blur(image, radius)
    spread = (_blur(image * image, radius) - mean * mean).sum(-1)
    best, least = mean, torch.full_like(spread, torch.inf)
    for down in (-radius, radius):
        for across in (-radius, radius):
            rows = (torch.arange(image.shape[1], device=image.device) - down).clamp(0, image.shape[1] - 1)
            columns = (torch.arange(image.shape[2], device=image.device) - across).clamp(
                0, image.shape[2] - 1
            )
            shifted, calm = mean[:, rows][:, :, columns], spread[:, rows][:, :, columns]
            better = calm < least
            best, least = torch.where(better[..., None], shifted, best), torch.where(better, calm, least)
    return best


def _watercolour(sheet: Sheet) -> Tensor:
    height, width = sheet.picture.shape[1:3]
    radius = max(1, round(min(height, width) / 90))
    patches = _kuwahara(sheet.picture, radius)
    gray = patches.mean(-1, keepdim=True)
    vivid = (gray + 1.25 * (patches - gray)).clamp(0, 1)
    wash = (0.5 * _grain(patches, 5) + 0.12 * _grain(patches, 40))[None, ..., None]
    pooled = (patches - _blur(patches, 2 * radius)).clamp(-0.15, 0.15)
    paper = torch.tensor(PAPER, device=patches.device)
    # Pigment takes light away from white paper: thin where the wash runs out.
    ink = (1 - vivid.clamp_min(0.03)) * (0.82 + 0.34 * wash) - 0.6 * pooled
    return paper * (1 - ink.clamp(0, 1)) - 0.10 * _edges(sheet)[..., None]


def _pencil(sheet: Sheet) -> Tensor:
    height, width = sheet.picture.shape[1:3]
    gray = _blur(sheet.picture, 1).mean(-1)
    y, x = torch.meshgrid(
        torch.arange(height, device=gray.device), torch.arange(width, device=gray.device), indexing="ij"
    )
    period = max(4.0, min(height, width) / 30)
    dark = (0.9 - gray).clamp(0, 1)
    # Strokes lean one way and wander; noise along them keeps them from looking ruled.
    stroke = 0.5 + 0.5 * torch.sin((x + 0.8 * y) * (6.283 / period) + 5 * _grain(sheet.picture, 9))
    rough = 0.5 + 0.9 * _grain(sheet.picture, 45)
    shade = dark**1.6 * (0.70 + 0.25 * stroke + 0.25 * rough)
    tone = 0.97 - 0.70 * shade - 0.55 * _edges(sheet) + 0.03 * _grain(sheet.picture, 70)
    return tone[..., None] * torch.tensor((1.0, 0.995, 0.975), device=gray.device)
