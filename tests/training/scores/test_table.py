"""Planted painters: each fails the score of what it does wrong, and no true render does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from training.scores.colour import asked_colours, coloured
from training.scores.depth import Seer
from training.scores.held_out import HeldOut, Picture, twin_of
from training.scores.marks import LEAST_MARKS, Mark, summaries
from training.scores.painting import Paint
from training.scores.picture import colour_drift, psnr
from training.scores.sheet import save_sheet
from training.scores.swap import colour_swap, depth_swap, swapped_colour
from training.scores.table import Means, measure


def faithful(asked: HeldOut) -> Picture:
    return asked.render


def red_for_blue(asked: HeldOut) -> Picture:
    return asked.render[..., ::-1]


def elsewhere(asked: HeldOut) -> Picture:
    return twin_of(asked).render


def gray_depth(asked: HeldOut) -> Picture:
    return np.repeat((asked.disparity * 255).astype(np.uint8)[..., None], 3, axis=-1)


def read_gray(picture: Picture) -> NDArray[np.float32]:
    return picture[..., 0].astype(np.float32)


GRAY = Seer("gray", read_gray)


@pytest.fixture(scope="session")
def exact(few: list[HeldOut]) -> Seer:
    """Knows the depth of every render."""
    known = {asked.render.tobytes(): asked.disparity for world in few for asked in (world, twin_of(world))}
    return Seer("exact", lambda picture: known.get(picture.tobytes(), few[0].disparity))


def scored(few: list[HeldOut], paint: Paint, seer: Seer) -> dict[str, Any]:
    return cast("dict[str, Any]", measure(few, Means(paint, None, seer, ())).table()["scores"])


def test_a_faithful_painter_scores_as_true_renders_do(few: list[HeldOut], exact: Seer) -> None:
    scores = scored(few, faithful, exact)
    for score in ("colour", "depth"):
        assert scores[score]["painted"] == scores[score]["render"]
        assert scores[score]["render"]["mean"] > 0.95
    assert scores["own_world"]["painted"]["mean"] == 1
    assert scores["colour_drift"]["painted"]["mean"] == 0
    assert scores["psnr"]["painted"]["median"] == pytest.approx(58.92, abs=0.01)
    assert "render" not in scores["psnr"]


def test_red_for_blue_fails_colour_and_nothing_of_the_render(few: list[HeldOut], exact: Seer) -> None:
    scores = scored(few, red_for_blue, exact)
    assert scores["colour"]["render"]["mean"] - scores["colour"]["painted"]["mean"] > 0.2
    assert scores["colour_drift"]["painted"]["mean"] > 0.02


def test_another_world_fails_depth_and_own_world(few: list[HeldOut], exact: Seer) -> None:
    scores = scored(few, elsewhere, exact)
    assert scores["own_world"]["painted"]["mean"] == 0
    assert scores["depth"]["render"]["5th"] > 0.99
    assert scores["depth"]["painted"]["5th"] < 0.8


def test_what_is_asked_for_does_not_depend_on_the_picture_and_is_counted(few: list[HeldOut]) -> None:
    table = cast("dict[str, Any]", measure(few, Means(gray_depth, faithful, None, ())).table())
    asked = sum(len(asked_colours(world)) for world in few)
    assert asked > 5
    assert table["asked"]["colour"] == {
        "asked": asked,
        "left_out": sum(len(coloured(world)) for world in few) - asked,
    }
    for shown in ("painted", "render", "autoencoder"):
        assert table["scores"]["colour"][shown]["count"] == asked
    assert "depth" not in table["scores"]
    assert set(table) == {"scores", "asked", "swapped_colour", "swapped_depth"}
    json.dumps(table, allow_nan=False)


def test_psnr_of_known_noise_and_drift_of_a_known_shift(few: list[HeldOut]) -> None:
    flat = replace(few[0], render=np.full((64, 64, 3), 100, np.uint8))
    chequered = flat.render + np.indices((64, 64, 3)).sum(0).astype(np.uint8) % 2 * 20
    assert psnr(flat, chequered) == [pytest.approx(10 * np.log10(255**2 / 200))]
    shifted = flat.render + np.array([51, 0, 0], np.uint8)
    assert colour_drift(flat, shifted) == [pytest.approx(0.2)]


def test_a_swapped_colour_is_seen_where_it_was_swapped(few: list[HeldOut]) -> None:
    asked = next(world for world in few if swapped_colour(world))
    swap = swapped_colour(asked)
    assert swap is not None
    other, named, colour = swap
    assert colour in other.caption
    assert other.world.named[named].colour == colour != asked.world.named[named].colour
    obeying = colour_swap(asked, asked.render, faithful)
    assert obeying is not None
    assert obeying.right
    assert obeying.inside > 5 * obeying.outside
    deaf = colour_swap(asked, asked.render, lambda _: asked.render)
    assert deaf is not None
    assert not deaf.right
    assert deaf.inside == 0


def test_swapped_depth_tells_who_obeys_it(few: list[HeldOut]) -> None:
    obeying = depth_swap(few[0], gray_depth, GRAY)
    assert obeying.new > 0.99
    assert obeying.old == pytest.approx(obeying.between, abs=0.02)
    blind = depth_swap(few[0], lambda _: gray_depth(few[0]), GRAY)
    assert blind.old > 0.99
    assert blind.new < 0.95


def test_only_groups_that_say_something_are_in_the_table() -> None:
    marks = [Mark("psnr", "painted", "sea", "1.00", 10.0 * value) for value in range(LEAST_MARKS)]
    marks += [Mark("psnr", "painted", "lake", "1.00", 30.0)] * (LEAST_MARKS - 1)
    row = summaries(marks)["psnr"]["painted"]
    assert row["count"] == 2 * LEAST_MARKS - 1
    assert row["families"] == {"sea": {"count": 5, "mean": 20.0, "median": 20.0, "5th": 2.0}}
    assert set(cast("dict[str, object]", row["ratios"])) == {"1.00"}


def test_the_sheet_shows_painted_above_rendered_above_depth(few: list[HeldOut], tmp_path: Path) -> None:
    save_sheet([(asked, red_for_blue(asked)) for asked in few], tmp_path / "made" / "sheet.png")
    sheet = np.asarray(Image.open(tmp_path / "made" / "sheet.png"))
    assert np.array_equal(sheet[:64, :64], red_for_blue(few[0]))
    assert np.array_equal(sheet[66:130, :64], few[0].render)
    assert np.abs(sheet[132:196, :64].astype(int) - gray_depth(few[0])).max() <= 1
    assert sheet[200:230, :64].min() < 128, "no caption"
