"""Whatever a path names: bytes, or a typed error at once."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from depthpaint.core.errors import DepthError, ErrorCode, OutputError
from depthpaint.core.regular_file import Wanted, read_regular_file


@pytest.fixture
def special(tmp_path: Path) -> Iterator[dict[str, Path]]:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    # The path of a socket may have about a hundred characters, which pytest's folders exceed.
    with tempfile.TemporaryDirectory(dir="/tmp") as short, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{short}/socket")
        yield {
            "folder": tmp_path,
            "missing": tmp_path / "missing",
            "fifo": tmp_path / "fifo",
            "socket": Path(short) / "socket",
            "broken link": tmp_path / "broken",
            "looping link": tmp_path / "loop",
            "endless device": Path("/dev/zero"),
            "null device": Path("/dev/null"),
            "own memory": Path("/proc/self/mem"),
            "below a file": Path(__file__) / "x",
            "long name": tmp_path / ("x" * 300),
            "NUL": Path("a\0b"),
        }


@pytest.mark.parametrize("name", [
    "folder", "missing", "fifo", "socket", "broken link", "looping link", "endless device", "null device",
    "own memory",
    "below a file", "long name", "NUL",
])  # fmt: skip
def test_what_is_no_regular_file_is_refused_at_once(special: dict[str, Path], name: str) -> None:
    with pytest.raises(DepthError, match="cannot read") as refused:
        read_regular_file(special[name], 1000)
    assert refused.value.code is ErrorCode.DEPTH_UNREADABLE
    assert refused.value.remedy
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("name", ["folder", "missing", "fifo", "endless device", "looping link"])
def test_the_error_is_the_readers_own(special: dict[str, Path], name: str) -> None:
    wanted = Wanted("picture", OutputError, ErrorCode.PICTURE_UNREADABLE, ErrorCode.DISK_FULL)
    with pytest.raises(OutputError, match="cannot read") as refused:
        read_regular_file(special[name], 1000, wanted)
    assert refused.value.code is ErrorCode.PICTURE_UNREADABLE
    assert refused.value.remedy == "give the path of a picture"


def test_a_regular_file_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as /proc/kmsg: regular by its mode, and reading waits for what is to come."""
    path = tmp_path / "waits"
    path.write_bytes(b"x")
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    status = path.stat()

    def opened(*_: object) -> int:
        return reader

    def looked(_: int) -> os.stat_result:
        return status

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "fstat", looked)
    try:
        with pytest.raises(DepthError, match="it has no end"):
            read_regular_file(path, 1000)
    finally:
        monkeypatch.undo()
        os.close(writer)


def test_a_pipe_in_a_files_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking and opening; the second look must notice, without waiting for a writer."""
    path, looking = tmp_path / "map.png", Path.stat
    path.write_bytes(b"x")

    def swap(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        status = looking(self, follow_symlinks=follow_symlinks)
        if self == path:
            path.unlink()
            os.mkfifo(path)
        return status

    monkeypatch.setattr(Path, "stat", swap)
    with pytest.raises(DepthError, match="pipe"):
        read_regular_file(path, 1000)


@pytest.mark.parametrize("size", [0, 1, 999, 1000])
def test_the_limit_is_inclusive(tmp_path: Path, size: int) -> None:
    path = tmp_path / "map.npy"
    path.write_bytes(bytes(size))
    assert read_regular_file(path, 1000) == bytes(size)


def test_too_large_is_refused_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "map.npy"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse: a terabyte that takes no room
    with pytest.raises(DepthError, match="too large") as refused:
        read_regular_file(path, 1000)
    assert refused.value.code is ErrorCode.DEPTH_TOO_LARGE
    assert (refused.value.value, refused.value.limit) == (1 << 40, 1000)


def test_a_file_that_says_it_is_empty_and_is_not() -> None:
    path = Path("/proc/self/status")
    if not path.exists():
        pytest.skip("only Linux has such files")
    assert b"Name:" in read_regular_file(path, 1 << 20)
    with pytest.raises(DepthError, match="too large"):
        read_regular_file(path, 10)


def test_a_link_to_a_regular_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "map.png").write_bytes(b"content")
    (tmp_path / "link").symlink_to("map.png")
    assert read_regular_file(str(tmp_path / "link"), 1000) == b"content"


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "map.npy"
    path.write_bytes(bytes(1 << 20))
    stop = threading.Event()

    def shrink_and_grow() -> None:
        while not stop.is_set():
            path.write_bytes(b"")
            path.write_bytes(bytes(1 << 20))

    thread = threading.Thread(target=shrink_and_grow)
    thread.start()
    try:
        for _ in range(30):
            assert len(read_regular_file(path, 1 << 21)) <= 1 << 20
    finally:
        stop.set()
        thread.join()
