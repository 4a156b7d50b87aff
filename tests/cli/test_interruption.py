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


@pytest.mark.full
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_what_a_library_swallows_is_remembered(work: Path, number: signal.Signals, status: int) -> None:
    command = [sys.executable, "-c", SWALLOWED, "generate", "depth.npy", "a room", "-q"]
    # Python runs with Ctrl-C ignored where a shell started it in the background; here it is not to.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ended = subprocess.run([*command, str(int(number))], cwd=work, capture_output=True, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.returncode == status, ended.stderr
    assert "no incomplete file is left" in ended.stderr
    assert "ValueError" not in ended.stderr


DURING_IMPORT = """
import signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            try:
                signal.raise_signal(int(sys.argv[1]))
            except BaseException:
                raise ImportError("a library that was interrupted while it was imported") from None

sys.meta_path.insert(0, Interrupting())
from depthpaint.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("number", "status", "message"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_during_the_imports_shows_no_traceback(
    work: Path, number: signal.Signals, status: int, message: str
) -> None:
    command = [sys.executable, "-c", DURING_IMPORT, str(int(number))]
    ended = subprocess.run(command, cwd=work, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (status, f"depthpaint: {message}\n")


@pytest.mark.full
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize(
    "arguments", [("--help",), ("generate", "--help"), ("--version",), ("models", "list")]
)
def test_a_full_disk_behind_stdout_is_one_line(work: Path, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "depthpaint", *arguments],
            cwd=work,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ended.returncode == 6
    assert ended.stderr.startswith("depthpaint: error: cannot write <stdout>: No space left on device;")
    assert ended.stderr.count("\n") == 1
