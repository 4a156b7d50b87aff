"""A model that can be painted with, before anything of it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from depthpaint.models.painter import Painter
from depthpaint.models.runtime import Runtime
from depthpaint.plan.habits import ModelHabits


def _none(prompt: str) -> Mapping[str, str]:
    del prompt
    return {}


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model: `habits` are there without loading anything, `load` makes a painter.

    `learned` says which words of a sentence are files of textual inversions, with their sha256, hexadecimal.
    """

    habits: ModelHabits
    load: Callable[[Runtime], Painter]
    licence: str
    summary: str
    learned: Callable[[str], Mapping[str, str]] = _none
