"""Exact disparity made like the maps that people have: from estimators, small, 8-bit, noisy, holed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Floats = NDArray[np.float32]


def scaled(disparity: Floats) -> Floats:
    """Stretch to [0, 1], 1 the nearest; a flat map becomes 0."""
    low, high = float(disparity.min()), float(disparity.max())
    return ((disparity - low) / max(high - low, 1e-9)).astype(np.float32)


def degrade_disparity(disparity: Floats, rng: np.random.Generator) -> Floats:
    """A map (H, W) in [0, 1] as it is found in the wild; near stays brighter than far.

    In this order: the curve that a relative estimator bends disparity by, its soft edges and slow errors,
    holes filled as far, noise, 8 bits. Each happens in a part of all cases.
    """
    d = _bent(scaled(disparity), rng)
    short = min(d.shape)
    if rng.random() < 0.65:
        d = _soft(d, rng, short)
    if rng.random() < 0.4:
        d = (d + float(rng.uniform(0.005, 0.03)) * _clouds(d.shape, rng)).astype(np.float32)
    if rng.random() < 0.08:
        d = _holed(d, rng, short)
    if rng.random() < 0.25:
        d = (d + rng.normal(0, float(rng.uniform(0.002, 0.012)), d.shape)).astype(np.float32)
    d = scaled(d)
    if rng.random() < 0.7:
        d = (np.round(d * 255) / 255).astype(np.float32)
    return d


def _bent(d: Floats, rng: np.random.Generator) -> Floats:
    """Estimators know disparity up to scale and shift, and lift what is far: a monotone curve."""
    kind = rng.random()
    if kind < 0.3:
        return d
    if kind < 0.75:
        return np.power(d, np.float32(np.exp(rng.uniform(np.log(0.35), np.log(1.25))))).astype(np.float32)
    # A shift before the inverse squeezes the nearest part: 1 / (distance + shift).
    shift = float(rng.uniform(0.3, 4.0))
    return scaled((d / (1 + shift * d)).astype(np.float32))


def _soft(d: Floats, rng: np.random.Generator, short: int) -> Floats:
    image = Image.fromarray(d.astype(np.float32))
    if rng.random() < 0.5:
        # Through a smaller grid and back, as a network of lower resolution would give it.
        share = float(rng.uniform(0.3, 0.8))
        small = (max(4, round(d.shape[1] * share)), max(4, round(d.shape[0] * share)))
        back = image.resize(small, Image.Resampling.BOX).resize(image.size, Image.Resampling.BICUBIC)
        return np.clip(np.asarray(back, dtype=np.float32), 0, 1)
    if rng.random() < 0.4:
        rough = Image.fromarray((d * 255).astype(np.uint8)).filter(ImageFilter.MedianFilter(3))
        return np.asarray(rough, dtype=np.float32) / np.float32(255)
    radius = float(rng.uniform(0.3, 1.3)) * short / 128
    reach = max(1, int(np.ceil(2 * radius)))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        padded = np.pad(d, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        parts = [w * np.take(padded, range(i, i + d.shape[axis]), axis=axis) for i, w in enumerate(weights)]
        d = np.stack(parts).sum(0, dtype=np.float32)
    return d


def _clouds(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Slow noise of unit size (H, W)."""
    cells = int(rng.integers(3, 7))
    coarse = Image.fromarray(rng.normal(0, 1, (cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((shape[1], shape[0]), Image.Resampling.BICUBIC), dtype=np.float32)


def _holed(d: Floats, rng: np.random.Generator, short: int) -> Floats:
    """A few small blots without a measurement, which files store as far."""
    out = d.copy()
    height, width = d.shape
    y, x = np.mgrid[0:height, 0:width]
    for _ in range(int(rng.integers(1, 4))):
        radius = rng.uniform(0.01, 0.035) * short
        cy, cx = rng.uniform(0, height), rng.uniform(0, width)
        out[(y - cy) ** 2 + (x - cx) ** 2 < radius**2] = 0
    return out
