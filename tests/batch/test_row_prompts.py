"""Rows that a model cannot paint as they are written: refused before any painting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from depthpaint.batch.job import require_plan
from depthpaint.core.errors import ParameterError
from depthpaint.request import Request


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prompt": " "}, "prompt: it is empty"),
        ({"prompt": "a (red:1.5) house"}, r"'\(red:1.5\)' is a weight that diorama does not understand"),
        ({"negative_prompt": "[a|b]"}, "an alternation"),
        ({"guidance_scale": 7.5}, "guidance 7.5 burns the colours of diorama"),
    ],
)
def test_a_row_that_diorama_cannot_paint(fields: dict[str, Any], message: str) -> None:
    plain: dict[str, Any] = {"depth": Path("d.png"), "prompt": "a house"}
    require_plan(Request.model_validate(plain))
    with pytest.raises(ParameterError, match=message):
        require_plan(Request.model_validate(plain | fields))
