"""Types of settings: texts that a file can hold, names, numbers, and shares of the steps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

MAX_PROMPT = 10_000
WINDOW_RULE = "a window is start:end with 0 <= start <= end <= 1, such as 0:0.6"
LEARNED_WORD = r"\w[\w.-]*"
"""A textual inversion's name: the stem of its file, never a path."""


def no_boolean(value: object) -> object:
    """For fields of numbers: JSON's true is none."""
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")
    return value


def clean_text(value: object) -> object:
    """Refuse NUL, halves of characters, and more than MAX_PROMPT characters."""
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("a text may not contain NUL")
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ValueError("a text may not contain half a character (a lone surrogate)")
        if len(value) > MAX_PROMPT:
            raise ValueError(f"a text may have {MAX_PROMPT:,} characters, and this one has {len(value):,}")
    return value


def clean_path(value: object) -> object:
    """As `clean_text`, but names of files need not be UTF-8: Python's half characters for such bytes stay."""
    if isinstance(value, str):
        whole = "".join(letter for letter in value if not "\udc80" <= letter <= "\udcff")
        clean_text(whole)
        # pydantic takes no text with half characters, but a path as it is.
        return value if whole == value else Path(value)
    return value


def _not_empty(value: str) -> str:
    if not value.strip():
        raise ValueError("a name may not be empty")
    return value


Text = Annotated[str, BeforeValidator(clean_text)]
Name = Annotated[str, AfterValidator(_not_empty), BeforeValidator(clean_text)]
Whole = Annotated[int, BeforeValidator(no_boolean)]
Number = Annotated[float, BeforeValidator(no_boolean)]


def _window(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        start, end = (float(side) for side in value.split(":"))
    except ValueError as error:
        raise ValueError(WINDOW_RULE) from error
    return start, end


def _window_in_order(value: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= value[0] <= value[1] <= 1:
        raise ValueError(WINDOW_RULE)
    return value


Window = Annotated[tuple[float, float], AfterValidator(_window_in_order), BeforeValidator(_window)]
"""A part of the run: from one share of the steps to another."""
