"""Noise levels, and the table of those that a model was trained on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import ErrorCode, ParameterError

V = TypeVar("V")


def look_up(table: Mapping[str, V], name: str, noun: str) -> V:
    """Return `table[name]`, or raise an error that calls the entries `noun` and lists the nearest names."""
    if name in table:
        return table[name]
    near = get_close_matches(name.lower(), table, n=3, cutoff=0.4)
    raise ParameterError(
        f"there is no {noun} called {name!r}",
        code=ErrorCode.INVALID_PARAMETER,
        remedy=f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(sorted(table))}",
    )


@dataclass(frozen=True, slots=True)
class NoiseLevel:
    """One noise level.

    `alpha` and `sigma` are the shares of signal and noise, both in [0, 1] with squares that add up to 1;
    `timestep` is the model's input, in units of training steps, 0 .. T - 1, fractions allowed. Plain
    floats, because a numpy scalar would turn float32 latents into float64.
    """

    alpha: float
    sigma: float
    timestep: float

    def __post_init__(self) -> None:
        inside = 0.0 <= self.alpha <= 1.0 and 0.0 <= self.sigma <= 1.0
        if not inside or abs(self.alpha**2 + self.sigma**2 - 1.0) > 1e-6:
            raise ParameterError(
                f"alpha {self.alpha} and sigma {self.sigma} are not a noise level",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="give two numbers in [0, 1] whose squares add up to 1",
            )

    @classmethod
    def from_ratio(cls, ratio: float, timestep: float) -> NoiseLevel:
        """The level whose noise is `ratio` times its signal (k-diffusion's sigma, in [0, infinity])."""
        if math.isinf(ratio):
            return cls(0.0, 1.0, float(timestep))
        length = math.hypot(1.0, ratio)
        return cls(1.0 / length, ratio / length, float(timestep))

    @property
    def ratio(self) -> float:
        """Noise over signal, the sigma of k-diffusion; infinite for pure noise."""
        return self.sigma / self.alpha if self.alpha > 0.0 else math.inf

    @property
    def is_pure_noise(self) -> bool:
        """Whether no signal is left: at zero terminal SNR, also with the floor (TERMINAL_FLOOR)."""
        # A little above the floor, for rounding of its root; other trained levels are higher.
        return self.alpha <= 1.01 * math.sqrt(TERMINAL_FLOOR)

    @property
    def half_log_snr(self) -> float:
        """lambda = log(alpha / sigma) of DPM-Solver (2206.00927): -inf for pure noise, inf when clean."""
        if self.alpha == 0.0:
            return -math.inf
        return math.log(self.alpha) - math.log(self.sigma) if self.sigma > 0.0 else math.inf


CLEAN = NoiseLevel(1.0, 0.0, 0.0)
"""The end of every schedule."""


Floats = NDArray[np.float64]

TERMINAL_FLOOR = 2.0**-24
"""The last value of alphas_cumprod after the zero-SNR rescale, instead of 0.

diffusers' Euler, DPM-Solver++ and UniPC schedulers use this number, so both paint the same picture. Its
sigma / alpha is 4096: pure noise for every purpose. `terminal_floor=0.0` gives the exact zero, as diffusers'
DDIM has it.
"""


def linear_betas(beta_start: float = 0.0001, beta_end: float = 0.02, count: int = 1000) -> Floats:
    """Betas on a line: Ho et al., 2006.11239, section 4."""
    return np.linspace(beta_start, beta_end, count, dtype=np.float64)


def scaled_linear_betas(beta_start: float = 0.00085, beta_end: float = 0.012, count: int = 1000) -> Floats:
    """Betas whose roots are on a line: the schedule of latent diffusion and of every Stable Diffusion."""
    return linear_betas(math.sqrt(beta_start), math.sqrt(beta_end), count) ** 2


def cosine_betas(count: int = 1000, largest: float = 0.999) -> Floats:
    """Betas of the squared cosine: Nichol and Dhariwal, 2102.09672, equation 17, cut at `largest`."""
    time = np.linspace(0.0, 1.0, count + 1, dtype=np.float64)
    remaining = np.cos((time + 0.008) / 1.008 * math.pi / 2.0) ** 2
    return np.minimum(1.0 - remaining[1:] / remaining[:-1], largest)


def scaled_linear_alphas(beta_start: float = 0.00085, beta_end: float = 0.012, count: int = 1000) -> Floats:
    """The alphas_cumprod of `scaled_linear_betas`, float64 (count,), falling."""
    return _remaining(scaled_linear_betas(beta_start, beta_end, count))


def zero_terminal_snr(alphas_cumprod: Floats) -> Floats:
    """Shift and stretch so that the last step has no signal: Lin et al., 2305.08891, algorithm 1."""
    roots = np.sqrt(alphas_cumprod)
    return (roots[0] * (roots - roots[-1]) / (roots[0] - roots[-1])) ** 2


def _remaining(betas: Floats) -> Floats:
    return np.cumprod(1.0 - np.asarray(betas, dtype=np.float64), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class NoiseTable:
    """alphas_cumprod, float64 (T,), strictly falling, each in [0, 1).

    The signal's share of the variance at t.
    """

    alphas_cumprod: Floats
    _log_ratios: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        alphas = np.array(self.alphas_cumprod, dtype=np.float64)
        falling = alphas.ndim == 1 and alphas.size >= 2 and bool(np.all(np.diff(alphas) < 0.0))
        if not falling or not (alphas[0] < 1.0 and alphas[-1] >= 0.0):
            raise ParameterError(
                f"alphas_cumprod of shape {alphas.shape} is no noise table",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="give two or more strictly decreasing numbers, all below 1 and none below 0",
            )
        # An exact zero has no logarithm; only interpolated levels and spaced ratios use this column.
        safe = np.maximum(alphas, min(TERMINAL_FLOOR, alphas[-2] / 2.0))
        alphas.setflags(write=False)
        object.__setattr__(self, "alphas_cumprod", alphas)
        object.__setattr__(self, "_log_ratios", 0.5 * (np.log1p(-safe) - np.log(safe)))

    @classmethod
    def from_betas(
        cls, betas: Floats, *, rescale_zero_snr: bool = False, terminal_floor: float = TERMINAL_FLOOR
    ) -> NoiseTable:
        """Build the table from betas (T,), optionally with zero terminal SNR, ending in `terminal_floor`."""
        alphas = _remaining(betas)
        if rescale_zero_snr:
            alphas = zero_terminal_snr(alphas)
            alphas[-1] = terminal_floor
        return cls(alphas)

    @property
    def count(self) -> int:
        """T, the number of training timesteps."""
        return self.alphas_cumprod.size

    @property
    def ratios(self) -> Floats:
        """Sigma / alpha at t = 0 .. T - 1, rising, float64 (T,); k-diffusion's sigmas.

        An exact zero counts as the floor.
        """
        return np.exp(self._log_ratios)

    def level(self, timestep: float) -> NoiseLevel:
        """The noise level at a timestep in [0, T - 1].

        log(sigma / alpha) is interpolated linearly between integer timesteps.
        """
        if not 0.0 <= timestep <= self.count - 1:
            raise ParameterError(
                f"timestep {timestep} is outside 0 .. {self.count - 1}",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="use another spacing or fewer steps",
            )
        whole = round(timestep)
        if whole == timestep:
            signal = float(self.alphas_cumprod[whole])
            return NoiseLevel(math.sqrt(signal), math.sqrt(1.0 - signal), float(timestep))
        log_ratio = np.interp(timestep, np.arange(self.count), self._log_ratios)
        return NoiseLevel.from_ratio(math.exp(float(log_ratio)), timestep)

    def timestep_of(self, ratio: float) -> float:
        """The timestep, fractions allowed, at which sigma / alpha is `ratio`.

        Outside the table the nearer end.
        """
        if ratio <= 0.0:
            return 0.0
        return float(np.interp(math.log(ratio), self._log_ratios, np.arange(self.count)))


BETAS: dict[str, Callable[[float, float, int], Floats]] = {
    "linear": linear_betas,
    "scaled_linear": scaled_linear_betas,
    # The cosine schedule ignores both arguments, which model configurations always state.
    "squaredcos_cap_v2": lambda _start, _end, count: cosine_betas(count),
}
"""The beta schedules under the names that Stable Diffusion's scheduler_config.json gives them."""


def betas_named(name: str, beta_start: float, beta_end: float, count: int) -> Floats:
    """The betas, float64 (count,), of the schedule with this name in scheduler_config.json."""
    return look_up(BETAS, name, "beta schedule")(beta_start, beta_end, count)
