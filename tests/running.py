"""Programs that a test starts and talks to: none of them outlives the test or keeps it waiting for ever."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Timer
from typing import Any
from uuid import uuid4

import psutil

MARK = "DEPTHPAINT_TEST_PROGRAM"
"""A variable by which a program's processes are known again, also those that have lost their parent."""


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    seconds: float = 300.0,
    env: Mapping[str, str] | None = None,
    **options: Any,
) -> Generator[subprocess.Popen[Any]]:
    """Start a program, and kill it with all its processes at the end of the block, or after `seconds`.

    The second is a failure of the test. Options are those of Popen.
    """
    mark, late = uuid4().hex, Event()
    marked = {**(os.environ if env is None else env), MARK: mark}
    process = subprocess.Popen(command, env=marked, **options)

    def give_up() -> None:
        late.set()
        _kill(process, mark)

    timer = Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        try:
            yield process
        finally:
            timer.cancel()
            _kill(process, mark)
            process.wait(60)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
    except Exception as error:
        if late.is_set():
            raise AssertionError(f"killed, because it had not ended after {seconds:g} s") from error
        raise
    assert not late.is_set(), f"killed, because it had not ended after {seconds:g} s"


def _kill(program: subprocess.Popen[Any], mark: str) -> None:
    """Kill the program and whatever bears its mark, until nothing is left that could start more."""
    program.kill()
    for _ in range(10):
        several = [process for process in psutil.process_iter() if _belongs(process, program.pid, mark)]
        if not several:
            return
        for process in several:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(several, timeout=10)


def _belongs(process: psutil.Process, program: int, mark: str) -> bool:
    """Whether it descends from the program; the program itself is waited for by Popen alone."""
    try:
        return (
            process.pid != program
            and process.status() != psutil.STATUS_ZOMBIE
            and process.environ().get(MARK) == mark
        )
    except (psutil.Error, OSError):
        return False
