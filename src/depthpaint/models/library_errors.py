"""Errors that libraries raise over a model's files, turned into the typed errors of depthpaint."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from depthpaint.core.errors import DepthpaintError
from depthpaint.core.memory import is_shortage, out_of_memory
from depthpaint.models.folder_json import Refuse, incompatible

_LONGEST_REASON = 200
_OF_THE_MACHINE = frozenset({"AcceleratorError"})
"""torch's error for a GPU that failed, by its name."""


@contextmanager
def library_errors(
    place: Path,
    refuse: Refuse = incompatible,
    *,
    part: str = "",
    short: str = "to load it",
    remedy: str = "take a smaller --model",
) -> Generator[None]:
    """Raise `refuse`'s error for whatever a library raises: the values in `place` are not what it expects.

    `part` names what failed. A shortage of memory is out_of_memory, "there is not enough memory `short`";
    typed errors, packages that are not installed and errors of the GPU stay what they are.
    """
    try:
        yield
    except (DepthpaintError, ModuleNotFoundError):
        raise
    except Exception as error:
        if is_shortage(error):
            raise out_of_memory(short, remedy) from error
        if type(error).__name__ in _OF_THE_MACHINE:
            raise
        reason = next(iter(str(error).splitlines()), "")[:_LONGEST_REASON] or type(error).__name__
        raise refuse(place, f"{part} fails: {reason}" if part else reason) from error
