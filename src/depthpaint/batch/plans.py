"""What can be told of a request without its depth and without weights, and is told a million times."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from depthpaint.core.geometry import Extent
from depthpaint.model_choice import ModelChoice
from depthpaint.models.entry import ModelEntry
from depthpaint.models.registry import find_model
from depthpaint.plan import ModelHabits, make_plan
from depthpaint.request import Request

_KEPT = 256


def habits_of(choice: ModelChoice) -> ModelHabits:
    """The habits of the model that `choice` names. Raises ModelError where there is none."""
    return _found(choice).habits  # pyright: ignore[reportArgumentType] - pydantic hashes what is frozen


@lru_cache(_KEPT)
def _found(choice: ModelChoice) -> ModelEntry:
    return find_model(choice)


def learned_in(request: Request) -> Mapping[str, str]:
    """The learned words that its sentences name, with the sha256 of their files (ModelEntry.learned)."""
    return _found(request.choice).learned(f"{request.prompt}\n{request.negative_prompt}")  # pyright: ignore[reportArgumentType]


@lru_cache(_KEPT)
def _check_schedule(
    choice: ModelChoice, sampler: str | None, schedule: str | None, steps: int | None
) -> None:
    request = Request(
        depth=Path("none"), prompt="", sampler=sampler, schedule=schedule, num_inference_steps=steps
    )
    make_plan(request, Extent(512, 512), habits_of(choice))


def require_plan(request: Request) -> None:
    """Raise ModelError for a model that is not there, ParameterError for steps that it cannot take."""
    choice = request.choice
    _check_schedule(choice, request.sampler, request.schedule, request.num_inference_steps)  # pyright: ignore[reportArgumentType]


def work_of(request: Request) -> float:
    """What a request costs, in a unit that only compares requests to one model: steps times pixels."""
    habits = habits_of(request.choice)
    steps = request.num_inference_steps or habits.num_inference_steps
    guidance = habits.guidance_scale if request.guidance_scale is None else request.guidance_scale
    area = request.size.width * request.size.height if isinstance(request.size, Extent) else None
    painted = habits.trained_area
    if area is not None and habits.smallest_area <= area <= habits.largest_area:
        painted = area
    branches = 1 if guidance == 1 else 2
    return float(len(request.seeds) * (steps * branches * painted + (area or painted)))
