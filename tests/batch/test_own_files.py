"""A batch changes no file in its output folder that is not proved to be its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from batching import Paint, content, in_shards, lines_of, some_rows, write_rows

from depthpaint.batch.ledger import rebuild
from depthpaint.core.errors import ErrorCode, OutputError

NAMES = ("records", "failures", "times")
STRANGERS = {
    "one line": b"a shopping list",
    "several lines": b"one\ntwo\nthree",
    "rows": b'{"depth": "a.npy", "prompt": "x"}\n',
    "a name first": b'{"name": "x"}\n{"version":1,"file":"a"}\n',
    "a header of another file": b'{"version":2,"depthpaint":"somethingelse"}\n',
    "a lookalike": b'{"version":1,"file":"a.png"}\n',
    "zeros": b"\0" * 5000,
    "a long line": b"x" * 200_000,
}


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", STRANGERS.values(), ids=STRANGERS)
def test_a_strangers_file_is_not_touched(paint: Paint, maps: Path, name: str, data: bytes) -> None:
    path = write_rows("m.jsonl", [*some_rows(2), {"depth": "gone", "prompt": ""}])
    Path("out").mkdir()
    Path(f"out/{name}.jsonl").write_bytes(data)
    before = snapshot(maps)
    with pytest.raises(OutputError, match=f"{name}.jsonl") as refused:
        paint(path)
    assert refused.value.code is ErrorCode.OUTPUT_EXISTS
    assert snapshot(maps) == before
    if name == "records":
        with pytest.raises(OutputError):
            rebuild(Path("out"))
        for shard in in_shards(path, 2):
            with pytest.raises(OutputError):
                paint(shard)
        assert snapshot(maps) == before


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("link", ["symbolic", "dangling", "hard"])
def test_a_link_is_not_followed(paint: Paint, maps: Path, name: str, link: str) -> None:
    path = write_rows("m.jsonl", [*some_rows(2), {"depth": "gone", "prompt": ""}])
    mine, place = Path("mine.txt").resolve(), Path(f"out/{name}.jsonl")
    Path("out").mkdir()
    if link != "dangling":
        mine.write_text("mine alone\nand half")
    if link == "hard":
        place.hardlink_to(mine)
    else:
        place.symlink_to(mine)
    before = snapshot(maps)
    with pytest.raises(OutputError) as refused:
        paint(path)
    assert refused.value.code is ErrorCode.OUTPUT_EXISTS
    assert snapshot(maps) == before


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["itself", "symbolic", "hard"])
@pytest.mark.parametrize("shard", ["", "-1-of-2"])
def test_the_manifest_is_no_output(paint: Paint, maps: Path, name: str, how: str, shard: str) -> None:
    Path("out").mkdir()
    for depth in ("a.npy", "b.npy"):
        Path("out", depth).write_bytes(Path(depth).read_bytes())
    output = Path(f"out/{name}{shard}.jsonl")
    manifest = output if how == "itself" else Path("m.jsonl")
    write_rows(str(manifest), [*some_rows(2), {"depth": "gone", "prompt": ""}])
    if how == "symbolic":
        output.symlink_to(manifest.resolve())
    elif how == "hard":
        output.hardlink_to(manifest)
    before = snapshot(maps)
    with pytest.raises(OutputError):
        paint(in_shards(manifest, 2)[0] if shard else manifest)
    assert snapshot(maps) == before


WAITING = """
import os, sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], os.path.dirname(sys.argv[1])]
from batching import paint_all
from depthpaint.core.errors import OutputError
try:
    paint_all(Path("m.jsonl"))
except OutputError as error:
    print(error.code)
"""


@pytest.mark.full
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "folder"])
def test_what_is_no_file_does_not_hang(paint: Paint, name: str, kind: str) -> None:
    write_rows("m.jsonl", [*some_rows(2), {"depth": "gone", "prompt": ""}])
    place = Path(f"out/{name}.jsonl")
    place.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(place))
    else:
        place.mkdir()
    program = [sys.executable, "-c", WAITING, str(Path(__file__).parent)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "output_exists\n", done.stderr
    assert not list(Path("out").glob("*.png"))


def test_files_of_the_first_version_are_continued(paint: Paint) -> None:
    rows: list[dict[str, object]] = [*some_rows(3), {"depth": "gone", "prompt": ""}]
    path = write_rows("m.jsonl", rows)
    paint(path)
    for name in NAMES:
        file = Path(f"out/{name}.jsonl")
        file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[1:]))
    before = {name: Path(f"out/{name}.jsonl").read_bytes() for name in NAMES}
    assert paint(write_rows("m.jsonl", [*rows[:2], {**rows[2], "seed": 9}])).counts == (1, 2, 0)
    for name in ("records", "times"):
        after = Path(f"out/{name}.jsonl").read_bytes()
        assert after.startswith(before[name])
        assert after.count(b"\n") == 4
    assert not Path("out/failures.jsonl").exists()


def test_a_power_cut_in_the_first_line_is_mended(paint: Paint) -> None:
    path = write_rows("m.jsonl", some_rows(2))
    paint(path)
    whole, ledger = content(), Path("out/records.jsonl")
    data = ledger.read_bytes()
    first = data.index(b"\n") + 1
    for end in (0, 1, first - 1, first, first + 1, first + 50):
        ledger.write_bytes(data[:end])
        assert paint(path).counts == (0, 2, 0)
        assert content() == whole
    # One of the first version: its first line is cut, and it is ours all the same.
    ledger.write_bytes(data[first : first + 400])
    assert paint(path).counts == (0, 2, 0)
    assert content() == whole


@pytest.mark.parametrize("name", NAMES)
def test_a_newer_file_is_left_as_it_is(paint: Paint, maps: Path, name: str) -> None:
    path = write_rows("m.jsonl", [*some_rows(2), {"depth": "gone", "prompt": ""}])
    paint(path)
    file = Path(f"out/{name}.jsonl")
    file.write_bytes(file.read_bytes().replace(b'"version":2', b'"version":3', 1) + b"half a line")
    before = snapshot(maps)
    with pytest.raises(OutputError, match="a newer one"):
        paint(path)
    assert snapshot(maps) == before


def test_our_own_files_are_known_by_their_header(paint: Paint) -> None:
    paint(write_rows("m.jsonl", [*some_rows(2), {"depth": "gone", "prompt": ""}]))
    assert [len(lines_of(name)) for name in NAMES] == [2, 1, 2]


def test_leftovers_of_others_stay(paint: Paint) -> None:
    path = write_rows("m.jsonl", some_rows(2))
    name = paint(path).pictures[0]
    picture = Path("out", name).read_bytes()
    without = picture.replace(b"depthpaint-job", b"another-key---")
    kept = {
        "0" * 16: b"my notes",
        "1" * 16: without,
        "2" * 16: b"{}",
        "3" * 16: b"\x89PNG\r\n\x1a\n" + b"IEND\xaeB`\x82",
    }
    kept["3" * 16] = b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xaeB`\x82"
    gone = {
        "4" * 16: b"",
        "5" * 16: picture,
        "6" * 16: picture[:-9],
        "7" * 16: picture[:200],
        "8" * 16: picture[:5],
    }
    for key, data in (kept | gone).items():
        Path(f"out/.tmp-{key}").write_bytes(data)
    Path("out/.tmp-" + "9" * 16).symlink_to(Path("m.jsonl").resolve())
    Path("out/.tmp-" + "a" * 16).mkdir()
    paint(path)
    left = {path.name for path in Path("out").glob(".tmp-*")}
    assert left == {f".tmp-{key}" for key in (*kept, "9" * 16, "a" * 16)}
    assert path.exists()


def test_a_picture_that_was_edited_under_its_own_name_is_the_users(paint: Paint) -> None:
    """An editor drops the mark: what it saved is not painted over."""
    path = write_rows("m.jsonl", some_rows(2))
    name = paint(path).pictures[0]
    edited = Path("out", name).read_bytes().replace(b"depthpaint-job", b"another-key---")
    Path("out", name).write_bytes(edited)
    told = paint(path)
    assert told.counts == (0, 1, 1)
    assert told.failures[0][1].code is ErrorCode.OUTPUT_EXISTS
    assert Path("out", name).read_bytes() == edited
    assert paint(path, overwrite=True).counts == (1, 1, 0)


def edit(path: Path, how: str) -> bytes:
    """Save a picture as an editor does that keeps its texts; its bytes."""
    from PIL import Image, ImageOps
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    with Image.open(path) as picture:
        for key, text in dict(picture.info).items():
            info.add_text(str(key), text)
        changed = ImageOps.invert(picture) if how.startswith("pixels") else picture.copy()
    if how == "transparency":
        changed.putalpha(0)
    changed.save(path, pnginfo=info)
    if how == "pixels, and a byte behind":
        path.write_bytes(path.read_bytes() + b"\n")
    return path.read_bytes()


@pytest.mark.parametrize("how", ["pixels", "pixels, and a byte behind", "transparency"])
@pytest.mark.parametrize("change", ["the row", "the weights"])
def test_a_picture_that_was_edited_and_kept_its_mark_is_the_users(
    paint: Paint, monkeypatch: pytest.MonkeyPatch, how: str, change: str
) -> None:
    from depthpaint.batch.mark import mark_of
    from fake_painter import FakePainter

    rows = [row | {"name": f"mine{k}"} for k, row in enumerate(some_rows(2))]
    path = write_rows("m.jsonl", rows)
    paint(path)
    picture = Path("out/mine0.png")
    edited = edit(picture, how)
    assert (mark_of(picture) is None) == how.endswith("behind")
    if change == "the row":
        write_rows("m.jsonl", [row | {"seed": 9} for row in rows])
    else:
        monkeypatch.setattr(FakePainter, "weights_sha256", "7" * 64)
    told = paint(path)
    assert told.counts == (1, 0, 1)
    ((line, error),) = told.failures
    assert (line, error.code) == (1, ErrorCode.OUTPUT_EXISTS)
    assert "edited" in str(error)
    assert "--overwrite" in str(error)
    assert picture.read_bytes() == edited
    assert paint(path, overwrite=True).counts == (1, 1, 0)
    assert picture.read_bytes() != edited


def test_a_picture_that_was_saved_again_unchanged_is_replaced(paint: Paint) -> None:
    rows = [row | {"name": "mine"} for row in some_rows(1)]
    path = write_rows("m.jsonl", rows)
    paint(path)
    edit(Path("out/mine.png"), "nothing")
    write_rows("m.jsonl", [row | {"seed": 9} for row in rows])
    assert paint(path).counts == (1, 0, 0)


def test_a_file_that_comes_while_its_picture_is_painted_stays(
    paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    from depthpaint.engine import Engine

    work = Engine.paint

    def late(self: Engine, request: object, on_progress: object = None) -> object:
        Path("out/mine.png").write_bytes(b"holiday")
        return work(self, request)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Engine, "paint", late)
    told = paint(write_rows("m.jsonl", [{**some_rows(1)[0], "name": "mine"}]))
    assert told.counts == (0, 0, 1)
    assert Path("out/mine.png").read_bytes() == b"holiday"


def test_a_picture_never_replaces_its_own_depth_map(paint: Paint) -> None:
    import numpy as np
    from PIL import Image

    Path("out").mkdir()
    Image.fromarray(np.arange(32 * 48, dtype=np.uint16).reshape(32, 48)).save("out/d.png")
    data = Path("out/d.png").read_bytes()
    row: dict[str, object] = {"depth": "out/d.png", "prompt": "x", "name": "d", "near": "white"}
    told = paint(write_rows("m.jsonl", [row]), overwrite=True)
    assert told.tally.bad_rows == 1
    assert told.failures[0][1].code is ErrorCode.OUTPUT_EXISTS
    assert Path("out/d.png").read_bytes() == data


@pytest.mark.parametrize("link", ["", "out/link.png", "link.png"])
def test_a_picture_never_replaces_the_depth_map_of_another_row(paint: Paint, link: str) -> None:
    import numpy as np
    from PIL import Image

    Path("out").mkdir()
    Image.fromarray(np.arange(32 * 48, dtype=np.uint16).reshape(32, 48)).save("out/b.png")
    data = Path("out/b.png").read_bytes()
    if link:
        Path(link).symlink_to(Path("out/b.png").resolve())
    rows: list[dict[str, object]] = [
        {"depth": "a.npy", "prompt": "x", "name": "b"},
        {"depth": link or "./out/../out/b.png", "prompt": "x", "near": "white", "size": "16x24"},
    ]
    told = paint(write_rows("m.jsonl", rows), overwrite=True)
    assert told.counts == (1, 0, 0)
    assert [(line, error.code) for line, error in told.failures] == [(1, ErrorCode.OUTPUT_EXISTS)]
    assert Path("out/b.png").read_bytes() == data


def test_a_ledger_may_be_read_as_json_lines(paint: Paint) -> None:
    paint(write_rows("m.jsonl", some_rows(1)))
    assert [type(json.loads(line)) for line in Path("out/records.jsonl").read_text().splitlines()] == [
        dict,
        dict,
    ]


def test_a_shard_that_is_locked_out_leaves_nothing(paint: Paint, maps: Path) -> None:
    from depthpaint.batch.ledger import Ledger
    from depthpaint.batch.manifest import Shard

    path = write_rows("m.jsonl", some_rows(2))
    whole = Ledger(Path("out"), Shard())
    before = snapshot(maps)
    try:
        with pytest.raises(OutputError) as refused:
            paint(in_shards(path, 2)[0])
    finally:
        whole.close()
    assert refused.value.code is ErrorCode.OUTPUT_LOCKED
    assert snapshot(maps) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs locks")
def test_a_file_that_another_command_is_writing_is_not_removed(
    paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    from depthpaint.core.files import write_atomic

    manifest, sync, batches = write_rows("m.jsonl", some_rows(1)), os.fsync, iter(range(1))

    def a_batch_begins(descriptor: int) -> None:
        if next(batches, None) is not None:
            paint(manifest)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", a_batch_begins)
    Path("out").mkdir()
    write_atomic(Path("out/other.png"), b"\x89PNG\r\n\x1a\n and the beginning", overwrite=False)
    assert Path("out/other.png").exists()
    assert not list(Path("out").glob(".tmp-*"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs locks")
def test_a_file_that_was_removed_before_it_was_locked_is_made_again(
    maps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    from depthpaint.core.files import write_atomic

    lock, first = fcntl.flock, iter(range(1))

    def late(descriptor: int, operation: int) -> None:
        if next(first, None) is not None:
            for path in maps.glob(".tmp-*"):
                path.unlink()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    write_atomic(Path("x.png"), b"all of it", overwrite=False)
    assert Path("x.png").read_bytes() == b"all of it"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs locks")
def test_a_ledger_that_is_replaced_before_it_is_locked_is_not_written_to(
    paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock on a file that has no name any more keeps nobody out, and its lines would be lost."""
    import fcntl

    path = write_rows("m.jsonl", some_rows(2))
    paint(path)
    ledger, lock, first = Path("out/records.jsonl"), fcntl.flock, iter(range(1))
    before = ledger.read_bytes()

    def late(descriptor: int, operation: int) -> None:
        if next(first, None) is not None:
            Path("new").write_bytes(before)
            Path("new").replace(ledger)
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    write_rows("m.jsonl", some_rows(3))
    with pytest.raises(OutputError) as refused:
        paint(path)
    assert refused.value.code is ErrorCode.OUTPUT_LOCKED
    assert paint(path).counts == (1, 2, 0)
    assert len(lines_of("records")) == 3
