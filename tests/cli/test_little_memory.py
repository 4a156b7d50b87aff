"""Under a limit of memory, every command ends with 0, or with exit status 6 and one message."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from depthpaint.core.errors import OutOfMemory, ParameterError, is_shortage
from depthpaint.models.painter import MOST_THREADS, Runtime

LIMITED = """
import resource, sys
limit = int(sys.argv[1]) << 20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from depthpaint.cli.main import run
sys.exit(run(sys.argv[2:]))
"""


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux alone")
@pytest.mark.parametrize("megabytes", [95, 150, 270, 350, 450, 600, 750])
@pytest.mark.parametrize("command", ["generate", "inspect"])
def test_less_than_a_gigabyte(work: Path, command: str, megabytes: int) -> None:
    more = ["a red sphere", "--threads", "2", "-q"] if command == "generate" else []
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(megabytes), command, "depth.npy", *more, "--near", "white"],
        cwd=work, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 6), (done.returncode, done.stderr)
    if done.returncode == 6:
        lines = [line for line in done.stderr.splitlines() if line.startswith("depthpaint")]
        assert len(lines) == 1, done.stderr
        assert "memory" in lines[0]
    assert "Traceback" not in done.stderr


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux alone")
def test_diorama_is_not_loaded_where_its_libraries_would_abort(work: Path) -> None:
    arguments = ["generate", "depth.npy", "a red sphere", "-q", "--near", "white"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, "600", *arguments],
        cwd=work, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "allowed 600 MB of memory, and needs 640 MB to load diorama" in done.stderr


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (MemoryError(), True), (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("std::bad_alloc"), True), (RuntimeError("can't start new thread"), True),
        (RuntimeError("[ONNXRuntimeError] : 6 : Failed to allocate memory for requested buffer"), True),
        (ImportError("libx.so: failed to map segment from shared object"), True),
        (ValueError("a prompt about bad_alloc"), False), (OSError(28, "No space left on device"), False),
        (ParameterError("out of memory", code="invalid_parameter"), False),  # pyright: ignore[reportArgumentType]
        (OutOfMemory("x", code="out_of_memory"), True),  # pyright: ignore[reportArgumentType]
        (RuntimeError("size mismatch"), False),
    ],
)  # fmt: skip
def test_a_shortage_is_known_by_what_libraries_raise(error: Exception, short: bool) -> None:
    assert is_shortage(error) == short
    wrapped = RuntimeError("while loading")
    wrapped.__cause__ = error
    assert is_shortage(wrapped) == short


@pytest.mark.parametrize("threads", [-1, MOST_THREADS + 1, 1024, 10**9, True])
def test_a_number_of_threads_is_bounded(threads: int) -> None:
    with pytest.raises(ParameterError, match="threads") as refused:
        Runtime(threads=threads)
    assert refused.value.exit_status == 2


@pytest.mark.full
@pytest.mark.parametrize("threads", ["-1", "257", "1024", "99999999999"])
def test_the_flag_is_bounded_before_anything_is_loaded(work: Path, threads: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "depthpaint", "generate", "depth.npy", "a", "--threads", threads],
        cwd=work, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "--threads" in done.stderr, done.stderr.count("\n")) == (2, True, 1), done.stderr
