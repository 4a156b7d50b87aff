"""The keyword arguments of `depthpaint.paint` are the settings; their types take what the settings take."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from pydantic import TypeAdapter
from test_settings import SAMPLES

from depthpaint.core.setting import settings_of
from depthpaint.depth.depth_map import DepthReading
from depthpaint.paint_settings import PaintSettings, ReadingSettings
from depthpaint.request import Request, request_from

HINTS = get_type_hints(PaintSettings)
VALUES: dict[str, list[Any]] = {
    "size": [(96, 64)], "aspect": [1.5], "control_window": [(0.0, 0.5)], "range": [(0.5, 12.0), "auto"],
    "empty": [(0.0, 65535.0), [0.0]], "lora": [["a.safetensors:0.5", "b.safetensors"]],
    "also": [["canny", "normal:0.5"]], "seed": [None],
}  # fmt: skip
"""Further values than the samples, which are texts as a command line gives them."""


def test_each_setting_is_a_keyword_argument() -> None:
    assert HINTS.keys() == settings_of(Request).keys()
    assert get_type_hints(ReadingSettings).keys() == settings_of(DepthReading).keys()


@pytest.mark.parametrize("name", SAMPLES)
def test_the_type_takes_what_the_setting_takes(name: str) -> None:
    for value in (SAMPLES[name], *VALUES.get(name, [])):
        TypeAdapter[object](HINTS[name]).validate_python(value, strict=True)
        request_from({"depth": "x.png", "prompt": "", name: value})
