"""How strongly each part of a sentence is to be heard: the brackets that the web UIs read.

`(word)` is heard 1.1 times as strongly, `(word:1.3)` 1.3 times, `[word]` 1/1.1 times; they nest and multiply.
A backslash before a bracket makes it a letter. A bracket that is never closed reaches to the end.
"""

from __future__ import annotations

import re

STEP = 1.1
_PARTS = re.compile(
    r"\\(?P<letter>[\\()\[\]])|(?P<open>[(\[])|:\s*(?P<weight>[+-]?(?:\d+\.?\d*|\.\d+))\s*\)|(?P<close>[)\]])"
    r"|(?P<text>[^\\()\[\]:]+|.)",
    re.DOTALL,
)
_CLOSES = {")": "(", "]": "["}

Fragment = tuple[str, float]


def fragments_of(prompt: str) -> list[Fragment]:
    """The sentence's parts in order, each with its weight; neighbours of one weight are joined."""
    parts: list[Fragment] = []
    opened: list[tuple[str, int]] = []

    def close(bracket: str, weight: float | None) -> bool:
        """Whether the innermost open bracket is of that kind, and so closed."""
        if not opened or opened[-1][0] != bracket:
            return False
        start = opened.pop()[1]
        factor = weight if weight is not None else STEP if bracket == "(" else 1 / STEP
        parts[start:] = [(text, old * factor) for text, old in parts[start:]]
        return True

    for found in _PARTS.finditer(prompt):
        said = found.groupdict()
        if said["open"]:
            opened.append((said["open"], len(parts)))
        elif said["weight"] and close("(", float(said["weight"])):
            continue
        elif said["close"] and close(_CLOSES[said["close"]], None):
            continue
        else:
            parts.append((said["letter"] or found.group(), 1.0))
    while opened:
        close(opened[-1][0], None)
    return _joined(parts)


def spoken(prompt: str) -> str:
    """The sentence without its brackets and weights."""
    return "".join(text for text, _ in fragments_of(prompt))


def _joined(parts: list[Fragment]) -> list[Fragment]:
    joined: list[Fragment] = []
    for text, weight in parts:
        if joined and joined[-1][1] == weight:
            joined[-1] = (joined[-1][0] + text, weight)
        else:
            joined.append((text, weight))
    return joined or [("", 1.0)]
