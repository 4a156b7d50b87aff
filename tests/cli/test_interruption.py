"""A signal ends a command with its own status, even where a library makes another error of it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

SWALLOWED = """
import signal
import sys
from depthpaint.cli.main import main
from depthpaint.engine import Engine

number = int(sys.argv.pop())

def paint(*arguments, **options):
    try:
        signal.raise_signal(number)
    except BaseException as error:
        raise ValueError(repr(error)) from None

Engine.pictures = paint
main()
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_a_library_swallows_is_remembered(work: Path, number: signal.Signals, status: int) -> None:
    command = [sys.executable, "-c", SWALLOWED, "generate", "depth.npy", "a room", "-q"]
    # Python runs with Ctrl-C ignored where a shell started it in the background; here it is not to.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ended = subprocess.run([*command, str(int(number))], cwd=work, capture_output=True, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.returncode == status, ended.stderr
    assert "nothing half-written is left" in ended.stderr
    assert "ValueError" not in ended.stderr
