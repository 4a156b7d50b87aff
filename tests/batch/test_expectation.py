"""The time that is left: learned, never negative, and blind to the calendar."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from depthpaint import batch
from depthpaint.batch.progress import Expectation


def ticking(*seconds: float) -> Iterator[float]:
    yield from seconds


def test_it_learns_from_what_has_run() -> None:
    clock = ticking(0, 10, 12, 14)
    expected = Expectation({"small": 50}, clock.__next__)
    assert expected.seconds_left() is None
    expected.begin()
    expected.painted("small", 10)
    assert expected.seconds_left() == pytest.approx(2 / 10 * 40)
    expected.skipped("small", 20)
    assert expected.seconds_left() == pytest.approx(2 / 10 * 20)
    expected.painted("small", 20)
    assert expected.seconds_left() == 0


def test_loading_a_model_is_not_taken_for_painting() -> None:
    expected = Expectation({"m": 20}, ticking(0, 0, 32).__next__)
    expected.begin()
    expected.painted("m", 10, loading=30)
    assert expected.seconds_left() == pytest.approx(2)


def test_each_model_has_its_own_speed_and_an_unseen_one_the_average() -> None:
    expected = Expectation({"slow": 20, "fast": 20, "new": 10}, ticking(0, 0, 100, 101).__next__)
    expected.begin()
    expected.painted("slow", 10)
    expected.painted("fast", 10)
    assert expected.seconds_left() == pytest.approx(100 + 1 + 101 / 20 * 10)


JUMPING = """
import os, random, sys, time
from datetime import datetime
from pathlib import Path

chance = random.Random(1)

def jump(*arguments):
    return chance.uniform(-1e9, 4e9)

# The clock of the wall, however it is asked, jumps years to and fro.
time.time = jump
time.time_ns = lambda: int(jump() * 1e9)
sys.path[:0] = [sys.argv[1], os.path.dirname(sys.argv[1])]
from batching import fake_engine, lines_of, some_rows, write_rows
from depthpaint.batch.manifest import Manifest
from depthpaint.batch.painting import OnePainter
from depthpaint.batch.run import Batch
from depthpaint.batch.survey import survey
from depthpaint.batch.progress import Listener

left = []
rows = Manifest(write_rows("m.jsonl", some_rows(6)))
listener = Listener(lambda *a: None, lambda *a: None, lambda tally, seconds: left.append(seconds))
batch = Batch(rows, {"num_inference_steps": "2"}, Path("out"), listener)
batch.run(OnePainter(fake_engine()), survey(rows, {"num_inference_steps": "2"}))
assert batch.tally.painted == 6
assert len(left) == 6 and all(seconds is not None and 0 <= seconds < 600 for seconds in left), left
assert left[-1] == 0
times = lines_of("times")
assert len(times) == 6
assert all(0 <= took < 600 for line in times for took in line["seconds"].values()), times
print("good")
"""

WALL = re.compile(r"\btime\.time(_ns)?\b|\bfrom time import [^\n]*\btime\b|\b(now|utcnow|today)\(")


def test_a_clock_that_jumps_does_no_harm(maps: Path) -> None:
    program = [sys.executable, "-c", JUMPING, str(Path(__file__).parent)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "good\n"), done.stderr


def test_no_module_asks_the_clock_of_the_wall() -> None:
    """Durations come from clocks that only go forward; a job also says when it was asked for."""
    package = Path(batch.__file__).parents[1]
    asking = [path.name for path in package.rglob("*.py") if WALL.search(path.read_text(encoding="utf-8"))]
    assert asking == ["queue.py"]


def test_the_clock_goes_forward_only() -> None:
    clock = inspect.signature(Expectation).parameters["clock"].default
    assert clock is time.monotonic
    assert time.get_clock_info("monotonic").monotonic
    assert time.get_clock_info("perf_counter").monotonic
