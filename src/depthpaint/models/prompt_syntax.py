"""Prompt syntax of other programs that a model has no use for: it is named, and never read as words."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from depthpaint.core.errors import ErrorCode, ParameterError, printable

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
MOST_SHOWN = 60
"""Characters of a piece that an error quotes."""


@dataclass(frozen=True, slots=True)
class Syntax:
    """One kind of syntax: a name in messages, its form, and what to write instead."""

    name: str
    form: re.Pattern[str]
    instead: str


def _syntax(name: str, form: str, instead: str) -> Syntax:
    return Syntax(name, re.compile(form), instead)


# A bracket or a sign after a backslash is a letter. In each form the piece is the whole match.
WEIGHT = _syntax(
    "a weight",
    rf"(?<!\\)\([^()]*:\s*{_NUMBER}\s*\)",
    "leave the weight out, or choose a Stable Diffusion with --model",
)
SHOUTED = ("BREAK", "AND")
"""Words that are syntax, but not in a prompt of capitals."""
UNSUPPORTED = (
    _syntax("a LoRA", r"<\s*(?:lora|lyco|hypernet)\s*:[^<>]*>", "give its file with --lora FILE:WEIGHT"),
    _syntax(
        "a change at a step",
        rf"(?<!\\)\[[^\[\]]*:\s*{_NUMBER}\s*\]",
        "write the words that hold for all steps",
    ),
    _syntax("an alternation", r"(?<!\\)\[[^\[\]|]*\|[^\[\]]*\]", "write the words that hold for all steps"),
    _syntax("a break between pieces", r"\bBREAK\b", "write a comma"),
    _syntax("a second prompt", r"(?<=\s)AND(?=\s)", "write a comma"),
    _syntax("a weight in signs", r"(?:\w{2,}|(?<!\\)\))(?:\+\++|--+)(?=[\s,.)]|$)", "write (word:1.2)"),
)
"""What no model here understands."""
_EMBEDDING = re.compile(r"\bembedding:\s*([\w.-]*\w)")


def require_prompts(
    prompt: str, negative: str | None, model: str, inversions: Collection[str], *, weights: bool
) -> None:
    """Raise ParameterError for an empty prompt, and for a piece that `model` would read as plain words.

    `inversions` are the names of the textual inversions that were found, `weights` whether the model has
    prompt weights.
    """
    if not prompt.strip():
        raise ParameterError(
            "prompt: it is empty",
            code=ErrorCode.INVALID_PARAMETER,
            value=prompt,
            remedy='say what is in the picture, like "a red house in a forest"',
        )
    for text in (prompt, negative or ""):
        _require_plain(text, model, inversions, weights=weights)


def _require_plain(prompt: str, model: str, inversions: Collection[str], *, weights: bool) -> None:
    for syntax in UNSUPPORTED if weights else (WEIGHT, *UNSUPPORTED):
        match = syntax.form.search(prompt)
        if match is not None and not (match.group() in SHOUTED and prompt.isupper()):
            raise _refusal(match.group(), f"{syntax.name} that {model} does not understand", syntax.instead)
    for match in _EMBEDDING.finditer(prompt):
        if match.group(1) not in inversions:
            raise _refusal(
                match.group(),
                "a textual inversion that is not there",
                "put its file into the folder embeddings beside the model (docs/models.md)",
            )


def _refusal(piece: str, why: str, instead: str) -> ParameterError:
    shown = piece if len(piece) <= MOST_SHOWN else piece[: MOST_SHOWN - 3] + "..."
    return ParameterError(
        f"prompt: '{printable(shown)}' is {why}; it would be read as plain words",
        code=ErrorCode.INVALID_PARAMETER,
        value=shown,
        remedy=instead,
    )
