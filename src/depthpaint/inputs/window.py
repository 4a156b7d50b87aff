"""A part of the run: from one share of the steps to another."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

WINDOW_RULE = "a window is start:end with 0 <= start <= end <= 1, such as 0:0.6"


def _window(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        start, end = (float(side) for side in value.split(":"))
    except ValueError as error:
        raise ValueError(WINDOW_RULE) from error
    return start, end


def window_in_order(value: tuple[float, float]) -> tuple[float, float]:
    """The window, if it lies in [0, 1] and does not end before it starts. Raises ValueError."""
    if not 0 <= value[0] <= value[1] <= 1:
        raise ValueError(WINDOW_RULE)
    return value


Window = Annotated[tuple[float, float], AfterValidator(window_in_order), BeforeValidator(_window)]
