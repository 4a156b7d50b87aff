"""Many rows by both sides: the same rows, in turns, and pictures that are compared."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthpaint.bench import throughput
from depthpaint.bench.throughput import Throughput, measure_throughput
from depthpaint.core.statistics import Timing


def test_both_sides_get_the_same_rows_in_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def run(line: Sequence[str]) -> str:
        peer = "rows_peer" in line[1]
        ran.append("diffusers" if peer else "depthpaint")
        if peer:
            rows = json.loads(Path(line[3]).read_text())
            out = Path(line[-1])
        else:
            with Path(line[4]).open(newline="") as file:
                rows = [{**row, "name": f"{row['name']}.png"} for row in csv.DictReader(file)]
            out = Path(line[line.index("--out") + 1])
            out.mkdir()
            assert "expand=false" in line, "both hear the same sentence"
            assert "finish=false" in line
        for row in rows:
            value = np.full((8, 8, 3), int(row["seed"]) + (5 if peer else 0), np.uint8)
            Image.fromarray(value).save(out / row["name"])
            asked.setdefault(row["name"], set()).add((row["prompt"], int(row["seed"])))
        return ""

    asked: dict[str, set[tuple[str, int]]] = {}
    monkeypatch.setattr(throughput, "run_side", run)
    calls: list[None] = []
    found = measure_throughput(
        tmp_path, tmp_path, rows=9, side=16, repeats=2, on_run=lambda: calls.append(None)
    )
    assert ran == ["depthpaint", "diffusers"] * 3
    assert len(calls) == 6
    assert len(asked) == 9
    assert all(len(both) == 1 for both in asked.values()), "prompt and seed are the same on both sides"
    assert found.seconds["diffusers"].runs == 2, "the warm-up does not count"
    assert found.psnr == pytest.approx(-20 * np.log10(5 / 255), abs=0.01)
    hints = [np.load(tmp_path / f"hint-{number}.npy") for number in range(4)]
    assert hints[0].shape == (4, 16, 16)
    assert not np.array_equal(hints[0], hints[1])


def test_times_as_fast_is_the_peers_time_over_ours() -> None:
    seconds = {"depthpaint": Timing.of([2.0]), "diffusers": Timing.of([3.0])}
    assert Throughput(10, seconds, 60.0).times_as_fast == 1.5
