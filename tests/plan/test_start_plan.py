"""Plans that start from a picture: which steps run, where the picture lies, and what is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from depthpaint.core.errors import ParameterError
from depthpaint.core.geometry import Box, Extent
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.plan import InitPicture, RunPlan, make_plan
from depthpaint.request import request_from

MAP = Extent(320, 240)


def plan_of(picture: Extent | None = None, depth: Extent = MAP, **fields: Any) -> RunPlan:
    values = {"depth": Path("d.png"), "prompt": "a ball", "init": "start.png", **fields}
    init = None if picture is None else InitPicture(picture, "0" * 64)
    return make_plan(request_from(values), depth, DIORAMA, init=init)


def about_init(plan: RunPlan) -> list[str]:
    return [warning for warning in plan.warnings if "init" in warning]


@pytest.mark.parametrize(
    ("steps", "denoise", "timesteps"),
    [(None, None, [799]), (2, 0.6, [999, 799]), (4, 0.75, [899, 799, 699]), (4, 0.01, [699])],
)
def test_the_last_steps_run(steps: int | None, denoise: float | None, timesteps: list[int]) -> None:
    plan = plan_of(num_inference_steps=steps, denoise=denoise)
    assert list(plan.schedule.timesteps) == timesteps
    assert plan.settings.num_inference_steps == (steps or DIORAMA.num_inference_steps)
    assert bool(about_init(plan)) == (999 in timesteps), "from noise alone it has no effect"


def test_windows_are_shares_of_the_steps_that_run() -> None:
    plan = plan_of(num_inference_steps=8, denoise=0.5, control_window=(0, 0.5))
    assert [bool(plan.strengths(step)) for step in range(4)] == [True, True, False, False]


def test_denoise_alone_has_no_effect_and_is_told() -> None:
    assert about_init(plan_of(init=None, denoise=0.3)) == ["denoise has no effect without init (--init)"]
    assert about_init(plan_of(init=None)) == []


@pytest.mark.parametrize("denoise", [0, -0.5, 1.01, float("nan"), "much", True])
def test_impossible_shares_are_refused(denoise: object) -> None:
    with pytest.raises(ParameterError, match="denoise"):
        plan_of(denoise=denoise)


@pytest.mark.parametrize(
    ("picture", "fields", "source", "covers"),
    [
        (Extent(640, 480), {}, Box(0, 0, 640, 480), True),
        # As wide as the map, which a square picture shows with a rim: the picture lies where the map lies.
        (Extent(640, 480), {"size": "256x256"}, Box(0, 0, 640, 480), False),
        (Extent(591, 443), {"size": "256x256"}, Box(0, 0, 591, 443), False),
        # As the picture itself, which was painted before.
        (Extent(512, 512), {"size": "256x256"}, Box(0, 0, 512, 512), True),
        (Extent(640, 480), {"size": "256x256", "fit": "crop"}, Box(80, 0, 560, 480), True),
        (Extent(640, 480), {"size": "256x256", "fit": "stretch"}, Box(0, 0, 640, 480), True),
        # Of a ratio of its own.
        (Extent(800, 200), {"size": "256x256"}, Box(300, 0, 500, 200), True),
    ],
)
def test_it_lies_where_the_depth_map_lies(
    picture: Extent, fields: dict[str, Any], source: Box, covers: bool
) -> None:
    plan = plan_of(picture, **fields)
    placement, content = plan.init_placement, plan.sizes.content_size
    assert placement is not None
    assert placement.source == source
    assert (placement.target == Box(0, 0, *content)) == covers
    assert bool(about_init(plan)) == (source != Box(0, 0, *picture)), "what is cut off is told"


def test_a_large_map_has_the_ratio_of_its_small_picture() -> None:
    plan = plan_of(Extent(591, 443), Extent(4000, 3000), size="256x256")
    assert plan.init_placement is not None
    assert plan.init_placement.target == plan.sizes.depth_placement.target
