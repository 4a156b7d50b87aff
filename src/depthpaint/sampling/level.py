"""How noisy a picture is at one moment.

Convention of this package, everywhere: latents are **variance preserving**, `x = alpha * x0 + sigma * eps`
with `alpha^2 + sigma^2 = 1`, x0 the clean latents and eps standard normal. So alpha = 0 (pure noise, zero
terminal SNR) is an ordinary number and never an infinity. The sigma of k-diffusion and of diffusers' Euler
family is `sigma / alpha` here, called `ratio`; latents of that other convention are these divided by alpha.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from depthpaint.core.errors import ErrorCode, ParameterError


@dataclass(frozen=True, slots=True)
class NoiseLevel:
    """One noise level.

    `alpha` and `sigma` are the shares of signal and noise, both in [0, 1] with squares that add up to 1;
    `timestep` is what the model is told, in units of training steps, 0 .. T - 1, fractions allowed. Plain
    floats, because a numpy scalar would turn float32 latents into float64.
    """

    alpha: float
    sigma: float
    timestep: float

    def __post_init__(self) -> None:
        inside = 0.0 <= self.alpha <= 1.0 and 0.0 <= self.sigma <= 1.0
        if not inside or abs(self.alpha**2 + self.sigma**2 - 1.0) > 1e-6:
            raise ParameterError(
                f"alpha {self.alpha} and sigma {self.sigma} are no noise level",
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
        """Noise over signal, the sigma of k-diffusion; infinite where no signal is left."""
        return self.sigma / self.alpha if self.alpha > 0.0 else math.inf

    @property
    def half_log_snr(self) -> float:
        """lambda = log(alpha / sigma) of DPM-Solver (2206.00927): -inf for pure noise, inf when clean."""
        if self.alpha == 0.0:
            return -math.inf
        return math.log(self.alpha) - math.log(self.sigma) if self.sigma > 0.0 else math.inf


CLEAN = NoiseLevel(1.0, 0.0, 0.0)
"""Where every schedule ends."""
