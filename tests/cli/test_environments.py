"""The program works whatever the shell around it has set, and on terminals of every kind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from running import running

ROOT = Path(__file__).parents[2]
PAINT = (
    sys.executable, "-m", "depthpaint", "generate", str(ROOT / "examples" / "house-in-the-forest.png"),
    "ein Häuschen", "--size", "64x64", "--steps", "1",
)  # fmt: skip


def environment(**changes: str | None) -> dict[str, str]:
    """This process's variables with some changed, or left out where None."""
    changed = {**os.environ, **changes}
    return {name: value for name, value in changed.items() if value is not None}


@pytest.mark.full
@pytest.mark.parametrize(
    "changes",
    [
        {"HOME": None},
        {"HOME": "/nowhere/at/all"},
        {"HOME": "/proc", "XDG_CACHE_HOME": "/proc"},  # it cannot be written, not even by root
        {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PATH": ""},
        {"TMPDIR": "/nowhere"},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_it_paints_in_every_environment(tmp_path: Path, changes: dict[str, str | None]) -> None:
    done = subprocess.run(
        [*PAINT, "--verify"], cwd=tmp_path, env=environment(**changes), capture_output=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert len(list((tmp_path / "output_images").glob("*.png"))) == 1


def on_a_terminal(folder: Path, **changes: str | None) -> tuple[int, bytes, bytes]:
    """Paint with standard error on a terminal: (exit status, standard output, what the terminal received)."""
    master, slave = os.openpty()
    with running(
        PAINT, cwd=folder, env=environment(**changes), stdin=slave, stdout=subprocess.PIPE, stderr=slave
    ) as process:
        os.close(slave)
        received = b""
        while True:
            try:
                piece = os.read(master, 1 << 16)
            except OSError:  # Linux reports the end of a terminal in this way
                piece = b""
            if not piece:
                break
            received += piece
        os.close(master)
        output, _ = process.communicate()
    return process.returncode, output, received


@pytest.mark.full
@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals on this system")
@pytest.mark.parametrize(
    ("changes", "bar", "colour"),
    [
        ({"TERM": "xterm-256color", "NO_COLOR": None}, True, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, True, False),
        ({"TERM": "xterm-256color", "NO_COLOR": None, "COLUMNS": "40"}, True, True),
        ({"TERM": "dumb", "NO_COLOR": None}, False, False),
    ],
    ids=["colours", "no colours", "40 columns", "dumb"],
)
def test_a_terminal_gets_what_it_can_show(
    tmp_path: Path, changes: dict[str, str | None], bar: bool, colour: bool
) -> None:
    status, output, received = on_a_terminal(tmp_path, **changes)
    assert status == 0, received
    # The path goes to the program behind the pipe, also while there is a bar.
    assert output == b"output_images/ein-h\xc3\xa4uschen-12345.png\n"
    assert b".png" not in received
    assert b"Traceback" not in received
    assert (b"painting" in received) is bar
    assert (b"\x1b[38" in received or b"\x1b[3" in received) is colour
    if not bar:
        assert b"\x1b" not in received


@pytest.mark.skipif(os.name == "nt", reason="starts a shell")
def test_no_file_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "sys.argv = ['depthpaint', '--version']\n"
        "from depthpaint.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.exit(0 if os.open(sys.executable, os.O_RDONLY) > 2 else 1)"
    )
    shell = f'exec "{sys.executable}" -c "$1" <&- >&- 2>&-'
    assert subprocess.run(["sh", "-c", shell, "sh", code], cwd=tmp_path, timeout=100).returncode == 0
