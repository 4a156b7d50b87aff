"""A model that can be painted with, before anything of it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from depthpaint.models.painter import Painter
from depthpaint.models.runtime import Runtime
from depthpaint.plan import ModelHabits


def _none(prompt: str) -> Mapping[str, str]:
    del prompt
    return {}


def _nothing_to_look_for() -> None:
    """What is shipped is there."""


def _as_it_stands(prompt: str, seed: int) -> str:
    del seed
    return prompt


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model: `habits` are there without loading anything, `load` makes a painter.

    `learned` says which words of a sentence are files of textual inversions, with their sha256, hexadecimal.
    `require_here` raises ModelError where a file or a package that it needs is missing; it loads nothing.
    `expanded` says for a sentence and a seed what the model is told in its place.
    """

    habits: ModelHabits
    load: Callable[[Runtime], Painter]
    licence: str
    summary: str
    learned: Callable[[str], Mapping[str, str]] = _none
    expanded: Callable[[str, int], str] = _as_it_stands
    require_here: Callable[[], None] = _nothing_to_look_for
