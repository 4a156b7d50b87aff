"""Each picture is saved and named when it is painted; whatever happens to the next one, it stays."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from depthpaint import picture
from depthpaint.core.errors import ErrorCode, OutOfMemory
from fake_painter import FakePainter

Run = Callable[..., tuple[int, str, str]]
SIZE = ("--size", "32x48", "--steps", "2")


def fail_at(
    painter: FakePainter, picture: int, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the painter's `picture`-th picture, counted from 1, fail at its end."""
    decode, decoded = painter.decode, iter(range(1, 1000))

    def fail(latents: Any) -> Any:
        if next(decoded) == picture:
            raise error
        return decode(latents)

    monkeypatch.setattr(painter, "decode", fail)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OutOfMemory("there is not enough memory", code=ErrorCode.OUT_OF_MEMORY), 6),
        (RuntimeError("a fault"), 1),
        (MemoryError(), 6),
        (KeyboardInterrupt(), 130),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("judged", [False, True])
def test_what_ends_the_third_picture_leaves_two(
    cli: Run, painter: FakePainter, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int,
    as_json: bool, judged: bool,
) -> None:  # fmt: skip
    fail_at(painter, 3, error, monkeypatch)
    flags = [*(["--json"] if as_json else []), *(["--verify"] if judged else [])]
    ended, out, _ = cli("generate", "depth.npy", "a room", "--count", 4, *SIZE, *flags)
    assert ended == status
    there = sorted(str(path) for path in Path("output_images").iterdir())
    assert len(there) == 2
    if as_json:
        document = json.loads(out)
        assert [image["path"] for image in document["images"]] == there
        assert document["plan"]["seeds"] == [12345, 12346]
    else:
        assert out.splitlines() == there


def test_nothing_saved_is_no_document(
    cli: Run, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_at(painter, 1, OutOfMemory("no memory", code=ErrorCode.OUT_OF_MEMORY), monkeypatch)
    assert cli("generate", "depth.npy", "a room", "--json")[:2] == (6, "")


def test_a_picture_is_named_before_the_next_is_painted(
    cli: Run, painter: FakePainter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    decode, printed = painter.decode, [""]

    def listen(latents: Any) -> Any:
        printed.append(printed[-1] + capsys.readouterr().out)
        return decode(latents)

    monkeypatch.setattr(painter, "decode", listen)
    cli("generate", "depth.npy", "a room", "--count", 3, *SIZE)
    assert [len(text.splitlines()) for text in printed[1:]] == [0, 1, 2]


@pytest.mark.parametrize(
    ("flags", "held"),
    [
        (["--count", 6], 0),
        (["--count", 6, "--verify"], 0),
        (["--best-of", 6], 1),
        (["--count", 2, "--best-of", 5], 1),
        (["--min-agreement", 1, "--tries", 5], 1),
    ],
)
def test_few_pictures_are_held(
    cli: Run, monkeypatch: pytest.MonkeyPatch, flags: list[object], held: int
) -> None:
    """While one is painted, none of those that are saved is in memory; of tries, the best alone."""
    pictures: list[weakref.ref[Any]] = []
    most = 0
    finish: Any = picture._finished  # pyright: ignore[reportPrivateUsage]

    def count(*arguments: Any) -> Any:
        nonlocal most
        most = max(most, sum(picture() is not None for picture in pictures))
        pixels = finish(*arguments)
        pictures.append(weakref.ref(pixels))
        return pixels

    monkeypatch.setattr(picture, "_finished", count)
    status, _, _ = cli("generate", "depth.npy", "a room", *SIZE, *flags)
    assert status in (0, 4)
    assert len(pictures) >= 5
    assert most <= held


def test_seconds_of_several_are_each_their_own(cli: Run) -> None:
    from depthpaint.record.picture_file import read_record

    assert cli("generate", "depth.npy", "a room", "--count", 2, *SIZE)[0] == 0
    first, second = (read_record(path) for path in sorted(Path("output_images").iterdir()))
    assert {"read", "load", "text", "denoise"} <= set(first.seconds)
    assert "load" not in second.seconds
    assert first.evaluations == second.evaluations


def test_a_sidecar_that_appears_meanwhile_is_not_replaced(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from depthpaint.record import picture_file

    write = picture_file.write_atomic

    def write_late(path: Path, data: bytes, overwrite: bool) -> None:
        write(path, data, overwrite)
        path.with_suffix(".json").write_text("of another program")
        monkeypatch.setattr(picture_file, "write_atomic", write)

    monkeypatch.setattr(picture_file, "write_atomic", write_late)
    status, _, err = cli("generate", "depth.npy", "a room", "--name", "mine", "--sidecar", *SIZE)
    assert status == 8, err
    assert Path("output_images/mine.json").read_text() == "of another program"
