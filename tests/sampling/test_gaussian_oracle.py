"""An oracle that needs no library: for Gaussian data the exact denoiser and the exact ODE solution are known.

Data N(mu, s^2): E[x0 | x] = mu + s^2 alpha (x - alpha mu) / (s^2 alpha^2 + sigma^2), and along the
probability-flow ODE (x - alpha mu) / sqrt(s^2 alpha^2 + sigma^2) stays what it is.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.core.noise import NoiseDraws
from depthpaint.sampling.drive import Evaluate, drive
from depthpaint.sampling.levels import NoiseLevel, NoiseTable, scaled_linear_betas
from depthpaint.sampling.samplers import SAMPLERS, sampler_named
from depthpaint.sampling.schedule import Schedule, exponential, karras, trailing

Values = NDArray[np.float64]
MEAN, DEVIATION = 0.4, 0.7
TABLE = NoiseTable.from_betas(scaled_linear_betas())
DETERMINISTIC = [name for name, spec in SAMPLERS.items() if not spec.needs_noise]


def spread(level: NoiseLevel) -> float:
    return math.hypot(DEVIATION * level.alpha, level.sigma)


def exact(start: Values, first: NoiseLevel, level: NoiseLevel) -> Values:
    return level.alpha * MEAN + (start - first.alpha * MEAN) * (spread(level) / spread(first))


def denoise(request: Evaluate[Values]) -> Values:
    level = request.level
    gain = DEVIATION**2 * level.alpha / spread(level) ** 2
    return MEAN + (request.latents - level.alpha * MEAN) * gain


def error_before_the_last_step(name: str, schedule: Schedule, start: Values) -> float:
    """The jump from the last trained level to clean is of first order for all, so it is left out."""
    seen: list[Values] = []

    def watch(request: Evaluate[Values], denoised: Values) -> None:
        del denoised
        seen.append(request.latents)

    drive(sampler_named(name).start(start, schedule.levels), denoise, watch)
    expected = exact(start, schedule.levels[0], schedule.levels[-2])
    return float(np.abs(seen[-1] - expected).max())


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_converges_with_the_order_it_claims(name: str) -> None:
    start = np.array([-1.5, 0.3, 1.1])
    coarse, fine = (error_before_the_last_step(name, exponential(TABLE, steps), start) for steps in (80, 160))
    observed = math.log2(coarse / fine)
    order = sampler_named(name).order
    assert order - 0.25 < observed < order + (0.25 if order == 1 else 1.3)


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_ends_at_the_exact_solution(name: str) -> None:
    start = np.array([-1.5, 0.3, 1.1])
    schedule = karras(TABLE, 200)
    final = drive(sampler_named(name).start(start, schedule.levels), denoise)
    assert np.abs(final - exact(start, schedule.levels[0], schedule.levels[-1])).max() < 0.01


def test_the_same_oracle_rejects_a_wrong_denoiser() -> None:
    start = np.array([-1.5, 0.3, 1.1])
    schedule = karras(TABLE, 200)

    def wrong(request: Evaluate[Values]) -> Values:
        return denoise(request) * 1.05

    final = drive(sampler_named("dpm++-2m").start(start, schedule.levels), wrong)
    assert np.abs(final - exact(start, schedule.levels[0], schedule.levels[-1])).max() > 0.01


def test_ancestral_reproduces_mean_and_deviation() -> None:
    draws = NoiseDraws((20000,), 5)
    schedule = karras(TABLE, 150)

    def noise(number: int) -> Values:
        return draws(number).astype(np.float64)

    final = drive(sampler_named("euler-ancestral").start(noise(0), schedule.levels, noise), denoise)
    assert abs(float(final.mean()) - MEAN) < 0.02
    assert abs(float(final.std()) - DEVIATION) < 0.02


# Consistency sampling follows no equation: with a network that sees the mean it ends at the mean.
@pytest.mark.parametrize("name", sorted(SAMPLERS.keys() - {"lcm"}))
@pytest.mark.parametrize("floor", [0.0, 2.0**-24])
def test_pure_noise_is_an_ordinary_beginning(name: str, floor: float) -> None:
    table = NoiseTable.from_betas(scaled_linear_betas(), rescale_zero_snr=True, terminal_floor=floor)
    schedule = trailing(table, 50)
    assert schedule.levels[0].alpha == math.sqrt(floor)
    draws = NoiseDraws((4000,), 6)

    def noise(number: int) -> Values:
        return draws(number).astype(np.float64)

    final = drive(sampler_named(name).start(noise(0), schedule.levels, noise), denoise)
    assert abs(float(final.mean()) - MEAN) < 0.05
    assert abs(float(final.std()) - DEVIATION) < 0.06


@pytest.mark.parametrize("name", DETERMINISTIC)
@pytest.mark.parametrize("steps", [1, 2, 16])
def test_the_floor_and_exact_zero_paint_the_same(name: str, steps: int) -> None:
    start = np.array([-1.5, 0.3, 1.1])
    finals: list[Values] = []
    for floor in (0.0, 2.0**-24):
        table = NoiseTable.from_betas(scaled_linear_betas(), rescale_zero_snr=True, terminal_floor=floor)
        finals.append(drive(sampler_named(name).start(start, trailing(table, steps).levels), denoise))
    # The multistep slope over the first step is 0 for the exact zero and small for the floor.
    assert np.abs(finals[0] - finals[1]).max() < 5e-3
