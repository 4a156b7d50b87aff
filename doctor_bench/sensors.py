"""What cameras, scanners and estimators make of true distances: noise, steps, limits, and lost pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from doctor_bench.geometry import Floats
from doctor_bench.scenes import Scene
from doctor_bench.things import Rng

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Measured:
    """`distance` (H, W) in metres; `lost` where nothing was measured; `beyond` where there is nothing."""

    distance: Floats
    lost: Mask
    beyond: Mask


def perfect(scene: Scene) -> Measured:
    """A renderer's depth pass."""
    beyond = ~np.isfinite(scene.distance)
    return Measured(np.where(beyond, 1.0, scene.distance), np.zeros_like(beyond), beyond)


def active_camera(scene: Scene, rng: Rng, far: float) -> Measured:
    """A depth camera with a projector: shadows, a blind border, torn edges, spots, steps that grow with z^2.

    Some are registered to a colour camera, which leaves an empty rim.
    """
    exact = perfect(scene)
    baseline, subpixels = rng.uniform(0.03, 0.08), float(rng.choice((8, 16, 32)))
    shift = scene.camera.focal * baseline / exact.distance
    pixels = 640 / scene.camera.width * shift  # of the sensor itself, which is larger than the picture
    noisy = np.rint((pixels + rng.normal(0, 0.08, shift.shape)) * subpixels) / subpixels
    measured = pixels * exact.distance / np.maximum(noisy, 1 / subpixels)
    near = float(rng.uniform(0.1, 0.28))
    lost = exact.beyond | (measured > far) | (measured < near)
    lost |= shaded(shift, exact.beyond)
    lost |= _torn_edges(exact, rng, rng.uniform(0.2, 0.7)) | _spots(rng, lost.shape, rng.uniform(0, 0.08))
    if rng.random() < 0.4:
        lost |= _rim(rng, lost.shape)
    return Measured(measured, lost, np.zeros_like(lost))


def time_of_flight(scene: Scene, rng: Rng, far: float) -> Measured:
    """A time-of-flight camera: noise that grows with the distance, mixed or lost edges, no shadows."""
    exact = perfect(scene)
    measured = exact.distance + rng.normal(0, 1, exact.distance.shape) * (0.001 + 0.0015 * exact.distance)
    edges = _torn_edges(exact, rng, rng.uniform(0.3, 0.8))
    flying = edges & (rng.random(edges.shape) < 0.15)
    behind = np.roll(measured, 2, axis=1)
    measured = np.where(flying, (measured + behind) / 2, measured)
    lost = (
        exact.beyond | (measured > far) | (edges & ~flying) | _spots(rng, edges.shape, rng.uniform(0, 0.04))
    )
    return Measured(np.maximum(measured, 0.01), lost, np.zeros_like(lost))


def passive_stereo(scene: Scene, rng: Rng, far: float) -> Measured:
    """A stereo pair: occlusions to the left of near things, a blind left border, unmatched spots."""
    exact = perfect(scene)
    closest = float(exact.distance[~exact.beyond].min())
    shift = rng.uniform(0.08, 0.2) * scene.camera.width * closest / exact.distance
    shift = np.where(exact.beyond, 0, shift)
    noisy = np.maximum(shift + _smooth_noise(rng, shift.shape, 0.15) + rng.normal(0, 0.06, shift.shape), 0.05)
    measured = np.where(exact.beyond, 1.0, shift * exact.distance / noisy)
    lost = exact.beyond | (measured > far) | shaded(shift, exact.beyond)
    lost |= _spots(rng, lost.shape, rng.uniform(0, 0.12))
    return Measured(measured, lost, np.zeros_like(lost))


def scanned(scene: Scene, rng: Rng, far: float, dense: bool) -> Measured:
    """Lidar points in a camera's picture: lines of a scanner, of one turn or (dense) of several turns."""
    exact = perfect(scene)
    height, width = exact.distance.shape
    rows, columns = np.mgrid[0:height, 0:width]
    line = rows + 0.02 * (columns - width / 2) ** 2 / width  # lines bend in a picture
    every = float(rng.uniform(2, 3) if dense else rng.uniform(3, 6))
    on_line = (line / every + rng.random()) % 1 < 1 / every
    kept = on_line & (rng.random((height, width)) < (0.85 if dense else rng.uniform(0.4, 0.8)))
    if dense:
        kept |= np.roll(kept, 1, axis=0) & (rng.random((height, width)) < 0.6)
    kept &= rows > height * rng.uniform(0.15, 0.35)
    measured = exact.distance + rng.normal(0, 0.02, exact.distance.shape)
    lost = ~kept | exact.beyond | (measured > far)
    return Measured(np.maximum(measured, 0.1), lost, np.zeros_like(lost))


def estimated(scene: Scene, rng: Rng) -> Floats:
    """Disparity (H, W) in [0, 1] as a network estimates it: soft, locally off by a little, the sky at 0."""
    exact = perfect(scene)
    disparity = np.where(exact.beyond, 0, 1 / exact.distance)
    if rng.random() < 0.5:  # networks see less contrast among what is very near
        disparity = disparity ** rng.uniform(0.6, 1.0)
    height, width = disparity.shape
    share = rng.uniform(0.35, 1.0)
    small = Image.fromarray(disparity.astype(np.float32)).resize(
        (max(16, round(width * share)), max(16, round(height * share))), Image.Resampling.BOX
    )
    soft = np.asarray(small.resize((width, height), Image.Resampling.BILINEAR), np.float64)
    low, high = float(soft.min()), float(soft.max())
    soft = (soft - low) / (high - low)
    errors = _smooth_noise(rng, soft.shape, 0.012, 24) + _smooth_noise(rng, soft.shape, 0.002, 3)
    soft = np.where(soft > 0.004, soft + errors, soft).clip(0, None)
    return soft / soft.max()


def shaded(shift: Floats, beyond: Mask) -> Mask:
    """What a second camera or a projector, to the right, does not reach; `shift` (H, W) are its disparities.

    A pixel lands at its column less its shift: it is hidden where one further right lands no further right.
    The leftmost ones land outside.
    """
    lands = np.arange(shift.shape[1], dtype=np.float64) - np.where(beyond, 0.0, shift)
    least = np.minimum.accumulate(lands[:, ::-1], axis=1)[:, ::-1]
    hidden = np.zeros(shift.shape, dtype=np.bool_)
    hidden[:, :-1] = least[:, 1:] < lands[:, :-1] - 0.5
    return hidden | (lands < -0.5)


def _torn_edges(exact: Measured, rng: Rng, share: float) -> Mask:
    """Some of the pixels beside steps in depth."""
    z = np.where(exact.beyond, 1e6, exact.distance)
    steps = np.zeros(z.shape, dtype=np.bool_)
    for axis in (0, 1):
        ratio = z / np.roll(z, 1, axis=axis)
        jump = (ratio > 1.06) | (ratio < 0.94)
        steps |= jump | np.roll(jump, -1, axis=axis)
    steps[0] = steps[-1] = steps[:, 0] = steps[:, -1] = False
    return steps & (rng.random(z.shape) < share)


def _smooth_noise(rng: Rng, shape: tuple[int, ...], strength: float, cell: int = 8) -> Floats:
    """Normal noise on a grid of `cell` pixels, interpolated."""
    coarse = rng.normal(0, strength, (shape[0] // cell + 2, shape[1] // cell + 2)).astype(np.float32)
    return np.asarray(
        Image.fromarray(coarse).resize((shape[1], shape[0]), Image.Resampling.BICUBIC), np.float64
    )


def _spots(rng: Rng, shape: tuple[int, int], share: float) -> Mask:
    """Blotches where a surface reflects nothing."""
    noise = _smooth_noise(rng, shape, 1.0, int(rng.integers(5, 14))) + rng.normal(0, 0.15, shape)
    noise += _smooth_noise(rng, shape, 1.5, 40)  # so that they come in groups
    return noise < np.quantile(noise, share)


def _rim(rng: Rng, shape: tuple[int, int]) -> Mask:
    """An empty border, straight or frayed, of up to a sixteenth on each side."""
    height, width = shape
    rim = np.zeros(shape, dtype=np.bool_)
    top, below, left, right = (
        int(n) for n in rng.integers(0, (height // 16, height // 16, width // 16, width // 16))
    )
    rim[:top], rim[:, :left] = True, True
    rim[height - below :], rim[:, width - right :] = True, True
    if rng.random() < 0.5:
        return rim
    frayed = rng.random(shape) < 0.5
    return rim | (np.roll(rim, 1, axis=0) & frayed) | (np.roll(rim, 1, axis=1) & frayed)
