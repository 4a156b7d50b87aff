"""Answers to the questions of `depthpaint` without arguments, as people and terminals give them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

from depthpaint.cli import interactive
from depthpaint.cli.interactive import dropped_path
from running import running

Run = Callable[..., tuple[int, str, str]]
ODD = "my dépth (1)'s & map.npy"


@pytest.mark.parametrize(
    "written",
    [
        "{path}", "  {path}  ", "'{single}'", '"{path}"', "{escaped}", "{escaped} ", "& \"{path}\"",
        "file://{url}", "FILE://localhost{url}",
    ],
)  # fmt: skip
def test_a_dropped_file_is_found(tmp_path: Path, written: str) -> None:
    path = tmp_path / ODD
    path.touch()
    escaped = "".join(
        letter if letter.isalnum() or letter in "/.-_" else f"\\{letter}" for letter in str(path)
    )
    text = written.format(
        path=path, single=str(path).replace("'", "'\\''"), escaped=escaped, url=quote(str(path))
    )
    if os.name == "nt" and "\\" in written:
        pytest.skip("a backslash separates folders there")
    assert dropped_path(text) == path


def test_a_file_whose_name_looks_quoted_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("'a b'", "a\\ b", "~x"):
        Path(name).touch()
        assert dropped_path(name) == Path(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert dropped_path("~/d.npy") == tmp_path / "d.npy"


def test_an_answer_that_is_longer_than_any_path(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("a" * 5000 + "\na ball\n"))
    status, _, err = cli()
    assert status == 3
    assert "cannot read aaa" in err


def test_an_empty_answer_is_asked_again(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("\n''\nnope.npy\ndepth.npy\n\n  \na ball\n"))
    status, out, err = cli()
    assert (status, out) == (0, "output_images/a-ball-12345.png\n")
    assert err.count("Depth map (") == 4
    assert err.count("no depth map was given") == 2
    assert err.count("the prompt is empty") == 2


def test_paths_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "maps").mkdir()
    for name in ("maps/a b.png", "maps/a[1].png", "mine.npy"):
        (tmp_path / name).touch()

    def all_of(text: str) -> list[str]:
        found: list[str] = []
        while (each := interactive._completed(text, len(found))) is not None:  # pyright: ignore[reportPrivateUsage]
            found.append(each)
        return found

    assert all_of("m") == ["maps/", "mine.npy"]
    assert all_of("maps/") == ["maps/a b.png", "maps/a[1].png"]
    assert all_of("maps/a[") == ["maps/a[1].png"]
    assert all_of("x") == []


@pytest.mark.full
@pytest.mark.skipif(interactive.readline is None or not hasattr(os, "openpty"), reason="needs readline")
def test_tab_completes_on_a_terminal(tmp_path: Path) -> None:
    np.save(tmp_path / "a depth map.npy", np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64))
    master, slave = os.openpty()
    with running(
        [sys.executable, "-m", "depthpaint"], cwd=tmp_path, stdin=slave, stdout=slave, stderr=slave,
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"}, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(slave)
        received = b""
        for awaited, keys in (
            (b"NPY, ...):", b"a d\t\n"),
            (b"picture show?", b"a house\n"),
            (b".png\r\n", b""),
        ):
            while awaited not in received:
                received += os.read(master, 1 << 16)
            received = received.split(awaited, 1)[1]
            os.write(master, keys)
        process.wait()
        os.close(master)
    assert process.returncode == 0
    assert len(list(tmp_path.glob("output_images/a-house-*.png"))) == 1
