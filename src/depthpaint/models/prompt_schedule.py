"""Prompts that change during the steps, and prompts of several parts, as the AUTOMATIC1111 web UI reads them.

[cat:dog:0.4] is cat for 40 % of the steps, then dog; [cat:dog:8] changes after step 8; [dog:8] begins with
nothing and [cat::8] ends with it. [cat|dog] changes at every step. "a house AND a tree:0.5" guides by two
prompts with weights (Liu et al. 2206.01714).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*")
_AND = re.compile(r"\bAND\b")
_WEIGHTED = re.compile(r"(.*?)(?:\s*:\s*([+-]?(?:\d+\.?\d*|\.\d+)))?\s*", re.DOTALL)
_PAIRS = {"[": "]", "(": ")"}
MOST_NESTED = 50
"""Brackets in brackets that are read; what is deeper is plain text."""


@dataclass(frozen=True, slots=True)
class Switch:
    """`before` up to and including step `last`, counted from 1; then `after`. A share is of all steps."""

    before: Parts
    after: Parts
    last: float
    is_share: bool


@dataclass(frozen=True, slots=True)
class Cycle:
    """One of the options at each step, in turn."""

    options: tuple[Parts, ...]


Parts = tuple["str | Switch | Cycle", ...]


def texts_at(prompt: str, steps: int) -> tuple[str, ...]:
    """The prompt at each of `steps` steps."""
    parsed = _parsed(prompt, 0)
    if all(isinstance(part, str) for part in parsed):
        return (prompt,) * steps
    return tuple(_text_at(parsed, step, steps) for step in range(1, steps + 1))


def parts_of(prompt: str) -> tuple[tuple[str, float], ...]:
    """The prompts that AND separates, each with its weight; a prompt in capitals is one."""
    pieces = [prompt] if prompt.isupper() else _AND.split(prompt)
    if len(pieces) == 1:
        return ((prompt, 1.0),)
    found = (_WEIGHTED.fullmatch(piece) for piece in pieces)
    return tuple((match[1].strip(), float(match[2] or 1.0)) for match in found if match is not None)


def words_of(prompt: str) -> str:
    """All words that the prompt has at some step, with a line end where one of several is chosen.

    Brackets that are still in it were not understood as a change or an alternation.
    """
    return _words(_parsed(prompt, 0))


def _words(parts: Parts) -> str:
    words: list[str] = []
    for part in parts:
        match part:
            case str():
                words.append(part)
            case Switch():
                words += ["\n", _words(part.before), "\n", _words(part.after), "\n"]
            case Cycle():
                words += ["\n", *(f"{_words(option)}\n" for option in part.options)]
    return "".join(words)


def _text_at(parts: Parts, step: int, steps: int) -> str:
    words: list[str] = []
    for part in parts:
        match part:
            case str():
                words.append(part)
            case Switch():
                last = min(steps, int(part.last * steps if part.is_share else part.last))
                words.append(_text_at(part.before if step <= last else part.after, step, steps))
            case Cycle():
                words.append(_text_at(part.options[(step - 1) % len(part.options)], step, steps))
    return "".join(words)


def _parsed(text: str, depth: int) -> Parts:
    """The text as plain parts, changes and alternations."""
    parts: list[str | Switch | Cycle] = []
    closings = _closings(text) if depth < MOST_NESTED else {}
    start = position = 0
    while position < len(text):
        if text[position] == "\\":
            position += 2
            continue
        end = closings.get(position)
        if end is None:
            position += 1
            continue
        parts += [text[start:position], *_bracket(text[position + 1 : end], depth + 1)]
        start = position = end + 1
    return tuple(part for part in (*parts, text[start:]) if part != "")


def _bracket(inner: str, depth: int) -> Parts:
    """The content of square brackets: a change, an alternation, or emphasis, which stays as it is."""
    pieces = _split(inner)
    signs = {sign for sign, _ in pieces[1:]}
    texts = [text for _, text in pieces]
    number = _NUMBER.fullmatch(texts[-1])
    if signs == {":"} and len(texts) in (2, 3) and number is not None:
        before, after = ("", texts[0]) if len(texts) == 2 else texts[:2]
        is_share = "." in number[1]
        return (Switch(_parsed(before, depth), _parsed(after, depth), float(number[1]), is_share),)
    if signs == {"|"}:
        return (Cycle(tuple(_parsed(text, depth) for text in texts)),)
    return ("[", *_parsed(inner, depth), "]")


def _split(inner: str) -> list[tuple[str, str]]:
    """The pieces between the signs ":" and "|" outside inner brackets, each after its sign.

    One piece if the inner brackets do not match.
    """
    pieces: list[tuple[str, str]] = []
    opened: list[str] = []
    sign, start, position = "", 0, 0
    while position < len(inner):
        letter = inner[position]
        if letter == "\\":
            position += 1
        elif letter in _PAIRS:
            opened.append(_PAIRS[letter])
        elif letter in _PAIRS.values():
            if not opened or opened.pop() != letter:
                return [("", inner)]
        elif letter in ":|" and not opened:
            pieces.append((sign, inner[start:position]))
            sign, start = letter, position + 1
        position += 1
    return [("", inner)] if opened else [*pieces, (sign, inner[start:])]


def _closings(text: str) -> dict[int, int]:
    """The position of each opening square bracket that is closed, and that of its closing one."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    position = 0
    while position < len(text):
        letter = text[position]
        if letter == "\\":
            position += 1
        elif letter == "[":
            opened.append(position)
        elif letter == "]" and opened:
            pairs[opened.pop()] = position
        position += 1
    return pairs
