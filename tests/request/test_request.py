"""One request for every way of asking; every mistake is told, all of them at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.core.geometry import Extent, Fit
from depthpaint.core.setting import settings_of
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.plan import make_plan
from depthpaint.request import Request, request_from

BASE: dict[str, object] = {"depth": "map.png", "prompt": "a house"}


def refused(**values: object) -> ParameterError:
    with pytest.raises(ParameterError) as caught:
        request_from({**BASE, **values})
    error = caught.value
    assert error.code is ErrorCode.INVALID_PARAMETER
    assert str(error).isprintable()
    return error


def test_what_is_not_given_is_none_and_has_its_default() -> None:
    request = request_from(BASE)
    assert (request.depth, request.prompt) == (Path("map.png"), "a house")
    assert all(getattr(request, name) is None for name in settings_of(Request))
    assert request.seeds == (12345,)
    assert (request.choice.model, request.reading.near, request.reading.holes) == ("diorama", "auto", "auto")
    assert make_plan(request, Extent(64, 64), DIORAMA).settings.fit is Fit.PAD


ACCEPTED: list[dict[str, object]] = [
    {},
    {"seed": 0, "guidance_scale": 0, "control_strength": 0},
    {
        "seed": 2**32 - 1,
        "count": 1000,
        "num_inference_steps": 1000,
        "guidance_scale": 100.0,
        "control_strength": 2,
    },
    {"seed": "12", "num_inference_steps": "8", "guidance_scale": "7.5"},  # a row of a CSV manifest is text
    {"size": "940x564"},
    {"size": [940, 564]},
    {"size": Extent(8, 8192)},
    {"size": "depth"},
    {"aspect": "5:3"},
    {"aspect": 1.5},
    {"control_window": "0:0.6", "guidance_window": [0.2, 0.2]},
    {"prompt": "", "negative_prompt": "<lora:x:1> \n\t\x1b\u202e 東京 👨\u200d👩"},
    {"prompt": "x" * 10_000},
    {"near": "black", "fit": "crop", "alpha_mask": True, "sampler": "euler", "schedule": "karras"},
]


@pytest.mark.parametrize("values", ACCEPTED, ids=str)
def test_json_and_back(values: dict[str, object]) -> None:
    request = request_from({**BASE, **values})
    assert Request.model_validate_json(request.model_dump_json()) == request
    assert request_from(json.loads(request.model_dump_json())) == request
    assert request_from(request.model_dump()) == request


def test_zero_is_a_value() -> None:
    request = request_from(
        {**BASE, "seed": 0, "guidance_scale": 0, "control_strength": 0, "control_window": "0:0"}
    )
    assert (request.seed, request.guidance_scale, request.control_strength) == (0, 0, 0)
    assert request.control_window == (0, 0)
    again = Request.model_validate_json(request.model_dump_json())
    assert (again.seed, again.guidance_scale, again.control_strength) == (0, 0, 0)


def test_sizes_and_ratios_are_understood() -> None:
    assert request_from({**BASE, "size": "940x564"}).size == Extent(940, 564)
    assert request_from({**BASE, "aspect": "5:3"}).aspect == pytest.approx(5 / 3)
    assert request_from({**BASE, "control_window": "0:0.6"}).control_window == (0, 0.6)


NAN, INF = float("nan"), float("inf")
REFUSED: list[tuple[str, list[object]]] = [
    ("seed", [-1, -2, 2**32, 2**63, 1.5, "abc", NAN, True]),
    ("count", [0, 1001, -1, 10**9, True]),
    ("num_inference_steps", [0, -1, 1001, 10**6, 2.5]),
    ("guidance_scale", [-1, 100.5, 1e9, NAN, INF, "much"]),
    ("control_strength", [-0.1, 2.1, NAN]),
    (
        "control_window",
        ["0.6", "0.7:0.6", "-0.1:1", "0:1.1", "a:b", "0:nan", [0.7, 0.6], [0, NAN], "0:0.5:1"],
    ),
    ("guidance_window", [[0.7, 0.6]]),
    (
        "size",
        [
            "0x8",
            "7x512",
            "8193x8",
            "512",
            "512.0x512",
            [512],
            [512, 512.0],
            [True, 9],
            512,
            "big",
            [2**31, 8],
        ],
    ),
    ("aspect", [0, 17, "1:17", "5/3", NAN, INF, True, -1]),
    ("prompt", ["x" * 10_001, "a\0b", "half \ud800", None, 5]),
    ("negative_prompt", ["x" * 10_001, "a\0b"]),
    ("depth", ["a\0b", None, 5]),
    ("near", ["grey", "WHITE"]),
    ("kind", ["depth", 1]),
    ("range", ["5", "3:1", "nan:1", (2, 1)]),
    ("empty", ["a,b"]),
    ("holes", ["leave"]),
    ("colour_map", ["parula"]),
    ("fit", ["squash"]),
    ("model", ["", " ", "a\0b"]),
    ("alpha_mask", ["perhaps", 7]),
]


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field, values in REFUSED for value in values],
    ids=lambda v: repr(v)[:20],
)
def test_what_is_refused_is_named(field: str, value: object) -> None:
    error = refused(**{field: value})
    assert field in str(error)
    assert len(str(error)) < 300


def test_all_problems_are_told_in_one_line() -> None:
    text = str(refused(seed=-1, count=0, guidence_scale=3, size="1x1"))
    for part in ("seed", "count", "'guidence_scale'", "did you mean 'guidance_scale'?", "size"):
        assert part in text
    with pytest.raises(ParameterError, match=r"depth is missing.*prompt is missing"):
        request_from({})


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("stepz", "steps"),
        ("control_strenght", "control_strength"),
        ("Seed", "seed"),
        ("negativ_prompt", "negative_prompt"),
    ],
)
def test_an_unknown_field_names_the_nearest(key: str, near: str) -> None:
    assert f"did you mean '{near}'" in str(refused(**{key: 1}))


def test_a_field_also_goes_by_the_name_of_its_flag() -> None:
    request = request_from({**BASE, "steps": 3, "guidance": 2, "strength": 0.5, "negative": "rain"})
    assert (request.num_inference_steps, request.guidance_scale) == (3, 2)
    assert (request.control_strength, request.negative_prompt) == (0.5, "rain")
    assert "steps" in str(refused(steps=3, num_inference_steps=4))


def test_an_unknown_field_may_have_no_neighbour() -> None:
    assert "did you mean" not in str(refused(**{"zzz\x1b\n": 1}))


def test_size_and_aspect_exclude_each_other() -> None:
    assert "exclude" in str(refused(size="depth", aspect="5:3"))


def test_a_request_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        request_from(BASE).seed = 1  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("field", sorted(Request.model_fields))
@pytest.mark.parametrize(
    "value", [10**5000, -(10**5000), [10**5000, 1], object(), b"\xff", 1e400], ids=range(6)
)
def test_any_value_of_any_field_is_a_typed_error_or_fits(field: str, value: object) -> None:
    """The constructor raises what request_from raises."""
    values: dict[str, Any] = {"depth": "x.png", "prompt": "a", field: value}
    for make in (lambda: Request(**values), lambda: request_from(values)):
        try:
            make()
        except ParameterError as error:
            assert error.code is ErrorCode.INVALID_PARAMETER
            assert field in str(error)


def test_the_constructor_names_every_problem() -> None:
    with pytest.raises(ParameterError) as refused:
        Request(depth=Path("x"), prompt="a", seed=10**5000, count=0)
    assert "seed" in str(refused.value)
    assert "count" in str(refused.value)
