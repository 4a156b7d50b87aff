"""A file system that is full or read-only, for tests that may mount one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, *options: str) -> Generator[Path]:
    """Mount a small tmpfs at `folder`; the test is skipped where that is not allowed."""
    folder.mkdir(exist_ok=True)
    mount(["-t", "tmpfs", *options, "tmpfs", str(folder)])
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def mount(arguments: list[str]) -> None:
    """Call mount, or skip the test and say why."""
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")


def fill(folder: Path, leave: int) -> Path:
    """Fill the file system of `folder` until only `leave` bytes, in whole blocks, are free; the filler."""
    filler = folder / "filler"
    with filler.open("wb") as file:
        found = os.statvfs(folder)
        file.write(b"\1" * max(0, found.f_bavail * found.f_frsize - leave))
    return filler


@contextmanager
def read_only(path: Path) -> Generator[None]:
    """Make a file or folder read-only, even for root; the test is skipped where nothing can be mounted."""
    mount(["--bind", str(path), str(path)])
    try:
        mount(["-o", "remount,bind,ro", str(path)])
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False)
