"""What makes a picture another one, and what does not; and that a picture is known again."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthpaint.batch import job as jobs
from depthpaint.batch.job import Job, jobs_of, parse_row
from depthpaint.batch.mark import MARK_KEY, Mark, mark_of, mark_text
from depthpaint.batch.rows import Row
from depthpaint.model_choice import ModelChoice
from depthpaint.plan import ModelHabits
from depthpaint.record.encode import encode_png
from depthpaint.request import Request

BASE: dict[str, object] = {"depth": "a.npy", "prompt": "a ball", "seed": 5}


def one_job(values: dict[str, object]) -> Job:
    """The only job of a row."""
    (job,) = jobs_of(parse_row(Row(1, values), Path(), {}), Path("out"))
    return job


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 6}, {"prompt": "a cube"}, {"negative_prompt": "x"}, {"size": "64x64"}, {"aspect": 2},
        {"num_inference_steps": 3}, {"guidance_scale": 0}, {"control_strength": 0}, {"fit": "crop"},
        {"control_window": "0:0.5"}, {"sampler": "heun"}, {"near": "white"}, {"depth": "b.npy"},
        {"holes": "inpaint"}, {"part": "z"}, {"profile": "zoe"},
    ],
    ids=str,
)  # fmt: skip
def test_whatever_decides_the_picture_is_in_its_key(maps: Path, changed: dict[str, object]) -> None:
    assert one_job(BASE | changed).key != one_job(BASE).key
    assert one_job(BASE | changed).file != one_job(BASE).file


def test_where_the_depth_lies_what_the_file_is_called_and_the_order_are_not(maps: Path) -> None:
    shutil.copy("a.npy", "moved.npy")
    key = one_job(BASE).key
    assert one_job({**BASE, "depth": "moved.npy"}).key == key
    assert one_job({**BASE, "depth": str(maps / "a.npy")}).key == key
    assert one_job({**BASE, "name": "mine"}).key == key
    assert one_job(dict(reversed(BASE.items()))).key == key
    assert one_job({**BASE, "seed": "5"}).key == key


def test_a_learned_word_of_other_bytes_makes_another_picture(
    maps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: dict[str, str] = {}

    def inversion_digests(request: Request) -> dict[str, str]:
        assert request.prompt == BASE["prompt"]
        return learned

    plain = one_job(BASE).key
    monkeypatch.setattr(jobs, "inversion_digests", inversion_digests)
    assert one_job(BASE).key == plain
    learned["ball"] = "1" * 64
    first = one_job(BASE).key
    learned["ball"] = "2" * 64
    assert len({plain, first, one_job(BASE).key}) == 3


def test_a_model_with_other_habits_paints_another_picture(
    maps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, habits_of = one_job(BASE).key, jobs.habits_of

    def steadier(choice: ModelChoice) -> ModelHabits:
        return replace(habits_of(choice), num_inference_steps=99)

    monkeypatch.setattr(jobs, "habits_of", steadier)
    assert one_job(BASE).key != before


def test_new_bytes_are_seen_behind_an_old_time(maps: Path) -> None:
    path, before = Path("a.npy"), one_job(BASE)
    times = path.stat()
    data = np.load(path)
    path.write_bytes(path.read_bytes()[: -data.nbytes] + data[::-1].tobytes())
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (times.st_mtime_ns, times.st_size)
    assert one_job(BASE).key != before.key


def test_pictures_of_one_row_are_jobs_of_their_own(maps: Path) -> None:
    parsed = parse_row(Row(1, {**BASE, "seed": 2**32 - 1, "count": 3}), Path(), {})
    several = list(jobs_of(parsed, Path("out")))
    assert [(job.request.seed, job.request.count) for job in several] == [(2**32 - 1, 1), (0, 1), (1, 1)]
    assert several[1].key == one_job({**BASE, "seed": 0}).key
    named = jobs_of(parse_row(Row(1, {**BASE, "name": "n.png", "count": 2}), Path(), {}), Path("out"))
    assert [job.file for job in named] == ["n-1.png", "n-2.png"]


def test_a_mark_is_read_as_it_was_written(tmp_path: Path) -> None:
    path, pixels = tmp_path / "p.png", np.zeros((4, 4, 3), np.uint8)
    for number in range(64):  # as many checksums, of which some look like more of the digest
        mark = Mark(f"{number:064x}", f"{number * 7:064x}")
        path.write_bytes(encode_png(pixels, {MARK_KEY: mark_text(mark.key, mark.weights)}))
        assert mark_of(path) == mark
    photo = Mark("0" * 64, "1" * 64 + "+" + "2" * 64)
    path.write_bytes(encode_png(pixels, {MARK_KEY: mark_text(photo.key, photo.weights)}))
    assert mark_of(path) == photo


def test_what_is_no_whole_picture_of_a_batch_has_no_mark(tmp_path: Path) -> None:
    path, pixels = tmp_path / "p.png", np.zeros((4, 4, 3), np.uint8)
    whole = encode_png(pixels, {MARK_KEY: mark_text("0" * 64, "1" * 64)})
    path.write_bytes(whole)
    assert mark_of(path) is not None
    for data in (b"", whole[:-1], whole[: len(whole) // 2], whole + b"x", b"GIF8" + whole):
        path.write_bytes(data)
        assert mark_of(path) is None
    Image.fromarray(pixels).save(path)
    assert mark_of(path) is None
    assert mark_of(tmp_path / "gone.png") is None
    path.write_bytes(whole)
    (tmp_path / "link.png").symlink_to(path)
    assert mark_of(tmp_path / "link.png") is None


def test_a_picture_to_start_from_is_in_the_key_by_its_bytes(maps: Path) -> None:
    for name, colour in (("red", "red"), ("copy", "red"), ("blue", "blue")):
        Image.new("RGB", (8, 8), colour).save(f"{name}.png")
    plain = one_job(BASE).key
    first, copy, other, more = (
        one_job({**BASE, **fields}).key
        for fields in (
            {"init": "red.png"},
            {"init": "copy.png", "denoise": 0.5},
            {"init": "blue.png"},
            {"init": "red.png", "denoise": 0.75},
        )
    )
    assert first == copy
    assert len({plain, first, other, more}) == 4
    assert one_job({**BASE, "denoise": 0.75}).key == plain, "without a picture it has no effect"


def test_the_steps_that_a_picture_spares_are_no_work() -> None:
    whole, half = (
        parse_row(Row(1, {**BASE, "num_inference_steps": 100, **more}), Path(), {}).request
        for more in ({}, {"init": "red.png", "denoise": 0.5})
    )
    assert jobs.work_of(half) == pytest.approx(jobs.work_of(whole) / 2, rel=0.1)
