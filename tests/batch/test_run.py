"""Rows in, pictures out: resume by content, bad rows, names, the ledger."""

from __future__ import annotations

import errno
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from batching import Paint, content, fake_engine, in_shards, lines_of, paint_all, some_rows, write_rows
from PIL import Image

from depthpaint.batch.job import Job
from depthpaint.batch.ledger import Ledger, rebuild
from depthpaint.batch.manifest import Manifest, Shard
from depthpaint.batch.painting import OnePainter, Stopping
from depthpaint.batch.ray_cluster import gone
from depthpaint.core import files
from depthpaint.core.errors import ENDING, DepthpaintError, ErrorCode, ModelError, OutputError
from depthpaint.engine import Engine
from depthpaint.model_choice import ModelChoice
from depthpaint.models.painter import ModelEntry
from depthpaint.record.picture_file import read_record
from depthpaint.record.run_record import RunRecord
from depthpaint.request import Request
from fake_painter import FakeEstimator, FakePainter, offering


def test_a_second_run_paints_nothing_and_changes_no_byte(paint: Paint) -> None:
    path = write_rows("m.jsonl", some_rows(6))
    assert paint(path).counts == (6, 0, 0)
    before = content()
    again = paint(path)
    assert (again.counts, again.pictures) == ((0, 6, 0), [])
    assert content() == before


def test_only_what_changed_is_made_and_what_nobody_asks_for_is_kept_and_told(paint: Paint) -> None:
    rows = some_rows(6)
    paint(write_rows("m.jsonl", rows))
    before = content()
    edited = [rows[4], {**rows[0], "prompt": "a cube"}, *rows[1:3], rows[5], {**rows[5], "seed": 99}]
    told = paint(write_rows("m.jsonl", edited))
    assert told.counts == (2, 4, 0)
    assert {name for name in told.pictures if name.startswith(("a-a-cube-0", "b-ball-5-99"))} == set(
        told.pictures
    )
    assert sorted(name[:8] for name in told.orphans) == ["a-ball-0", "b-ball-3"]
    after = content()
    assert all(after[name] == data for name, data in before.items() if name.endswith(".png"))


def test_new_depth_bytes_or_new_weights_make_it_again(paint: Paint) -> None:
    path = write_rows("m.jsonl", [{**row, "name": f"n{k}"} for k, row in enumerate(some_rows(4))])
    paint(path)
    np.save("a.npy", np.load("a.npy")[::-1])
    assert paint(path).counts == (2, 2, 0)

    class Trained(FakePainter):
        weights_sha256 = "f" * 64  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    trained = OnePainter(Engine(find=offering(Trained())))
    assert paint(path, painters=trained).counts == (4, 0, 0)
    assert paint(path, painters=trained).counts == (0, 4, 0)
    assert read_record(Path("out/n1.png")).digests.weights == "f" * 64


def test_an_estimator_with_other_weights_sees_another_depth(paint: Paint) -> None:
    Image.new("RGB", (48, 32), (90, 120, 40)).save("photo.png")
    row: dict[str, object] = {"depth": "photo.png", "prompt": "x", "from_photo": "e", "near": "white"}
    path = write_rows("m.jsonl", [row])
    assert paint(path).counts == (1, 0, 0)
    assert paint(path).counts == (0, 1, 0)

    class Trained(FakeEstimator):
        def __init__(self, name: str) -> None:
            super().__init__(f"{name}, trained")

    trained = OnePainter(Engine(find=offering(FakePainter()), load_estimator=Trained))
    assert paint(path, painters=trained).counts == (1, 0, 0)


def test_one_bad_row_stops_nothing(paint: Paint) -> None:
    rows = some_rows(5)
    Path("bad.npy").write_bytes(b"\x93NUMPY nonsense")
    rows[2]["depth"] = "bad.npy"
    rows[3]["seed"] = -1
    told = paint(write_rows("m.jsonl", rows))
    assert told.counts == (3, 0, 1)
    assert told.tally.bad_rows == 1
    assert sorted(line for line, _ in told.failures) == [3, 4]
    kept = lines_of("failures")
    assert {(each["line"], each["code"]) for each in kept} == {
        (3, "depth_unreadable"),
        (4, "invalid_parameter"),
    }
    paint(write_rows("m.jsonl", some_rows(5)))
    assert not Path("out/failures.jsonl").exists(), "it tells of the last run"


def test_an_accident_or_too_little_memory_is_one_rows_own(
    paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, paint_one = fake_engine(), Engine.paint

    def fail(self: Engine, request: object, on_progress: object = None) -> object:
        if request.seed == 1:  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
            raise MemoryError
        if request.seed == 2:  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
            raise ZeroDivisionError("oops")
        return paint_one(self, request)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Engine, "paint", fail)
    told = paint(write_rows("m.jsonl", some_rows(4)), painters=OnePainter(engine))
    assert told.counts == (2, 0, 2)
    assert [error.code for _, error in told.failures] == [ErrorCode.INTERNAL, ErrorCode.OUT_OF_MEMORY]


def test_an_error_of_a_model_over_one_row_is_that_rows_own(
    paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (48, 32), (90, 120, 40)).save("photo.png")
    paint_one, rows = Engine.paint, some_rows(4)
    rows[0] |= {"depth": "photo.png", "from_photo": "nosuch"}

    def fail(self: Engine, request: Request, on_progress: object = None) -> object:
        if request.seed == 1:
            raise ModelError("NaN", code=ErrorCode.MODEL_INCOMPATIBLE, remedy="")
        return paint_one(self, request)

    def load(name: str) -> FakeEstimator:
        raise ModelError(f"no {name}", code=ErrorCode.MODEL_NOT_FOUND, remedy="")

    monkeypatch.setattr(Engine, "paint", fail)
    engine = Engine(find=offering(FakePainter()), load_estimator=load)
    told = paint(write_rows("m.jsonl", rows), painters=OnePainter(engine))
    assert told.counts == (2, 0, 2)
    assert sorted(line for line, _ in told.failures) == [1, 2]


def test_a_model_that_cannot_be_loaded_is_not_tried_for_every_row(paint: Paint) -> None:
    tried: list[object] = []

    def find(choice: ModelChoice) -> ModelEntry:
        tried.append(choice)
        raise ModelError("damaged", code=ErrorCode.MODEL_INCOMPATIBLE, remedy="")

    told = paint(write_rows("m.jsonl", some_rows(20)), painters=OnePainter(Engine(find=find)))
    assert told.counts == (0, 0, 20)
    assert len(tried) == 2


def test_rows_of_one_picture_are_painted_once(paint: Paint) -> None:
    told = paint(write_rows("m.jsonl", some_rows(3) * 2))
    assert told.counts == (3, 3, 0)
    assert len(lines_of("records")) == 3


def test_a_file_that_no_batch_painted_is_not_touched_unasked(paint: Paint) -> None:
    rows = [{**row, "name": f"n{k}"} for k, row in enumerate(some_rows(3))]
    Path("out").mkdir()
    Path("out/n0.png").write_bytes(b"holiday")
    Path("elsewhere.png").write_bytes(b"holiday")
    Path("out/n1.png").symlink_to(Path("elsewhere.png").resolve())
    told = paint(write_rows("m.jsonl", rows))
    assert told.counts == (1, 0, 2)
    assert {error.code for _, error in told.failures} == {ErrorCode.OUTPUT_EXISTS}
    assert Path("out/n0.png").read_bytes() == b"holiday"
    assert paint(write_rows("m.jsonl", rows), overwrite=True).counts == (2, 1, 0)
    assert Path("elsewhere.png").read_bytes() == b"holiday", "the link is replaced, not what it leads to"
    assert not Path("out/n1.png").is_symlink()


def test_a_picture_of_ours_that_was_cut_is_made_again(paint: Paint) -> None:
    path = write_rows("m.jsonl", some_rows(3))
    name = paint(path).pictures[1]
    whole = content()
    for data in (b"", whole[name][:100], whole[name][:-3]):
        (Path("out") / name).write_bytes(data)
        assert paint(path).counts == (1, 2, 0)
        assert content() == whole


def test_records_are_the_ordinary_ones_without_times(paint: Paint) -> None:
    told = paint(write_rows("m.jsonl", some_rows(3)))
    lines = lines_of("records")
    assert [line["file"] for line in lines] == told.pictures
    for line in lines:
        record = RunRecord.from_json(json.dumps(line["record"]))
        assert record == read_record(Path("out") / line["file"])
        assert record.seconds == {}
    times = lines_of("times")
    assert [line["file"] for line in times] == told.pictures
    assert all(line["seconds"]["picture"] >= 0 for line in times)


def test_shards_make_what_one_run_makes(paint: Paint) -> None:
    path = write_rows("m.jsonl", some_rows(7))
    paint(path, "whole")
    for shard in in_shards(path, 3):
        paint(shard)
    pictures = {name: data for name, data in content().items() if name.endswith(".png")}
    assert pictures == {name: data for name, data in content("whole").items() if name.endswith(".png")}
    assert paint(path).counts == (0, 7, 0), "a run over all gathers the ledger"
    assert content()["records.jsonl"] == content("whole")["records.jsonl"]


def test_two_batches_do_not_work_in_one_folder_but_shards_do(paint: Paint) -> None:
    path = write_rows("m.jsonl", some_rows(4))
    first, second = in_shards(path, 2)
    Path("out").mkdir()
    whole = Ledger(Path("out"), Shard())
    for manifest in (path, first):
        with pytest.raises(OutputError, match="another depthpaint batch") as refused:
            paint(manifest)
        assert refused.value.code is ErrorCode.OUTPUT_LOCKED
    whole.close()
    part = Ledger(Path("out"), Shard(1, 2))
    leftover = Path("out/.tmp-0123456789abcdef")
    leftover.touch()
    for manifest in (path, first):
        with pytest.raises(OutputError):
            paint(manifest)
    assert paint(second).counts == (2, 0, 0)
    assert leftover.exists(), "it may be the other shard's"
    part.close()
    assert paint(path).counts == (2, 2, 0)
    assert not leftover.exists()


def test_a_disk_without_locks_is_no_hindrance(paint: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(files.fcntl, "flock", refuse)
    assert paint(write_rows("m.jsonl", some_rows(2))).counts == (2, 0, 0)


def test_only_our_own_leftovers_are_removed(paint: Paint) -> None:
    Path("out").mkdir()
    for name in (".tmp-0123456789abcdef", ".tmp-mine", "x.tmp"):
        (Path("out") / name).touch()
    paint(write_rows("m.jsonl", some_rows(1)))
    assert {name for name in content() if "tmp" in name} == {".tmp-mine", "x.tmp"}


@pytest.mark.parametrize("where", ["first picture", "third picture", "ledger"])
def test_a_full_disk_ends_the_batch_and_spares_what_is_there(
    paint: Paint, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    path = write_rows("m.jsonl", some_rows(5))
    paint(path, "whole")
    writes, sync, write = iter(range(1000)), os.fsync, os.write

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def write_a_part(descriptor: int, data: bytes) -> int:
        return write(descriptor, data[:100])

    def sync_until_full(descriptor: int) -> None:
        # A picture is synced with its folder, its line in the ledger follows: three a picture.
        if next(writes) >= {"first picture": 0, "third picture": 6}[where]:
            full()
        sync(descriptor)

    with monkeypatch.context() as patch:
        if where == "ledger":
            patch.setattr(os, "write", write_a_part)
        else:
            patch.setattr(files.os, "fsync", sync_until_full)
        with pytest.raises(DepthpaintError) as refused:
            paint(path)
    assert refused.value.code is ErrorCode.DISK_FULL
    there = content()
    assert all(data == content("whole")[name] for name, data in there.items() if name.endswith(".png"))
    assert not [name for name in there if name.startswith(".tmp")]
    assert there["records.jsonl"] == b"" or there["records.jsonl"].endswith(b"\n")
    paint(path)
    assert content() == content("whole")


def test_a_damaged_ledger_is_told_and_written_anew_from_the_pictures(paint: Paint) -> None:
    path, ledger = write_rows("m.jsonl", some_rows(4)), Path("out/records.jsonl")
    paint(path)
    whole = ledger.read_bytes()
    lines = whole.splitlines(keepends=True)
    for damage in (
        lines[0] + lines[1] + b"nonsense\n" + lines[2],
        whole.replace(b'"job"', b'"jib"', 1),
    ):
        ledger.write_bytes(damage)
        with pytest.raises(DepthpaintError, match="--rebuild-ledger") as refused:
            paint(path)
        assert refused.value.code is ErrorCode.RECORD_DAMAGED
        assert ledger.read_bytes() == damage
    Path("out/holiday.png").write_bytes(b"no picture")
    assert rebuild(Path("out")) == 4
    assert sorted(ledger.read_bytes().splitlines()) == sorted(whole.splitlines())
    assert paint(path).counts == (0, 4, 0)


@pytest.mark.parametrize("keep", [0, 1, 2.5])
def test_a_ledger_that_was_cut_is_completed(paint: Paint, keep: float) -> None:
    path, ledger = write_rows("m.jsonl", some_rows(4)), Path("out/records.jsonl")
    paint(path)
    whole = ledger.read_bytes()
    lines = whole.splitlines(keepends=True)
    half = lines[int(keep)][:200] if keep % 1 else b""
    ledger.write_bytes(b"".join(lines[: int(keep)]) + half)
    assert paint(path).counts == (0, 4, 0)
    assert ledger.read_bytes() == whole


def test_names_are_durable_before_the_ledger_says_so(paint: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    sync, replace, write = os.fsync, Path.replace, os.write

    def synced(descriptor: int) -> None:
        order.append("sync " + Path(f"/proc/self/fd/{descriptor}").readlink().name[:4])
        sync(descriptor)

    def replaced(self: Path, target: Path) -> Path:
        order.append("rename")
        return replace(self, target)

    def written(descriptor: int, data: bytes) -> int:
        order.append("line")
        return write(descriptor, data)

    if not Path("/proc/self/fd").exists():
        pytest.skip("no /proc on this system")
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    monkeypatch.setattr(os, "write", written)
    paint(write_rows("m.jsonl", some_rows(1)))
    assert order[:1] == ["line"], "the header"
    assert order[1:6] == ["sync .tmp", "rename", "sync out", "line", "sync reco"]


def test_a_depth_file_that_changes_under_the_brush_is_a_failure(
    paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint_one = Engine.paint

    def change(self: Engine, request: object, on_progress: object = None) -> object:
        np.save("a.npy", np.load("a.npy")[::-1])
        return paint_one(self, request)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Engine, "paint", change)
    told = paint_all(write_rows("m.jsonl", some_rows(1)))
    assert told.counts == (0, 0, 1)
    assert "while it was read" in str(told.failures[0][1])
    assert not list(Path("out").glob("*.png"))


def test_a_ledger_is_rebuilt_in_a_folder_that_is_new(maps: Path) -> None:
    assert rebuild(Path("new/folder")) == 0
    assert lines_of("records", "new/folder") == []


def test_a_file_size_limit_ends_the_batch_as_a_full_disk_does(
    paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def limited(descriptor: int) -> None:
        raise OSError(errno.EFBIG, "File too large")

    monkeypatch.setattr(files.os, "fsync", limited)
    with pytest.raises(DepthpaintError, match="ulimit -f") as refused:
        paint(write_rows("m.jsonl", some_rows(2)))
    assert refused.value.code is ErrorCode.DISK_FULL


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_that_is_ignored_stays_ignored(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with Stopping().listening():
            signal.raise_signal(number)
            assert signal.getsignal(number) == signal.SIG_IGN
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("count", [1, 2])
def test_a_folder_of_pairs_that_takes_its_own_pictures_is_resumed(paint: Paint, count: int) -> None:
    Path("pairs").mkdir()
    for name in "ab":
        Path(f"pairs/{name}.npy").write_bytes(Path(f"{name}.npy").read_bytes())
        Path(f"pairs/{name}.txt").write_text("a ball")
    defaults = {"count": count, "size": "16x24"}
    assert paint(Path("pairs"), "pairs", defaults=defaults).counts == (2 * count, 0, 0)
    told = paint(Path("pairs"), "pairs", defaults=defaults)
    assert (told.counts, told.tally.bad_rows, told.failures) == ((0, 2 * count, 0), 0, [])
    Path("pairs/b.txt").write_text("a cube")
    assert paint(Path("pairs"), "pairs", defaults=defaults).counts == (count, count, 0)
    # A map that no batch painted is told as before.
    Image.new("L", (48, 32)).save("pairs/c.png")
    Image.new("L", (48, 32)).save("pairs/b.tif")
    assert paint(Path("pairs"), "pairs", defaults=defaults).tally.bad_rows == 2
    # A picture of a batch may be the photo of a pair.
    Path("photos").mkdir()
    picture = Path("pairs/a.png" if count == 1 else "pairs/a-1.png")
    Path("photos/a.png").write_bytes(picture.read_bytes())
    Path("photos/a.txt").write_text("a cube")
    (row,) = Manifest(Path("photos")).rows()
    assert row.values["depth"] == "a.png"


def test_a_cluster_that_is_lost_ends_the_batch_at_the_first_row(maps: Path) -> None:
    path = write_rows("m.jsonl", some_rows(3))
    paint_all(path)
    asked: list[Job] = []

    class Lost(OnePainter):
        def weights(self, job: Job) -> str:
            asked.append(job)
            raise gone("Ray is gone")

    with pytest.raises(DepthpaintError, match="Ray is gone"):
        paint_all(path, painters=Lost(fake_engine()))
    assert len(asked) == 1
