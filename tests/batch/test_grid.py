"""Sweeps: the product of values for each row, and the sheet that shows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from batching import Paint, paint_all, write_rows
from numpy.typing import NDArray

from depthpaint.batch.contact_sheet import HIGHEST, WIDEST, write_sheets
from depthpaint.batch.grid import grid_of
from depthpaint.batch.manifest import Manifest, Shard
from depthpaint.batch.rows import Row
from depthpaint.core.errors import OutputError, ParameterError
from depthpaint.record.picture_file import read_record
from depthpaint.record.picture_source import pixels_of

ROW = Row(2, {"depth": "a.npy", "prompt": "a ball", "name": "mine.png", "steps": 9})


def test_each_row_is_repeated_at_each_point() -> None:
    grid = grid_of(["steps=1, 2", 'prompt="a, b",c', "strength=0"])
    rows = list(grid.rows(ROW))
    assert [row.point for row in rows] == [
        ("1", "a, b", "0"), ("1", "c", "0"), ("2", "a, b", "0"), ("2", "c", "0")
    ]  # fmt: skip
    assert rows[0].values == {
        "depth": "a.npy", "prompt": "a, b", "num_inference_steps": "1", "control_strength": "0",
        "name": "mine-steps-1-prompt-a-b-strength-0.png",
    }  # fmt: skip
    assert len({row.values["name"] for row in rows}) == 4
    assert list(grid_of([]).rows(ROW)) == [ROW]
    broken = Row(3, problem="it is not UTF-8")
    assert list(grid.rows(broken)) == [broken]


def test_names_of_points_differ_where_their_words_are_the_same() -> None:
    long = "a house that stands in the middle of a green meadow, far from the sea, in"
    texts = [f'prompt="{long} summer","{long} winter",a ball,a ball!', "seed=1,2"]
    names = [str(row.values["name"]) for row in grid_of(texts).rows(ROW)]
    assert len({name.casefold() for name in names}) == 8
    # Names that were different already stay as they are: pictures are not painted again.
    (only, _) = (str(row.values["name"]) for row in grid_of(["prompt=a ball,a cube"]).rows(ROW))
    assert only == "mine-prompt-a-ball.png"


def place_of(picture: NDArray[np.uint8], sheet: NDArray[np.uint8]) -> tuple[int, int]:
    """The only place, down and right, where the sheet shows the picture."""
    height, width = picture.shape[:2]
    corners = np.argwhere((sheet == picture[0, 0]).all(axis=2))
    (place,) = [
        (int(y), int(x)) for y, x in corners if np.array_equal(sheet[y : y + height, x : x + width], picture)
    ]
    return place


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["guidence=1,2"], "did you mean 'guidance'"),
        (["depth=a,b"], "no setting 'depth'"),
        (["count=1,2"], "no setting 'count'"),
        (["name=1,2"], "no setting 'name'"),
        (["seed"], "needs values"),
        (["seed="], "needs values"),
        (["seed=1,,2"], "needs values"),
        (["=1"], "no setting"),
        (["seed=1,1"], "given twice"),
        (["prompt=a\nb,c"], "needs quotation marks"),
        (["prompt=a\rb"], "needs quotation marks"),
        (["steps=1", "num_inference_steps=2"], "given twice"),
        (["seed=" + ",".join(map(str, range(101))), "steps=" + ",".join(map(str, range(1, 101)))], "10,100"),
    ],
)
def test_a_grid_that_cannot_be_used(texts: list[str], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        grid_of(texts)


def test_a_sheet_shows_every_picture_at_its_place(paint: Paint, maps: Path) -> None:
    write_rows("m.jsonl", [{"depth": "a.npy", "prompt": "p"}, {"depth": "b.npy", "prompt": "q"}])
    manifest = Manifest(Path("m.jsonl"), grid=grid_of(["seed=1,2,3", "size=32x48,48x48"]))
    told = paint_all(manifest)
    assert told.counts == (12, 0, 0)
    settings = [read_record(Path("out", name)).settings for name in told.pictures]
    assert len({(s.prompt, s.seed, s.size) for s in settings}) == 12
    (sheet,) = write_sheets(manifest, {"num_inference_steps": "2"}, Path("out"))
    sheet_pixels = pixels_of(sheet)
    places: dict[tuple[str, str, int], tuple[int, int]] = {}
    for name, each in zip(told.pictures, settings, strict=True):
        places[each.prompt, str(each.size), each.seed] = place_of(pixels_of(Path("out", name)), sheet_pixels)
    ordered = [(prompt, size, seed) for prompt in "pq" for size in ("32x48", "48x48") for seed in (1, 2, 3)]
    assert sorted(places, key=lambda key: places[key]) == ordered
    before = sheet.read_bytes()
    assert write_sheets(manifest, {"num_inference_steps": "2"}, Path("out")) == [sheet]
    assert sheet.read_bytes() == before
    sheet.write_bytes(b"mine")
    with pytest.raises(OutputError, match="did not write it"):
        write_sheets(manifest, {}, Path("out"))
    assert sheet.read_bytes() == b"mine"


def test_many_values_make_several_sheets_of_a_limited_size(paint: Paint, maps: Path) -> None:
    write_rows("m.jsonl", [{"depth": "a.npy", "prompt": "p"}])
    Path("out").mkdir()
    values = ",".join(map(str, range(100)))
    long = ["steps=2", f"prompt=a,{'a long prompt ' * 400}"]
    for texts in (["steps=2", f"seed={values}"], [f"seed={values}"], long):
        sheets = write_sheets(Manifest(Path("m.jsonl"), grid=grid_of(texts)), {}, Path("out"))
        sizes = [pixels_of(sheet).shape for sheet in sheets]
        assert max(height for height, _, _ in sizes) <= HIGHEST
        assert max(width for _, width, _ in sizes) <= WIDEST


def test_a_shard_has_whole_rows_of_the_grid(paint: Paint, maps: Path) -> None:
    write_rows("m.jsonl", [{"depth": f"{name}.npy", "prompt": "p"} for name in "aba"])
    grid = grid_of(["seed=1,2"])
    told = paint_all(Manifest(Path("m.jsonl"), Shard(2, 2), grid))
    assert sorted(name[:5] for name in told.pictures) == ["b-p-1", "b-p-2"]
    (sheet,) = write_sheets(Manifest(Path("m.jsonl"), Shard(2, 2), grid), {}, Path("out"))
    assert sheet.name == "contact-sheet-2-of-2.png"


def test_one_prompt_for_a_folder_of_maps(paint: Paint, maps: Path) -> None:
    (maps / "a.txt").write_text("its own")
    told = paint_all(
        Manifest(maps, lone_maps=True), defaults={"prompt": "for all", "count": 2, "size": "16x24"}
    )
    assert told.counts == (4, 0, 0)
    found = sorted(
        (name.split("-1234")[0], read_record(Path("out", name)).settings.prompt) for name in told.pictures
    )
    assert found == [
        ("a-1.png", "its own"),
        ("a-2.png", "its own"),
        ("b-for-all", "for all"),
        ("b-for-all", "for all"),
    ]
    again = paint_all(
        Manifest(maps, lone_maps=True),
        str(maps),
        defaults={"prompt": "for all", "size": "16x24"},
        overwrite=True,
    )
    assert again.tally.bad_rows == 0
    # Neither the pictures of the batch nor its sheet are maps of the next run.
    write_sheets(Manifest(maps, grid=grid_of(["seed=1,2"]), lone_maps=True), {"prompt": "p"}, maps)
    assert [row.values["depth"] for row in Manifest(maps, lone_maps=True).rows()] == ["a.npy", "b.npy"]


def test_sheets_that_an_earlier_run_had_more_of_are_removed(paint: Paint, maps: Path) -> None:
    write_rows("m.jsonl", [{"depth": "a.npy", "prompt": "p", "size": "16x24"}])
    manifest = Manifest(Path("m.jsonl"), grid=grid_of(["seed=1,2"]))
    paint_all(manifest)
    (sheet,) = write_sheets(manifest, {"num_inference_steps": "2"}, Path("out"))
    for number in (2, 3):
        Path(f"out/contact-sheet-{number}.png").write_bytes(sheet.read_bytes())
    Path("out/contact-sheet-4.png").write_bytes(b"mine")
    write_sheets(manifest, {"num_inference_steps": "2"}, Path("out"))
    assert sorted(path.name for path in Path("out").glob("contact*")) == [
        "contact-sheet-4.png",
        "contact-sheet.png",
    ]
