"""Prompt syntax as the AUTOMATIC1111 web UI reads it; and a prompt without brackets stays as it is.

web_ui_prompts.json holds 140 prompts and what the web UI's own functions make of them at 20 steps: for each
part of AND its text, its weight, the steps at which it changes, and for each text its pieces (BREAK) as lists
of a text with its weight.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthpaint.models.prompt_schedule import parts_of, texts_at
from depthpaint.models.stable_diffusion.text import pieces_of, without_emphasis

AGREED: list[tuple[str, object]] = json.loads(
    Path(__file__).with_name("web_ui_prompts.json").read_text(encoding="utf-8")
)
OTHERWISE = {
    "ratio 3:2, at 12:30": "the web UI takes the number at the end of any prompt for a weight of AND",
    "(a house BREAK a tree:1.2)": "the web UI reads a BREAK with a weight as a word",
}
STEPS = 20


def as_the_web_ui(prompt: str) -> list[list[object]]:
    """What we make of a prompt, in the form of the file."""
    found: list[list[object]] = []
    for text, weight in parts_of(prompt.strip()):
        texts = texts_at(text, STEPS)
        ends = [[n, at] for n, at in enumerate(texts, 1) if n == STEPS or texts[n] != at]
        pieces = {
            at: [[[words, round(factor, 9)] for words, factor in piece] for piece in pieces_of(at)]
            for at in dict.fromkeys(texts)
        }
        found.append([text, weight, ends if len(ends) > 1 else [], pieces])
    return found


def test_prompts_are_read_as_the_web_ui_reads_them() -> None:
    assert len(AGREED) == 140
    different = [prompt for prompt, expected in AGREED if as_the_web_ui(prompt) != expected]
    assert different == list(OTHERWISE)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a red house", [("a red house", 1.0)]),
        ("", [("", 1.0)]),
        ("a (red:1.3) house", [("a ", 1.0), ("red", 1.3), (" house", 1.0)]),
        ("a (red) house", [("a ", 1.0), ("red", 1.1), (" house", 1.0)]),
        ("a [red] house", [("a ", 1.0), ("red", 1 / 1.1), (" house", 1.0)]),
        ("((snow))", [("snow", 1.21)]),
        ("(a (b:2) c:0.5)", [("a ", 0.5), ("b", 1.0), (" c", 0.5)]),
        ("(x:.5)", [("x", 0.5)]),
        (r"a \(real\) house", [("a (real) house", 1.0)]),
        ("a house: red", [("a house: red", 1.0)]),
        ("at 12:30", [("at 12:30", 1.0)]),
        ("a) b", [("a) b", 1.0)]),
        ("[a) b", [("a) b", 1 / 1.1)]),
        ("(never closed", [("never closed", 1.1)]),
        ("ratio 3:2)", [("ratio 3:2)", 1.0)]),
    ],
)
def test_brackets_weigh(prompt: str, expected: list[tuple[str, float]]) -> None:
    (found,) = pieces_of(prompt)
    assert [text for text, _ in found] == [text for text, _ in expected]
    assert [weight for _, weight in found] == pytest.approx([weight for _, weight in expected])


@given(st.text(st.characters(exclude_characters="()[]\\", exclude_categories=["Cs"])))
def test_without_brackets_nothing_changes(prompt: str) -> None:
    assert pieces_of(prompt) == [[(prompt, 1.0)]]


@given(st.text(st.sampled_from("ab ()[]\\:1.25"), max_size=40))
def test_no_letter_is_lost_but_brackets_and_weights(prompt: str) -> None:
    letters = [letter for letter in without_emphasis(prompt) if letter in "ab"]
    assert letters == [letter for letter in prompt if letter in "ab"]
