"""A unit is a name, or the metres of one stored step: everywhere where settings are given."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

import depthpaint
from depthpaint.batch.job import parse_row
from depthpaint.batch.rows import Row
from depthpaint.cli.main import run
from depthpaint.core.errors import ParameterError
from depthpaint.depth.depth_map import DepthReading
from depthpaint.record.result import record_of
from depthpaint.record.run_record import RunRecord
from depthpaint.report.recipe import recipe
from depthpaint.request import Request, reading_from, request_from
from made_depth import turned_table
from painted import result_of

STORED = np.rint(turned_table() * 10_000).astype(np.uint16)
GIVEN = {"depth": "d.png", "prompt": "x"}


@pytest.mark.parametrize("value", ["0.0001", 0.0001, "1e-4", np.float32(0.0001)])
def test_the_metres_of_a_step_are_a_unit(value: object) -> None:
    assert reading_from({"unit": value}).unit == pytest.approx(0.0001)
    source = depthpaint.inspect(STORED, unit=value)  # pyright: ignore[reportArgumentType]
    assert source.metres == pytest.approx(0.0001)
    assert (source.kind, source.near) == ("distance", "black")
    found = source.finding("unit")
    assert found is not None
    assert found.value == "0.0001 m: 0.741 to 2.1 m"
    assert found.evidence == "as given"


def test_a_step_is_a_flag_a_column_and_in_the_recipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "d.npy", STORED)
    assert run(["inspect", str(tmp_path / "d.npy"), "--unit", "0.0001", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["metres"] == 0.0001
    assert parse_row(Row(2, {**GIVEN, "unit": "0.0001"}), Path(), {}).request.unit == 0.0001
    assert parse_row(Row(2, GIVEN), Path(), {"unit": "0.0001"}).request.unit == 0.0001
    record = record_of(result_of(unit=0.0001), 0)
    again = RunRecord.from_json(record.to_json())
    assert json.loads(record.to_json())["settings"]["unit"] == 0.0001
    assert again.request(Path("d.png")).unit == 0.0001
    assert "--unit=0.0001" in shlex.split(recipe(again))


def test_the_schema_has_names_and_numbers() -> None:
    schema = Request.model_json_schema()["properties"]["unit"]
    kinds = {kind for each in schema["anyOf"] for kind in [each.get("type")]}
    assert kinds == {"string", "number", "null"}
    assert DepthReading.model_validate(json.loads(DepthReading(unit=0.25).model_dump_json())).unit == 0.25


@pytest.mark.parametrize(
    "value",
    [0, "0", -1, "nan", float("nan"), "inf", 1e300, "1e300", 5e-324, "0,001", True, "", "inch", [], 10**400],
)
def test_what_is_no_unit_is_one_line_with_the_names(value: object) -> None:
    with pytest.raises(ParameterError) as refused:
        request_from({**GIVEN, "unit": value})
    message = str(refused.value)
    assert message.startswith("unit: must be auto, m, cm, mm")
    assert "such as 0.0001" in message
    assert message.count("unit:") == 1
    assert "\n" not in message
