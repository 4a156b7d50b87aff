"""A batch that is killed at any moment, and started again, leaves what one that was let alone leaves."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from batching import Paint, content, lines_of, paint_all, some_rows, write_rows

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

TOUCHING = ("open", "os.link", "os.rename", "os.remove", "os.truncate", "os.mkdir")


def in_a_process(work: Callable[[], object]) -> int:
    """Start `work` in a process of its own; its id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def ended(child: int) -> int:
    """Wait for it: its exit status, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killing_itself_at(event: int, work: Callable[[], object]) -> Callable[[], object]:
    """`work`, which is killed when it touches the file system for the `event`-th time."""

    def doomed() -> None:
        left = event

        def count(name: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if name in TOUCHING:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        work()

    return doomed


def missing(folder: str) -> list[str]:
    """Files that the ledger names and that are not there."""
    ledger = Path(folder, "records.jsonl")
    lines = ledger.read_text().splitlines()[1:] if ledger.exists() else []
    files = [str(json.loads(line)["file"]) for line in lines]
    return [file for file in files if not Path(folder, file).exists()]


@pytest.mark.full
def test_killed_at_every_touch_of_the_file_system(paint: Paint) -> None:
    path = write_rows("m.jsonl", some_rows(3))
    paint(path, "whole")
    whole, kills = content("whole"), 0
    for event in range(10_000):
        folder = f"out-{event}"
        status = ended(in_a_process(killing_itself_at(event, lambda folder=folder: paint_all(path, folder))))
        if status == 0:
            break
        assert status == -signal.SIGKILL
        kills += 1
        assert not missing(folder), "a line of the ledger has its picture"
        paint(path, folder)
        assert content(folder) == whole
    assert kills > 3 * 5, "each picture is a file, a link or rename, and a line"


def killed_at_random(rows: int, kills: int, seed: int) -> None:
    """Kill a batch `kills` times, each time after a while that lets it do a part of its work."""
    path = write_rows("m.jsonl", some_rows(rows))
    started = time.monotonic()
    paint_all(path, "whole")
    whole, longest, chance = content("whole"), time.monotonic() - started, random.Random(seed)
    killed = ended_by_itself = 0
    while killed < kills:
        child = in_a_process(lambda: paint_all(path))
        time.sleep(chance.uniform(0, longest * 0.3))
        os.kill(child, signal.SIGKILL)
        status = ended(child)
        killed += status == -signal.SIGKILL
        if status == 0 or len(list(Path("out").glob("*.png"))) == rows:
            ended_by_itself += 1
            paint_all(path)
            assert content() == whole
            for file in Path("out").iterdir():
                file.unlink()
    paint_all(path)
    assert content() == whole
    assert not list(Path("out").glob(".tmp*"))
    assert ended_by_itself > 0 or kills < 20


@pytest.mark.full
def test_killed_at_a_few_random_moments(paint: Paint) -> None:
    killed_at_random(rows=12, kills=12, seed=1)


@pytest.mark.full
def test_killed_at_two_hundred_random_moments(paint: Paint) -> None:
    killed_at_random(rows=50, kills=200, seed=2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_two_steps_drops_the_picture_and_while_saving_waits(
    paint: Paint, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    from depthpaint.batch import run
    from depthpaint.batch.painting import Stopped
    from depthpaint.engine import Engine

    path = write_rows("m.jsonl", some_rows(5))
    paint(path, "whole")
    paint_one, write, calls = Engine.paint, run.write_atomic, iter(range(100))

    def interrupted(self: Engine, request: object, on_progress: object = None) -> object:
        if next(calls) == 2:
            signal.raise_signal(number)
        return paint_one(self, request)  # pyright: ignore[reportArgumentType]

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "paint", interrupted)
        with pytest.raises(Stopped) as stopped:
            paint(path)
    assert stopped.value.number == number
    assert len(list(Path("out").glob("*.png"))) == 2

    def write_and_hear(target: Path, data: bytes, overwrite: bool) -> None:
        signal.raise_signal(number)
        write(target, data, overwrite=overwrite)

    with monkeypatch.context() as patch:
        patch.setattr(run, "write_atomic", write_and_hear)
        with pytest.raises(Stopped):
            paint(path)
    assert len(list(Path("out").glob("*.png"))) == 3
    assert len(lines_of("records")) == 3, "the picture and its line were finished"

    def hear_twice(target: Path, data: bytes, overwrite: bool) -> None:
        signal.raise_signal(number)
        signal.raise_signal(number)
        raise AssertionError("the second one ends it at once")

    with monkeypatch.context() as patch:
        patch.setattr(run, "write_atomic", hear_twice)
        with pytest.raises(Stopped):
            paint(path)
    paint(path)
    assert content() == content("whole")
    assert signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)


@pytest.mark.parametrize("where", ["paint", "key"])
def test_a_signal_that_a_library_makes_an_error_of_ends_the_batch(
    paint: Paint, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from depthpaint.batch import run
    from depthpaint.batch.painting import Stopped
    from depthpaint.engine import Engine

    path = write_rows("m.jsonl", some_rows(5))
    paint(path, "whole")
    calls = iter(range(100))
    owner, name = {"paint": (Engine, "paint"), "key": (run, "jobs_of")}[where]
    work = getattr(owner, name)

    def swallowing(*arguments: object) -> object:
        try:
            if next(calls) == 2:
                signal.raise_signal(signal.SIGINT)
        except BaseException as error:  # noqa: BLE001 - what the library does that is imitated here
            raise ValueError(f"Error calling function: {error!r}") from None
        return work(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, swallowing)
        with pytest.raises(Stopped) as stopped:
            paint(path)
    assert stopped.value.number == signal.SIGINT
    assert len(list(Path("out").glob("*.png"))) == 2
    assert not Path("out/failures.jsonl").exists(), "nobody's row is to blame"
    paint(path)
    assert content() == content("whole")
