"""How near a painting comes to its world's true render, pixel by pixel."""

from __future__ import annotations

import numpy as np

from training.scores.held_out import HeldOut, Picture, twin_of

ROUNDING = 1 / 12
"""Mean squared error, in 8-bit steps, that rounding alone makes: no likeness is better, 58.9 dB."""


def squared_error(first: Picture, second: Picture) -> float:
    """Mean squared difference of two pictures (H, W, 3), in squared 8-bit steps."""
    return float(np.mean((first.astype(np.float64) - second) ** 2))


def psnr(asked: HeldOut, picture: Picture) -> list[float]:
    """Peak signal-to-noise ratio of `picture` to the true render, in dB."""
    return [10 * float(np.log10(255**2 / max(squared_error(picture, asked.render), ROUNDING)))]


def own_world(asked: HeldOut, picture: Picture) -> list[float]:
    """1 where `picture` is nearer to its own world's render than to that of its twin, else 0."""
    own, other = squared_error(picture, asked.render), squared_error(picture, twin_of(asked).render)
    return [float(own < other)]


def colour_drift(asked: HeldOut, picture: Picture) -> list[float]:
    """Length of the mean error over the picture, a vector in RGB, each channel in [0, 1]."""
    error = (picture.astype(np.float64) - asked.render).mean(axis=(0, 1)) / 255
    return [float(np.linalg.norm(error))]
