"""In which part of the run the control network is heard."""

from __future__ import annotations

from dataclasses import dataclass

from depthpaint.core.errors import ErrorCode, ParameterError


@dataclass(frozen=True, slots=True)
class ControlWindow:
    """The part of the run in which depth controls the picture; fractions, 0 <= start <= end <= 1."""

    start: float = 0.0
    end: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.start <= self.end <= 1.0:
            raise ParameterError(
                f"control window {self.start}:{self.end} is not possible",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="give 0 <= start <= end <= 1, for example 0:0.6",
            )

    def open_at(self, index: int, steps: int) -> bool:
        """Is the whole of step `index` inside? The rule of diffusers' `control_guidance_start/end`."""
        return index / steps >= self.start and (index + 1) / steps <= self.end

    def runs(self, index: int, steps: int, strength: float) -> bool:
        """Has the control network to be called here? Never at strength 0, which would change nothing."""
        return strength != 0.0 and self.open_at(index, steps)
