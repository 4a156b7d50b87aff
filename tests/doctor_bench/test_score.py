"""doctor_bench counts a reader that is wrong as wrong, and one that refuses as asked."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import depthpaint
from depthpaint import DepthError, DepthMap, DepthSource, ErrorCode
from depthpaint.depth.depth_map import Finding
from doctor_bench.__main__ import main
from doctor_bench.corpus import Sample
from doctor_bench.files import Container, encoded
from doctor_bench.scenes import KINDS
from doctor_bench.score import DOCTOR, Reader, Row, claimed_unit, judged, numbers_of
from doctor_bench.storage import Stored
from doctor_bench.tables import calibration, summary


def sample(container: Container = "png") -> Sample:
    """A floor in millimetres with a hole."""
    distance = np.repeat(3 / np.linspace(0.6, 2.2, 60)[:, None], 80, axis=1)
    empty = np.zeros(distance.shape, dtype=np.bool_)
    empty[20:30, 30:50] = True
    numbers = np.where(empty, 0, distance * 1000).astype(np.uint16)
    stored = Stored(numbers, (container,), "small", empty, "distance", 1e-3, "0", "unknown")
    return Sample(0, "floor", "chosen", "mm", container, encoded(numbers, container), stored, 1 / distance)


def given(**known: object) -> Reader:
    """The doctor, with hints."""
    return Reader(
        lambda data: depthpaint.read_depth(data, **known),  # pyright: ignore[reportArgumentType]
        lambda data: depthpaint.inspect(data, **known),  # pyright: ignore[reportArgumentType]
    )


def test_a_right_reader_is_right():
    row = judged(sample(), given(near="black", kind="distance", unit="mm"))
    assert (row.near, row.kind, row.unit, row.marks, row.frame) == ("right",) * 5
    assert row.guess is True and row.concluded == "small" and row.error == ""


def test_an_inverted_reader_is_wrong():
    row = judged(sample(), given(near="white"))
    assert row.near == "wrong" and row.kind == "wrong" and row.guess is False


def test_a_wrong_unit_is_wrong_and_none_is_unknown():
    assert judged(sample(), given(unit="kitti")).unit == "wrong"
    plain = depthpaint.inspect(sample().data, near="black")
    without = replace(plain, metres=None, findings=tuple(f for f in plain.findings if f.aspect != "unit"))
    assert claimed_unit(without) is None
    tum = Finding(aspect="unit", value="tum: 0.1 to 2 m", confidence=0.8, evidence="", flag="--unit")
    assert claimed_unit(replace(without, findings=(tum,))) == pytest.approx(1 / 5000)


def test_a_missed_and_an_invented_hole_are_wrong():
    assert judged(sample(), given(near="black", empty="none")).marks == "wrong"
    whole = sample()
    filled = replace(whole, stored=replace(whole.stored, empty=np.zeros_like(whole.stored.empty)))
    assert judged(filled, given(near="black")).marks == "wrong"


def test_a_cut_map_is_wrong():
    def cut(data: bytes) -> DepthMap:
        depth = given(near="black").read(data)
        frame = Finding(aspect="frame", value="40x30 at 10,20", confidence=0.9, evidence="", flag="")
        source = replace(depth.source, findings=(*depth.source.findings, frame))
        return DepthMap(values=depth.values[20:50, 10:50], valid=depth.valid[20:50, 10:50], source=source)

    row = judged(sample(), Reader(cut, DOCTOR.inspect))
    assert row.frame == "wrong" and row.near == "right"


def refusing(code: ErrorCode) -> Reader:
    def refuse(data: bytes) -> DepthMap:
        raise DepthError("no", code=code, remedy="say", value=len(data))

    def look(data: bytes) -> DepthSource:
        return depthpaint.inspect(data, near="white")

    return Reader(refuse, look)


def test_a_refusal_is_asked():
    row = judged(sample(), refusing(ErrorCode.DEPTH_AMBIGUOUS))
    assert {row.near, row.kind, row.unit, row.marks, row.frame} == {"asked"}
    assert row.guess is False and row.confidence == 1.0 and row.error == "depth_ambiguous"
    other = judged(sample(), refusing(ErrorCode.DEPTH_NOT_FINITE))
    assert other.near == "asked" and other.guess is None and other.error == "depth_not_finite"


def rows(count: int, confidence: float, right: int) -> list[Row]:
    one = judged(sample(), given(near="black"))
    return [replace(one, confidence=confidence, near="right" if k < right else "wrong") for k in range(count)]


def test_small_bins_are_merged():
    answers = rows(300, 0.77, 240) + rows(50, 0.92, 40) + rows(220, 0.96, 210) + rows(400, 1.0, 400)
    bins = calibration(answers)
    assert [each.answers for each in bins] == [300, 270, 400]
    assert bins[1].stated == pytest.approx((50 * 0.92 + 220 * 0.96) / 270)
    assert bins[1].share == pytest.approx(250 / 270)
    assert [each.answers for each in calibration(answers[:320])] == [320]


def test_the_summary_counts_what_is_asked():
    asked = [replace(row, near="asked") for row in rows(20, 0.6, 0)]
    numbers = summary(rows(80, 0.9, 72) + asked)
    assert numbers["near answered"] == pytest.approx(0.8) and numbers["near right"] == pytest.approx(0.9)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "rows.json"
    options = ["--count", "6", "--seed", "3", "--held-out", "--processes", "1"]
    main([*options, "--json", str(out), "--save", str(tmp_path / "wrong")])
    document = json.loads(out.read_text(encoding="utf-8"))
    assert [row["half"] for row in document["rows"]] == ["held-out"] * 6
    assert "calibration" in capsys.readouterr().out
    halves = [kind.half for kind in KINDS.values()]
    assert {halves[number % len(halves)] for number in numbers_of("chosen", 9)} == {"chosen"}


@pytest.mark.full
def test_the_command_reads_samples_in_two_processes() -> None:
    folder = Path(__file__).parents[2]
    command = [sys.executable, "-m", "doctor_bench", "--count", "40", "--processes", "2"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert run.returncode == 0, run.stderr
    assert "near" in run.stdout
