"""What a benchmark reports, without timing anything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.bench import command, contest
from depthpaint.bench import command as inspection
from depthpaint.bench.command import large_map as inspection_map
from depthpaint.bench.contest import BenchTask, sphere_before_a_wall
from depthpaint.core.errors import ModelError
from depthpaint.core.statistics import EQUAL_DB, Timing, psnr
from depthpaint.models.diorama.family import DIORAMA


def test_a_timing_is_median_and_spread() -> None:
    assert Timing.of([3.0, 1.0, 2.0, 100.0, 2.5]) == Timing(2.5, 1.0, 100.0, 5)
    assert str(Timing(1.5, 1.0, 2.0, 3)) == "1.5 s (1 to 2, 3 runs)"


def test_psnr_of_known_errors() -> None:
    black = np.zeros((4, 4, 3))
    assert psnr(black, black + 0.1, peak=1) == pytest.approx(20.0)
    assert psnr(black, black, peak=1) == EQUAL_DB
    assert psnr(255 * black, 255 * black + 25.5) == pytest.approx(20.0)


def test_the_scene_is_a_ball_before_a_wall() -> None:
    depth = sphere_before_a_wall(64)
    assert depth.dtype == np.float32
    assert depth.min() == 0
    assert depth.max() == 1
    assert depth[30, 32] > depth[30, 2], "the ball is nearer than the wall beside it"
    assert depth[-1].min() > depth[40].min(), "the floor comes nearer towards the bottom"


@pytest.fixture
def fake_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Both sides answer at once; the list tells who ran, in order."""
    np.save(tmp_path / "depth.npy", sphere_before_a_wall(8))
    ran: list[str] = []

    def run(line: Sequence[str]) -> str:
        peer = any("diffusers_peer" in part for part in line)
        ran.append("diffusers" if peer else "depthpaint")
        out = Path(line[-1]) if peer else Path(line[line.index("--out") + 1]) / "own.png"
        if peer:
            np.save(out, np.zeros((8, 8, 3)))
        else:
            Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(out)
        return json.dumps({"load": 1.0, "pictures": [2.0] * 5})

    def own_pictures(task: BenchTask, pictures: int) -> list[float]:
        return [1.0] * pictures

    monkeypatch.setattr(contest, "run_side", run)
    monkeypatch.setattr(contest, "_own_pictures", own_pictures)
    return ran


def test_sides_take_turns_and_the_warm_up_does_not_count(tmp_path: Path, fake_sides: list[str]) -> None:
    task = BenchTask(depth=tmp_path / "depth.npy")
    told: list[int] = []
    result = contest.measure(task, tmp_path, repeats=3, peer_folder=tmp_path, on_run=lambda: told.append(1))
    assert len(told) == contest.runs_of(3, with_peer=True)
    assert fake_sides[:8] == ["depthpaint", "diffusers"] * 4
    assert result.cold["depthpaint"].runs == result.cold["diffusers"].runs == 3
    assert result.steady["depthpaint"].median == 1.0
    assert result.steady["diffusers"] == Timing(2.0, 2.0, 2.0, 9)
    assert result.psnr is not None


@pytest.mark.usefixtures("fake_sides")
def test_the_document_has_ratios_settings_and_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_folder(target: Path, habits: object) -> Path:
        return target

    monkeypatch.setattr("depthpaint.models.diorama.export.write_diffusers_folder", no_folder)
    command.bench("diffusers", 2, as_json=False)
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["steady_ratio"] == 0.5
    assert document["cold"]["depthpaint"]["runs"] == 2
    assert document["task"]["num_inference_steps"] == DIORAMA.num_inference_steps
    assert "cpu" in document["environment"]
    assert "whole process" in captured.err


def test_a_side_that_fails_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="one side of the benchmark failed"):
        contest.run_side(["false"])


def test_the_inspection_of_a_large_map_is_measured_beside_pillow(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def small(width: int = 40, height: int = 30) -> NDArray[np.uint16]:
        return inspection_map(width, height)

    monkeypatch.setattr(inspection, "large_map", small)
    command.bench_inspection(repeats=3, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert {side: timing["runs"] for side, timing in document["timings"].items()} == {
        "pillow": 3,
        "depthpaint": 3,
    }
    timings = document["timings"]
    assert document["ratio"] == pytest.approx(
        timings["depthpaint"]["median"] / timings["pillow"]["median"], abs=1e-3
    )
