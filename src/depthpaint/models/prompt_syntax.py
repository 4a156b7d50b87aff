"""Prompt syntax of other programs that a model has no use for: it is named, and never read as words."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from depthpaint.core.errors import ErrorCode, ParameterError, printable
from depthpaint.models.prompt_schedule import parts_of, words_of

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
CHANGE = _syntax(
    "a change at a step",
    rf"(?<!\\)\[[^\[\]]*:\s*{_NUMBER}\s*\]",
    "write [before:after:0.5], with a share of the steps or a step",
)
ALTERNATION = _syntax(
    "an alternation", r"(?<!\\)\[[^\[\]|]*\|[^\[\]]*\]", "write [one|other], without a colon"
)
SHOUTED = ("BREAK", "AND")
"""Words that are syntax, but not in a prompt of capitals."""
BREAK = _syntax("a break between pieces", r"\bBREAK\b", "write a comma")
SECOND = _syntax("a second prompt", r"(?<=\s)AND(?=\s)", "write a comma")
NEVER = (
    _syntax("a hypernetwork or a LoRA", r"<\s*(?:lora|lyco|hypernet)\s*:[^<>]*>", "write <lora:NAME:WEIGHT>"),
    _syntax("a weight in signs", r"(?:\w{2,}|(?<!\\)\))(?:\+\++|--+)(?=[\s,.)]|$)", "write (word:1.2)"),
)
"""What no model here understands."""
_EMBEDDING = re.compile(r"\bembedding:\s*([\w.-]*\w)")


def require_prompts(
    prompt: str, negative: str | None, model: str, inversions: Collection[str], *, syntax: bool
) -> None:
    """Raise ParameterError for an empty prompt, and for a piece that `model` would read as plain words.

    `inversions` are the names of the textual inversions that were found, `syntax` whether the model has
    weights, changes at steps (prompt_schedule), BREAK and AND.
    """
    if not prompt.strip():
        raise ParameterError(
            "prompt: it is empty",
            code=ErrorCode.INVALID_PARAMETER,
            value=prompt,
            remedy='say what is in the picture, like "a red house in a forest"',
        )
    parts = parts_of(prompt) if syntax else ((prompt, 1.0),)
    if len(parts) > 1:
        _require_parts(parts)
    for text, _ in (*parts, (negative or "", 1.0)):
        _require_plain(words_of(text) if syntax else text, model, inversions, syntax=syntax)


def _require_parts(parts: Sequence[tuple[str, float]]) -> None:
    """Refuse an empty part beside AND, and weights without a sum that other prompts are a share of."""
    if not all(text for text, _ in parts):
        raise _refusal("AND", "without a prompt on both sides of it", "write a prompt before and after AND")
    if (total := sum(weight for _, weight in parts)) <= 0:
        raise ParameterError(
            f"prompt: the weights of its parts, which AND separates, add up to {total:g}",
            code=ErrorCode.INVALID_PARAMETER,
            value=total,
            remedy="give weights with a sum above 0, like a house:1 AND a tree:0.5",
        )


def _require_plain(prompt: str, model: str, inversions: Collection[str], *, syntax: bool) -> None:
    missing = (CHANGE, ALTERNATION, SECOND) if syntax else (WEIGHT, CHANGE, ALTERNATION, BREAK, SECOND)
    for each in (*NEVER, *missing):
        match = each.form.search(prompt)
        if match is not None and not (match.group() in SHOUTED and prompt.isupper()):
            raise _refusal(match.group(), f"{each.name} that {model} does not understand", each.instead)
    for match in _EMBEDDING.finditer(prompt):
        if match.group(1) not in inversions:
            raise _refusal(
                match.group(),
                "a textual inversion that is not there",
                "put its file into the folder embeddings beside the model (docs/how-to/models.md)",
            )


def _refusal(piece: str, why: str, instead: str) -> ParameterError:
    shown = piece if len(piece) <= MOST_SHOWN else piece[: MOST_SHOWN - 3] + "..."
    return ParameterError(
        f"prompt: '{printable(shown)}' is {why}; it would be read as plain words",
        code=ErrorCode.INVALID_PARAMETER,
        value=shown,
        remedy=instead,
    )
