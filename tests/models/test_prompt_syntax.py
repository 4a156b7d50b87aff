"""Prompt syntax that a model does not understand is named, and plain words stay plain."""

from __future__ import annotations

import pytest

from depthpaint.core.errors import ParameterError
from depthpaint.models.prompt_syntax import require_prompts


def check(prompt: str, *, negative: str = "", weights: bool = True, names: tuple[str, ...] = ()) -> None:
    require_prompts(prompt, negative, "a-model", names, weights=weights)


@pytest.mark.parametrize(
    ("prompt", "piece"),
    [
        ("a house <lora:style:0.8>, red", "<lora:style:0.8>"),
        ("a <lyco:x:1> house", "<lyco:x:1>"),
        ("a <hypernet:x:1> house", "<hypernet:x:1>"),
        ("a [cat:dog:0.5] on a chair", "[cat:dog:0.5]"),
        ("a [dog:0.5]", "[dog:0.5]"),
        ("a [dog::8]", "[dog::8]"),
        ("a [red|blue|green] house", "[red|blue|green]"),
        ("a house BREAK a tree", "BREAK"),
        ("a house AND a tree", "AND"),
        ("a house++ and a tree", "e++"),
        ("a (red house)+++", ")+++"),
        ("a house--, a tree", "e--"),
        ("a house, embedding:ink", "embedding:ink"),
    ],
)
def test_syntax_that_no_model_understands_is_named(prompt: str, piece: str) -> None:
    for negative in (False, True):
        with pytest.raises(ParameterError) as raised:
            check("a house", negative=prompt) if negative else check(prompt)
        assert piece in str(raised.value)
        assert raised.value.remedy


@pytest.mark.parametrize(
    "prompt",
    [
        "a red house", "a (red house)", "a [red] house", r"a \(red:1.5\) house", r"a \[a|b\] sign",
        "A HOUSE AND A TREE",
        "a book about C++", "a C++ book", "a house -- at night", "a well-known place", "at 12:30, in rain",
        "a ratio of 3:2", "black and white", "a [sic] sign", "breakfast", "AND", "a <red> house",
        "a house, embedding:ink", "x++",
    ],
)  # fmt: skip
def test_plain_words_are_no_syntax(prompt: str) -> None:
    check(prompt, negative=prompt, weights=False, names=("ink",))


def test_weights_are_syntax_only_where_the_model_has_none() -> None:
    for prompt in ("a (red:1.5) house", "(a ball:.7)", "a (red : -1 ) house"):
        check(prompt)
        with pytest.raises(ParameterError, match="a weight that a-model does not understand"):
            check(prompt, weights=False)


@pytest.mark.parametrize("prompt", ["", " ", "\n\t"])
def test_an_empty_prompt_is_refused(prompt: str) -> None:
    with pytest.raises(ParameterError, match="prompt: it is empty"):
        check(prompt)
    check("a house", negative=prompt)


def test_a_long_piece_is_quoted_in_part() -> None:
    with pytest.raises(ParameterError) as raised:
        check(f"a <lora:{'x' * 500}:1>")
    assert len(str(raised.value)) < 200
