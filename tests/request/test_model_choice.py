"""What a picture is painted with, as people type it."""

from __future__ import annotations

from pathlib import Path

import pytest

from depthpaint.core.errors import ParameterError
from depthpaint.model_choice import Also, Lora
from depthpaint.request import Request, request_from


def asked(**fields: object) -> Request:
    return request_from({"depth": Path("d.png"), "prompt": "", **fields})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("style.safetensors", Lora(file="style.safetensors")),
        ("style.safetensors:0.8", Lora(file="style.safetensors", weight=0.8)),
        ("a/b:c/style.safetensors", Lora(file="a/b:c/style.safetensors")),
        ("style:-1", Lora(file="style", weight=-1)),
        ("style:0", Lora(file="style", weight=0)),
    ],
)
def test_a_lora_is_a_file_and_a_weight(said: str, expected: Lora) -> None:
    assert asked(lora=(said,)).lora == (expected,)
    assert asked(lora=said).lora == (expected,)
    assert asked(lora=[expected.model_dump()]).lora == (expected,)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("normal", (Also(kind="normal"),)),
        ("normal,canny", (Also(kind="normal"), Also(kind="canny"))),
        ("canny:0.5", (Also(kind="canny", strength=0.5),)),
        ("canny:0", (Also(kind="canny", strength=0),)),
        ("canny:0.5:0:0.6", (Also(kind="canny", strength=0.5, window=(0, 0.6)),)),
        ("normal=my/net", (Also(kind="normal", control="my/net"),)),
        ("normal=my/net:1.5:0.1:1", (Also(kind="normal", control="my/net", strength=1.5, window=(0.1, 1)),)),
        ("", ()),
    ],
)
def test_further_controls_are_read(said: str, expected: tuple[Also, ...]) -> None:
    assert asked(also=said).also == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"lora": "style:strong"}, {"lora": "style:99"}, {"lora": ""},
        {"lora": [{"file": "a", "weight": True}]}, {"also": "depth"}, {"also": "canny:3"},
        {"also": "canny:1:0.5"},
        {"also": "canny:1:0.5:0.2"},
        {"also": "canny,canny:0.5"}, {"clip_skip": -1}, {"clip_skip": True}, {"model": " "}, {"vae": ""},
    ],
)  # fmt: skip
def test_what_is_no_choice_is_one_line(fields: dict[str, object]) -> None:
    with pytest.raises(ParameterError) as caught:
        asked(**fields)
    assert next(iter(fields)) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_has_to_be_loaded_does_not_depend_on_strengths() -> None:
    one, other = asked(also="canny:0.5", control_strength=0.2, seed=1), asked(also="canny:0.1:0:0.5")
    assert one.choice == other.choice
    assert hash(one.choice) == hash(other.choice)
    assert one.choice != asked(also="normal").choice
