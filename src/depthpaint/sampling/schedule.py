"""Schedules: which of the trained noise levels a run passes through, from noise to clean.

Spacing names are those of table 2 of Lin et al., 2305.08891. "trailing" starts at full noise, which is right
for few steps and for zero terminal SNR. diffusers' multistep solvers (DPM-Solver++,
UniPC) divide "leading" and "linspace" into one interval more than its other schedulers; these variants have
their own names here, so that the levels do not depend on the sampler.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.sampling.levels import CLEAN, NoiseLevel, NoiseTable, look_up

KARRAS_RHO = 7.0
LEADING_OFFSET = 1
EARLY_PART = 0.4


@dataclass(frozen=True, slots=True)
class Schedule:
    """The levels of a run: steps + 1 of them, each less noisy than the one before, the last one clean."""

    levels: tuple[NoiseLevel, ...]

    def __post_init__(self) -> None:
        falling = all(later.ratio < earlier.ratio for earlier, later in pairwise(self.levels))
        if len(self.levels) < 2 or not falling or self.levels[-1].sigma != 0.0:
            raise ParameterError(
                f"{max(len(self.levels) - 1, 0)} steps do not give falling noise levels that end clean",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="take at least 1 step and fewer than the model was trained with",
            )

    @property
    def steps(self) -> int:
        """How many steps the samplers take."""
        return len(self.levels) - 1

    @property
    def sigmas(self) -> NDArray[np.float64]:
        """k-diffusion's sigmas (sigma / alpha), float64 (steps + 1,), falling to 0.

        The first may be infinite.
        """
        return np.array([level.ratio for level in self.levels], dtype=np.float64)

    @property
    def timesteps(self) -> NDArray[np.float64]:
        """The model's input at each step, float64 (steps,)."""
        return np.array([level.timestep for level in self.levels[:-1]], dtype=np.float64)

    def tail(self, share: float) -> Schedule:
        """The last steps of the run, `steps_left` of them, from a start that is not noise alone."""
        return Schedule(self.levels[self.steps - steps_left(self.steps, share) :])

    def rounded(self) -> Schedule:
        """The same noise, with timesteps rounded to integers, as in diffusers' multistep solvers."""
        return Schedule(tuple(replace(level, timestep=float(round(level.timestep))) for level in self.levels))


def steps_left(steps: int, share: float) -> int:
    """How many of `steps` run if the last `share` of them, in (0, 1], does; rounded up, so at least one."""
    # 0.7 * 10 is a little more than 7 in floating point.
    return min(steps, max(1, math.ceil(steps * share - 1e-9)))


def trailing(table: NoiseTable, steps: int) -> Schedule:
    """Every (T / steps)-th timestep counted back from T, so the first is the noisiest there is."""
    _check(steps, table.count)
    # Each is computed from its index: adding up a fractional stride can give one step too many.
    return _at(table, (round(table.count - index * (table.count / steps)) - 1 for index in range(steps)))


def early(table: NoiseTable, steps: int) -> Schedule:
    """As "trailing", but all steps are in the noisiest part; the remaining noise is removed at once.

    For networks that predict the whole picture early, and whose late steps would only add grain.
    """
    last = round(table.count * EARLY_PART)
    _check(steps, last)
    return _at(table, (round(table.count - index * (last / steps)) - 1 for index in range(steps)))


def leading(table: NoiseTable, steps: int) -> Schedule:
    """Every (T // steps)-th timestep counted up from 1.

    Stable Diffusion's original spacing (steps_offset 1).
    """
    # One step would start at timestep 1, almost without noise, and paint bare noise.
    _check(steps, table.count // 2, fewest=2)
    stride = table.count // steps
    return _at(table, (index * stride + LEADING_OFFSET for index in reversed(range(steps))))


def linspace(table: NoiseTable, steps: int) -> Schedule:
    """Evenly from T - 1 to 0, both ends included, fractions allowed; one step is taken at T - 1."""
    _check(steps, table.count)
    return _at(table, (float(time) for time in np.linspace(table.count - 1, 0, steps)))


def leading_multistep(table: NoiseTable, steps: int) -> Schedule:
    """As "leading", but cut into steps + 1 intervals of which the last is left out."""
    _check(steps, table.count // 2 - 1)
    stride = table.count // (steps + 1)
    return _at(table, (index * stride + LEADING_OFFSET for index in range(steps, 0, -1)))


def linspace_multistep(table: NoiseTable, steps: int) -> Schedule:
    """As "linspace", but cut into steps + 1 points, rounded to whole timesteps, and without the last, 0."""
    _check(steps, table.count - 1)
    return _at(table, (round(float(time)) for time in np.linspace(table.count - 1, 0, steps + 1)[:-1]))


def karras(table: NoiseTable, steps: int) -> Schedule:
    """Even in sigma^(1 / 7) over the whole table: Karras et al., 2206.00364, equation 5."""
    _check(steps, table.count)
    low, high = (math.pow(float(table.ratios[end]), 1.0 / KARRAS_RHO) for end in (0, -1))
    roots = np.linspace(high, low, steps)
    return _with_ratios(table, (math.pow(float(root), KARRAS_RHO) for root in roots))


def exponential(table: NoiseTable, steps: int) -> Schedule:
    """Even in log(sigma) over the whole table, as in DPM-Solver (Lu et al., 2206.00927)."""
    _check(steps, table.count)
    low, high = (math.log(float(table.ratios[end])) for end in (0, -1))
    return _with_ratios(table, (math.exp(float(log)) for log in np.linspace(high, low, steps)))


SCHEDULES: dict[str, Callable[[NoiseTable, int], Schedule]] = {
    "trailing": trailing,
    "early": early,
    "leading": leading,
    "linspace": linspace,
    "leading-multistep": leading_multistep,
    "linspace-multistep": linspace_multistep,
    "karras": karras,
    "exponential": exponential,
}


def schedule_named(name: str) -> Callable[[NoiseTable, int], Schedule]:
    """The schedule function of this name; an unknown name raises an error with the nearest ones."""
    return look_up(SCHEDULES, name, "schedule")


def _at(table: NoiseTable, timesteps: Iterable[float]) -> Schedule:
    return Schedule((*(table.level(timestep) for timestep in timesteps), CLEAN))


def _with_ratios(table: NoiseTable, ratios: Iterable[float]) -> Schedule:
    return Schedule((*(NoiseLevel.from_ratio(ratio, table.timestep_of(ratio)) for ratio in ratios), CLEAN))


def _check(steps: int, most: int, fewest: int = 1) -> None:
    if not fewest <= steps <= most:
        raise ParameterError(
            f"{steps} steps are outside {fewest} .. {most} for this schedule",
            code=ErrorCode.INVALID_PARAMETER,
            remedy='choose another number of steps, or the schedule "trailing", which starts at full noise',
        )
