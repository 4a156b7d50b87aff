"""The brackets of the web UIs: what they weigh, and that a sentence without them stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthpaint.models.stable_diffusion.text import fragments_of, without_emphasis


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
    found = fragments_of(prompt)
    assert [text for text, _ in found] == [text for text, _ in expected]
    assert [weight for _, weight in found] == pytest.approx([weight for _, weight in expected])


@given(st.text(st.characters(exclude_characters="()[]\\", exclude_categories=["Cs"])))
def test_without_brackets_nothing_changes(prompt: str) -> None:
    assert fragments_of(prompt) == [(prompt, 1.0)]


@given(st.text(st.sampled_from("ab ()[]\\:1.25"), max_size=40))
def test_no_letter_is_lost_but_brackets_and_weights(prompt: str) -> None:
    letters = [letter for letter in without_emphasis(prompt) if letter in "ab"]
    assert letters == [letter for letter in prompt if letter in "ab"]
