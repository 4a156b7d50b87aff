"""Whole files or none, and names that every file system takes."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.files import name_of, safe_stem, sha256_of, write_atomic


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_atomic(path, b"one", overwrite=False)
    assert path.read_bytes() == b"one"
    assert sha256_of(path) == hashlib.sha256(b"one").hexdigest()
    assert names(tmp_path) == ["a.bin"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("links", [True, False])
def test_an_existing_file_is_kept_unless_asked(
    tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: Any) -> None:
        raise OSError(errno.EPERM, "no links")

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "a.bin"
    write_atomic(path, b"one", overwrite=False)
    with pytest.raises(OutputError, match=r"a\.bin") as refused:
        write_atomic(path, b"two", overwrite=False)
    assert refused.value.code is ErrorCode.OUTPUT_EXISTS
    assert refused.value.exit_status == 8
    assert path.read_bytes() == b"one"
    write_atomic(path, b"three", overwrite=True)
    assert path.read_bytes() == b"three"
    assert names(tmp_path) == ["a.bin"]


def test_a_reader_of_the_old_file_never_sees_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_atomic(path, b"new", overwrite=True)
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize(("number", "code"), [
    (errno.ENOSPC, ErrorCode.DISK_FULL), (errno.EDQUOT, ErrorCode.DISK_FULL),
    (errno.EIO, ErrorCode.OUTPUT_NOT_WRITABLE), (errno.EROFS, ErrorCode.OUTPUT_NOT_WRITABLE),
])  # fmt: skip
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: ErrorCode, overwrite: bool
) -> None:
    path = tmp_path / "a.bin"
    if overwrite:
        path.write_bytes(b"old")

    def fail(_: int) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError) as refused:
        write_atomic(path, b"new", overwrite=overwrite)
    assert refused.value.code is code
    assert refused.value.remedy
    assert names(tmp_path) == (["a.bin"] if overwrite else [])
    assert not overwrite or path.read_bytes() == b"old"


@pytest.mark.parametrize("name", ["missing/a.bin", "folder", "a" * 300, "nul\0", "file/a.bin"])
def test_places_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError) as refused:
        write_atomic(tmp_path / name, b"x", overwrite=True)
    assert refused.value.code is ErrorCode.OUTPUT_NOT_WRITABLE
    assert names(tmp_path) == ["file", "folder"]


def test_of_many_writers_one_wins(tmp_path: Path) -> None:
    path, outcomes = tmp_path / "a.bin", list[str]()

    def write(content: bytes) -> None:
        try:
            write_atomic(path, content, overwrite=False)
            outcomes.append(content.decode())
        except OutputError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=write, args=(f"{k}".encode(),)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(ErrorCode.OUTPUT_EXISTS) == 7
    assert path.read_bytes().decode() in outcomes
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize(
    ("prompt", "stem"),
    [
        ("Luxury bedroom interior", "luxury-bedroom-interior"),
        ("  a / b \\ c: *?<>| ", "a-b-c"),
        ("../../etc/passwd", "etc-passwd"),
        ("", "picture"),
        ("?!...", "picture"),
        ("CON", "picture-con"),
        ("lpt1.", "picture-lpt1"),
        ("Cafe\u0301", "café"),
        ("東京 の 夜", "東京-の-夜"),
        ("a\nb\x1b\u202ec\0d\ud800e", "a-b-c-d-e"),
        ("x" * 500, "x" * 60),
        ("word " * 50, "-".join(["word"] * 12)),
        ("<lora:x:1>", "lora-x-1"),
    ],
)
def test_a_name_for_any_prompt(prompt: str, stem: str) -> None:
    assert safe_stem(prompt) == stem


@pytest.mark.parametrize("prompt", ["𝔘" * 200, "家" * 200, "é" * 999, "👨\u200d👩", "a" * 59 + " bb"])
def test_a_name_fits_everywhere(tmp_path: Path, prompt: str) -> None:
    stem = safe_stem(prompt)
    assert 0 < len(stem) <= 60
    assert len(stem.encode()) <= 180
    (tmp_path / f"{stem}.png").touch()
    assert len(safe_stem(prompt, limit=5)) <= 7


def test_every_path_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    for path, name in (
        (".", "b"),
        ("..", "a"),
        ("b/", "b"),
        ("x/y.png", "y.png"),
        ("/", "/"),
        ("../..", tmp_path.name),
    ):
        assert name_of(Path(path)) == name
