"""A model that can be painted with, before anything of it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from depthpaint.models.painter import Painter
from depthpaint.models.runtime import Runtime
from depthpaint.plan.habits import ModelHabits


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model: `habits` are there without loading anything, `load` makes a painter."""

    habits: ModelHabits
    load: Callable[[Runtime], Painter]
    licence: str
    summary: str
