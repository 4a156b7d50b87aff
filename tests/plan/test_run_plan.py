from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from depthpaint.core.errors import ParameterError
from depthpaint.core.geometry import Extent
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.plan import RunPlan, make_plan
from depthpaint.request import Request


def plan_of(**fields: object) -> RunPlan:
    request = Request.model_validate({"depth": Path("d.png"), "prompt": "a ball", **fields})
    return make_plan(request, Extent(128, 128), DIORAMA)


def test_habits_fill_what_was_not_asked() -> None:
    plan = plan_of()
    assert plan.settings.num_inference_steps == DIORAMA.num_inference_steps
    assert plan.settings.guidance_scale == DIORAMA.guidance_scale
    assert plan.settings.control_strength == DIORAMA.control_strength
    assert plan.settings.sampler == DIORAMA.sampler
    assert plan.seeds == (12345,)


def test_zero_is_a_value() -> None:
    plan = plan_of(seed=0, guidance_scale=0, control_strength=0, control_window=(0, 0))
    assert plan.seeds == (0,)
    assert plan.settings.guidance_scale == 0
    assert plan.settings.control_strength == 0
    assert plan.settings.control_window == (0, 0)


def test_each_picture_has_its_seed_and_seeds_wrap() -> None:
    assert plan_of(seed=2**32 - 2, count=4).seeds == (2**32 - 2, 2**32 - 1, 0, 1)


def test_levels_fall_from_noise_to_clean() -> None:
    plan = plan_of(num_inference_steps=7)
    assert len(plan.schedule.sigmas) == 8
    assert len(plan.schedule.timesteps) == 7
    assert plan.schedule.timesteps[0] == 999
    assert plan.schedule.sigmas[-1] == 0
    assert all(a > b for a, b in zip(plan.schedule.sigmas, plan.schedule.sigmas[1:], strict=False))
    assert math.isfinite(plan.schedule.sigmas[0])


@pytest.mark.parametrize(
    ("field", "value", "nearest"), [("sampler", "eular", "euler"), ("schedule", "karas", "karras")]
)
def test_a_wrong_name_is_answered_with_the_nearest(field: str, value: str, nearest: str) -> None:
    with pytest.raises(ParameterError, match=nearest):
        plan_of(**{field: value})


def test_depth_that_controls_nothing_is_a_warning() -> None:
    assert any("has no effect" in warning for warning in plan_of(control_strength=0).warnings)
    assert any("has no effect" in warning for warning in plan_of(control_window=(0.5, 0.51)).warnings)
    assert not plan_of().warnings


def test_enlarging_is_said_with_both_sizes() -> None:
    (warning,) = plan_of(size="940x564").warnings
    assert "330x198" in warning
    assert "940x564" in warning


@pytest.mark.parametrize(
    ("depth_size", "size"),
    [(Extent(9000, 16), "depth"), (Extent(20_000, 8), "depth"), (Extent(32_768, 8), None)],
)
def test_a_size_that_the_map_decides_has_the_limits_of_any_size(depth_size: Extent, size: str | None) -> None:
    request = Request.model_validate({"depth": "d.png", "prompt": "p", "size": size})
    with pytest.raises(ParameterError, match="each side must be 8 to 8192"):
        make_plan(request, depth_size, DIORAMA)


def test_guidance_that_burns_colours_is_refused_but_in_a_record() -> None:
    assert plan_of(guidance_scale=4).settings.guidance_scale == 4
    request = Request.model_validate({"depth": "d.png", "prompt": "p", "guidance_scale": 7.5})
    with pytest.raises(
        ParameterError, match=r"guidance 7\.5 burns the colours of diorama, which takes 1 to 4"
    ):
        make_plan(request, Extent(128, 128), DIORAMA)
    assert make_plan(request, Extent(128, 128), DIORAMA, recorded=True).settings.guidance_scale == 7.5
    other = replace(DIORAMA, most_guidance=None)
    assert make_plan(request, Extent(128, 128), other).settings.guidance_scale == 7.5


def test_settings_without_effect_are_said() -> None:
    (warning,) = plan_of(negative_prompt="dull").warnings
    assert "the negative prompt has no effect" in warning
    assert not plan_of(negative_prompt="dull", guidance_scale=2).warnings
    (warning,) = plan_of(num_inference_steps=30).warnings
    assert "30 steps gain nothing over 8" in warning
    assert not plan_of(num_inference_steps=8).warnings
