"""Prompt syntax that a model does not understand is named, and plain words stay plain."""

from __future__ import annotations

import pytest

from depthpaint.core.errors import ParameterError
from depthpaint.models.prompt_syntax import require_prompts


def check(prompt: str, *, negative: str = "", syntax: bool = True, names: tuple[str, ...] = ()) -> None:
    require_prompts(prompt, negative, "a-model", names, syntax=syntax)


NEVER = [
    ("a <lora:x:1:2> house", "<lora:x:1:2>"),
    ("a <lyco:x:1> house", "<lyco:x:1>"),
    ("a <hypernet:x:1> house", "<hypernet:x:1>"),
    ("a house++ and a tree", "e++"),
    ("a (red house)+++", ")+++"),
    ("a house--, a tree", "e--"),
    ("a house, embedding:ink", "embedding:ink"),
    ("a [house++:tree:0.5]", "e++"),
    ("a [b|c:0.5]", "[b|c:0.5]"),
    ("a [b:c:d:0.5]", "[b:c:d:0.5]"),
]
OF_SOME = [
    ("a [cat:dog:0.5] on a chair", "[cat:dog:0.5]"),
    ("a [dog:0.5]", "[dog:0.5]"),
    ("a [dog::8]", "[dog::8]"),
    ("a [red|blue|green] house", "[red|blue|green]"),
    ("a house BREAK a tree", "BREAK"),
    ("a house AND a tree", "AND"),
]


@pytest.mark.parametrize(("prompt", "piece"), NEVER + OF_SOME)
def test_syntax_that_a_model_does_not_understand_is_named(prompt: str, piece: str) -> None:
    for negative in (False, True):
        for syntax in (False, True) if (prompt, piece) in NEVER else (False,):
            with pytest.raises(ParameterError) as raised:
                check("a house", negative=prompt, syntax=syntax) if negative else check(prompt, syntax=syntax)
            assert piece in str(raised.value)
            assert raised.value.remedy


@pytest.mark.parametrize("prompt", [prompt for prompt, _ in OF_SOME])
def test_syntax_that_a_model_understands(prompt: str) -> None:
    check(prompt)
    if "AND" not in prompt:
        check("a house", negative=prompt)
    else:
        with pytest.raises(ParameterError, match="'AND' is a second prompt"):
            check("a house", negative=prompt)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("a house AND", "'AND' is without a prompt on both sides"),
        ("AND a house", "'AND' is without a prompt on both sides"),
        ("a house:1 AND a tree:-1", "add up to 0"),
        ("a house:1 AND a tree:-2", "add up to -1"),
    ],
)
def test_parts_that_cannot_guide(prompt: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        check(prompt)


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
    check(prompt, negative=prompt, syntax=False, names=("ink",))


def test_weights_are_syntax_only_where_the_model_has_none() -> None:
    for prompt in ("a (red:1.5) house", "(a ball:.7)", "a (red : -1 ) house"):
        check(prompt)
        with pytest.raises(ParameterError, match="a weight that a-model does not understand"):
            check(prompt, syntax=False)


@pytest.mark.parametrize("prompt", ["", " ", "\n\t"])
def test_an_empty_prompt_is_refused(prompt: str) -> None:
    with pytest.raises(ParameterError, match="prompt: it is empty"):
        check(prompt)
    check("a house", negative=prompt)


def test_a_long_piece_is_quoted_in_part() -> None:
    with pytest.raises(ParameterError) as raised:
        check(f"a <lora:{'x' * 500}:1>")
    assert len(str(raised.value)) < 200
