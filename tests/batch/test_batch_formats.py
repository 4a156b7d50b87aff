"""A batch in JPEG and WebP: its pictures are recognised, resumed and protected as PNGs are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from batching import Paint, content, lines_of, some_rows, write_rows
from PIL import Image

from depthpaint.batch.grid import grid_of
from depthpaint.batch.ledger import rebuild
from depthpaint.batch.manifest import Manifest, folder_rows
from depthpaint.batch.mark import is_complete, is_marked, mark_of
from depthpaint.core.errors import ErrorCode
from depthpaint.record.file_format import FormatChoice
from depthpaint.record.picture_file import read_record
from depthpaint.record.picture_source import pixels_of

CHOICES = [FormatChoice("webp"), FormatChoice("webp", 70), FormatChoice("jpeg")]


def in_format(path: Path, choice: FormatChoice) -> Manifest:
    return Manifest(path, choice=choice)


def pictures() -> list[Path]:
    return sorted(path for path in Path("out").iterdir() if path.suffix != ".jsonl")


@pytest.mark.parametrize("choice", CHOICES)
def test_a_second_run_paints_nothing_and_changes_no_byte(paint: Paint, choice: FormatChoice) -> None:
    rows = in_format(write_rows("m.jsonl", some_rows(4)), choice)
    assert paint(rows).counts == (4, 0, 0)
    assert {path.suffix for path in pictures()} == {choice.of().suffix}
    before = content()
    assert paint(rows).counts == (0, 4, 0)
    assert content() == before
    pictures()[1].unlink()
    assert paint(rows).counts == (1, 3, 0)
    assert content() == before


@pytest.mark.parametrize("choice", CHOICES)
def test_the_ledger_has_the_records_of_the_files_and_is_rebuilt(paint: Paint, choice: FormatChoice) -> None:
    paint(in_format(write_rows("m.jsonl", some_rows(3)), choice))
    before = sorted(lines_of("records"), key=lambda line: line["file"])
    for line in before:
        assert line["record"] == json.loads(read_record(Path("out", line["file"])).to_json())
    Path("out/records.jsonl").unlink()
    assert rebuild(Path("out")) == 3
    assert lines_of("records") == before


def test_the_settings_of_a_batch_do_not_depend_on_its_format(paint: Paint) -> None:
    path = write_rows("m.jsonl", [{**some_rows(1)[0], "name": "x"}])
    for choice in (FormatChoice(), *CHOICES[1:]):
        assert paint(in_format(path, choice)).counts == (1, 0, 0)
    records = [read_record(Path(f"out/x{ending}")) for ending in (".png", ".webp", ".jpg")]
    assert len({record.model_copy(update={"compression": None}).to_json() for record in records}) == 1


def test_another_quality_of_the_same_file_is_painted_again(paint: Paint) -> None:
    path = write_rows("m.jsonl", [{**some_rows(1)[0], "name": "x.webp"}])
    assert paint(in_format(path, FormatChoice())).counts == (1, 0, 0)
    assert paint(in_format(path, FormatChoice(quality=50))).counts == (1, 0, 0)
    assert paint(in_format(path, FormatChoice("webp", 50))).counts == (0, 1, 0)
    found = read_record(Path("out/x.webp")).compression
    assert found is not None
    assert found.quality == 50


def test_names_decide_the_format_or_agree_with_it(paint: Paint) -> None:
    names = ["a.webp", "b.JPEG", "c.png", "d", "v1.2"]
    rows = [{**row, "name": name} for row, name in zip(some_rows(5), names, strict=True)]
    path = write_rows("m.jsonl", rows)
    assert paint(path).counts == (5, 0, 0)
    assert [path.name for path in pictures()] == ["a.webp", "b.jpeg", "c.png", "d.png", "v1.2.png"]
    told = paint(in_format(path, FormatChoice("webp")), "other")
    assert told.tally.painted == 3
    assert [line for line, _ in told.failures] == [2, 3]
    for _, error in told.failures:
        assert error.code is ErrorCode.INVALID_PARAMETER
        assert "but the format is webp" in str(error)
    assert sorted(path.name for path in Path("other").glob("*.webp")) == ["a.webp", "d.webp", "v1.2.webp"]


def test_a_grid_numbers_names_before_their_ending(paint: Paint) -> None:
    path = write_rows("m.jsonl", [{**some_rows(1)[0], "name": "x.jpg"}])
    paint(Manifest(path, grid=grid_of(["guidance=1,2"])))
    assert [path.name for path in pictures()] == ["x-guidance-1.jpg", "x-guidance-2.jpg"]


@pytest.mark.parametrize("choice", CHOICES)
def test_a_truncated_picture_is_painted_again(paint: Paint, choice: FormatChoice) -> None:
    rows = in_format(write_rows("m.jsonl", some_rows(1)), choice)
    paint(rows)
    (path,) = pictures()
    whole = path.read_bytes()
    for end in (1, 12, 40, 700, len(whole) // 2, len(whole) - 200, len(whole) - 2):
        path.write_bytes(whole[:end])
        if end > 1:
            assert not is_complete(path)
        assert mark_of(path) is None
        if end > 12:
            assert paint(rows).counts == (1, 0, 0)
            assert path.read_bytes() == whole


@pytest.mark.parametrize("choice", CHOICES)
def test_an_edited_picture_is_protected(paint: Paint, choice: FormatChoice) -> None:
    path = write_rows("m.jsonl", [{**some_rows(1)[0], "name": f"x{choice.of().suffix}"}])
    rows = in_format(path, choice)
    paint(rows)
    (picture,) = pictures()
    data = picture.read_bytes()
    mark = mark_of(picture)
    assert mark is not None
    other = data.replace(mark.key.encode(), b"0" * 64)  # a picture of another job, as painted
    picture.write_bytes(other)
    assert paint(rows).counts == (1, 0, 0)
    assert picture.read_bytes() == data
    with Image.open(picture) as image:
        flipped = Image.fromarray(np.asarray(image)[::-1])
        flipped.save(
            picture, exif=image.getexif(), xmp=image.info["xmp"].replace(mark.key.encode(), b"0" * 64)
        )
    edited = picture.read_bytes()
    assert is_marked(picture)
    told = paint(rows)
    assert told.counts == (0, 0, 1)
    assert "was edited after it was painted" in str(told.failures[0][1])
    assert picture.read_bytes() == edited
    assert paint(rows, overwrite=True).counts == (1, 0, 0)


@pytest.mark.parametrize("choice", CHOICES)
def test_a_picture_of_another_program_is_never_replaced(paint: Paint, choice: FormatChoice) -> None:
    suffix = choice.of().suffix
    rows = in_format(write_rows("m.jsonl", [{**some_rows(1)[0], "name": f"x{suffix}"}]), choice)
    Path("out").mkdir()
    Image.new("RGB", (64, 64)).save(f"out/x{suffix}")
    before = Path(f"out/x{suffix}").read_bytes()
    assert paint(rows).counts == (0, 0, 1)
    assert Path(f"out/x{suffix}").read_bytes() == before


@pytest.mark.parametrize("choice", CHOICES)
def test_pictures_beside_their_maps_are_no_maps(paint: Paint, choice: FormatChoice) -> None:
    folder = Path("pairs")
    folder.mkdir()
    np.save(folder / "a.npy", np.load("a.npy"))
    (folder / "a.txt").write_text("a ball")
    for expected in ((1, 0, 0), (0, 1, 0)):
        assert paint(in_format(folder, choice), "pairs").counts == expected
        assert [row.values["name"] for row in folder_rows(folder)] == ["a"]


def test_leftovers_of_every_format_are_removed(paint: Paint) -> None:
    for choice in (FormatChoice(), *CHOICES):
        paint(in_format(write_rows("m.jsonl", some_rows(1)), choice))
    parts: list[Path] = []
    for number, picture in enumerate(pictures()):
        for end in (3, 100, 3000):
            parts.append(Path("out", f".tmp-{number:08x}{end:08x}"))
            parts[-1].write_bytes(picture.read_bytes()[:end])
    photo = Path("out/.tmp-0123456789abcdef")
    Image.effect_noise((99, 99), 50).save(photo, "JPEG")
    paint(write_rows("m.jsonl", some_rows(1)))
    assert not any(part.exists() for part in parts)
    assert photo.exists()


def test_a_lossless_webp_has_the_pixels_of_the_png(paint: Paint) -> None:
    path = write_rows("m.jsonl", [{**some_rows(1)[0], "name": "x"}])
    paint(path)
    paint(replace(Manifest(path), choice=FormatChoice("webp")))
    assert np.array_equal(pixels_of(Path("out/x.png")), pixels_of(Path("out/x.webp")))
