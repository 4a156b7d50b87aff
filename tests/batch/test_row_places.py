"""A row whose picture or depth file has an impossible name is a row that is wrong, and nothing more."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from batching import Paint, some_rows, write_rows

from depthpaint.batch import run
from depthpaint.batch.manifest import Manifest
from depthpaint.batch.survey import survey
from depthpaint.core.errors import DepthpaintError, ErrorCode, OutputError

ROW = some_rows(1)[0]
IMPOSSIBLE: dict[str, tuple[dict[str, object], ErrorCode]] = {
    "a long name": ({"name": "n" * 252}, ErrorCode.OUTPUT_PATH_ESCAPE),
    "a long name in bytes": ({"name": "é" * 126}, ErrorCode.OUTPUT_PATH_ESCAPE),
    "a long name with a number": ({"name": "n" * 250, "count": 2}, ErrorCode.OUTPUT_PATH_ESCAPE),
    "a folder": ({"name": "folder"}, ErrorCode.OUTPUT_EXISTS),
    "a folder for one of several": ({"name": "some", "count": 2}, ErrorCode.OUTPUT_EXISTS),
    "NUL in the name": ({"name": "a\0b"}, ErrorCode.OUTPUT_PATH_ESCAPE),
    "a long depth name": ({"depth": "d" * 256}, ErrorCode.DEPTH_UNREADABLE),
    "a long depth path": ({"depth": "d/" * 3000}, ErrorCode.DEPTH_UNREADABLE),
    "NUL in the depth": ({"depth": "a\0.npy"}, ErrorCode.INVALID_PARAMETER),
    "a depth below a file": ({"depth": "a.npy/x"}, ErrorCode.DEPTH_UNREADABLE),
    "a long model": ({"model": "./" + "m" * 256}, ErrorCode.MODEL_NOT_FOUND),
    "a long model path": ({"model": "./" + "m/" * 3000}, ErrorCode.MODEL_NOT_FOUND),
    "NUL in the model": ({"model": "./a\0b"}, ErrorCode.INVALID_PARAMETER),
    "a long control": ({"control": "./" + "m" * 256}, ErrorCode.INVALID_PARAMETER),
    "a long photo reader": ({"from_photo": "./" + "m" * 256}, ErrorCode.INVALID_PARAMETER),
}


@pytest.mark.parametrize(("values", "code"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_an_impossible_row_is_found_and_the_others_are_painted(
    paint: Paint, values: dict[str, object], code: ErrorCode
) -> None:
    for name in ("folder.png", "some-2.png"):
        Path("out", name).mkdir(parents=True)
    manifest = write_rows("m.jsonl", [some_rows(3)[1], ROW | values, some_rows(3)[2]])
    found = survey(Manifest(manifest), {}, folder=Path("out"))
    told = paint(manifest, overwrite=True)
    assert told.tally.painted == 2
    assert told.tally.failed + told.tally.bad_rows >= 1
    assert {line for line, _ in told.failures} == {2}
    if "from_photo" in values:
        return  # A reader of photos is looked for when it is needed.
    assert [problem.line for problem in found.problems] == [2]
    assert isinstance(found.problems[0].error, DepthpaintError)
    if "control" not in values and "model" not in values:
        assert found.problems[0].error.code is code


def test_the_longest_name_is_painted(paint: Paint) -> None:
    rows = [ROW | {"name": "n" * 251}, ROW | {"name": "m" * 249, "count": 2}]
    assert paint(write_rows("m.jsonl", rows)).counts == (3, 0, 0)


@pytest.mark.parametrize(
    "number", [errno.EISDIR, errno.ENAMETOOLONG, errno.EPERM, errno.EINVAL, errno.EILSEQ]
)
def test_a_picture_that_cannot_be_written_is_its_rows_failure(
    paint: Paint, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A file system may refuse one name and take the next."""
    replace = Path.replace

    def refuse(self: Path, target: Any) -> Path:
        if "ball-1-" in str(target):
            raise OSError(number, os.strerror(number))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    told = paint(write_rows("m.jsonl", some_rows(3)))
    assert told.counts == (2, 0, 1)
    assert told.failures[0][0] == 2


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EIO, errno.ENOENT])
def test_a_folder_that_is_lost_ends_the_batch(
    paint: Paint, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(run, "TemporaryFile", refuse)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError) as refused:
        paint(write_rows("m.jsonl", some_rows(3)))
    assert refused.value.code is ErrorCode.OUTPUT_NOT_WRITABLE


def test_what_cannot_be_looked_at_is_its_rows_failure(paint: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = run.mark_of

    def refuse(path: Path) -> object:
        if "ball-1-" in path.name:
            raise OSError(errno.EIO, "Input/output error")
        return mark(path)

    monkeypatch.setattr(run, "mark_of", refuse)
    assert paint(write_rows("m.jsonl", some_rows(3))).counts == (2, 0, 1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_among_a_folders_texts_does_not_hang(maps: Path) -> None:
    Path("pairs").mkdir()
    Path("pairs/a.npy").write_bytes(Path("a.npy").read_bytes())
    os.mkfifo("pairs/a.txt")
    (row,) = Manifest(Path("pairs")).rows()
    assert "it is a pipe" in row.problem
