from __future__ import annotations

from typing import Any

import pytest

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.model_choice import ModelChoice
from depthpaint.models.diorama.family import DIORAMA_FAMILY
from depthpaint.models.painter import Runtime
from depthpaint.models.registry import find_model
from depthpaint.sampling.samplers import SAMPLERS
from depthpaint.sampling.schedule import SCHEDULES


def test_a_wrong_model_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelError, match="diorama") as caught:
        find_model(ModelChoice(model="dioramma"))
    assert caught.value.code is ErrorCode.MODEL_NOT_FOUND
    assert caught.value.exit_status == 5


@pytest.mark.parametrize("name", DIORAMA_FAMILY.names)
def test_habits_are_possible(name: str) -> None:
    habits = find_model(ModelChoice(model=name)).habits
    assert habits.name == name
    assert habits.sampler in SAMPLERS
    assert habits.schedule in SCHEDULES
    assert habits.smallest_area <= habits.trained_area <= habits.largest_area
    assert habits.multiple % habits.latent_factor == 0


@pytest.mark.parametrize("threads", [1, 3])
def test_the_built_in_model_works_with_as_many_threads_as_it_is_told(threads: int) -> None:
    painter = find_model(ModelChoice()).load(Runtime(threads=threads))
    sessions: dict[str, Any] = vars(painter)["_sessions"]
    assert {session.inner.get_session_options().intra_op_num_threads for session in sessions.values()} == {
        threads
    }
