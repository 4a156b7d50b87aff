"""The contest of steps: what counts, what does not, and both sides on a tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from depthpaint.bench import throughput
from depthpaint.bench.throughput import ALL, HALF, StepsTask, half_window, measure_steps
from depthpaint.sampling.guidance import ControlWindow


def test_warm_up_and_first_steps_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, tuple[float, float]]] = []

    def fake(command: list[str]) -> str:
        task = json.loads(Path(command[-1]).read_text())
        own = throughput.OWN in command
        asked.append(("own" if own else "peer", tuple(task["control_window"])))
        pace = 1.0 if own else 2.0
        rounds = [[99.0, 99.0, 99.0], [99.0, pace, pace]] if own else [[99.0, 99.0], [pace, pace]]
        return "noise\n" + json.dumps({"load": 1, "steps": rounds, "peak_mb": 10 if own else 20})

    monkeypatch.setattr(throughput, "run_side", fake)
    contest = measure_steps(StepsTask(model="m", control="c", num_inference_steps=3), turns=2)
    assert contest.ratio(ALL) == contest.ratio(HALF) == 2.0
    assert contest.peak_mb == {"depthpaint": 10, "diffusers": 20}
    assert contest.seconds["depthpaint"][ALL].runs == 2
    assert [side for side, _ in asked] == ["own", "peer", "own", "peer", "peer", "own", "peer", "own"]
    assert {window for _, window in asked} == {(0.0, 1.0), (0.0, 2 / 3)}


def test_half_of_the_counted_steps_hear_depth() -> None:
    for count in (3, 5, 21):
        window = ControlWindow(0.0, half_window(count))
        heard = [window.open_at(index, count) for index in range(1, count)]
        assert sum(heard) == len(heard) / 2
