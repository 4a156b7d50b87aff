"""The statistics of a picture's look tell apart what they are named after."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from depthpaint.study.painting import look_of


def house(width: int, height: int, *lefts: int, turned: bool = False) -> NDArray[np.uint8]:
    """Houses of irregular shape on a plain ground, at these places."""
    picture = Image.new("RGB", (width, height), (120, 160, 200))
    one = Image.new("RGB", (60, 70), (120, 160, 200))
    pen = ImageDraw.Draw(one)
    pen.polygon([(2, 68), (2, 30), (20, 5), (45, 22), (58, 40), (58, 68)], fill=(150, 60, 40))
    pen.rectangle([10, 40, 20, 55], fill=(240, 230, 120))
    pen.ellipse([30, 30, 50, 60], fill=(30, 30, 60))
    for number, left in enumerate(lefts):
        shown = one.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if turned and number else one
        picture.paste(shown, (left, height - 80))
    return np.asarray(picture)


def test_a_second_house_is_repetition_and_one_house_is_not() -> None:
    one = look_of(house(256, 128, 20)).repetition
    two = look_of(house(256, 128, 20, 170)).repetition
    mirrored = look_of(house(256, 128, 20, 170, turned=True)).repetition
    assert two > one + 0.15
    assert mirrored > one + 0.15


def test_nothing_shown_is_no_repetition() -> None:
    assert look_of(np.full((64, 192, 3), 90, np.uint8)).repetition == 0


def test_the_same_picture_at_another_size_looks_the_same() -> None:
    small = house(256, 128, 30, 170)
    large = np.asarray(Image.fromarray(small).resize((768, 384), Image.Resampling.LANCZOS))
    assert look_of(large).repetition == pytest.approx(look_of(small).repetition, abs=0.03)


def test_blur_gray_and_fog_are_seen_by_their_own_numbers() -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    sharp = np.asarray(Image.fromarray(coarse).resize((256, 256), Image.Resampling.NEAREST))
    blurred = np.asarray(Image.fromarray(coarse).resize((256, 256), Image.Resampling.BICUBIC))
    gray = np.repeat(sharp.mean(2, keepdims=True), 3, 2).astype(np.uint8)
    foggy = (sharp * 0.3 + 140).astype(np.uint8)
    assert look_of(blurred).sharpness < 0.7 * look_of(sharp).sharpness
    assert look_of(gray).colourfulness < 0.01 < 0.2 < look_of(sharp).colourfulness
    assert look_of(foggy).contrast < 0.4 * look_of(sharp).contrast


@pytest.mark.parametrize("shape", [(8, 8, 3), (16, 512, 3), (1, 1, 3)])
def test_any_shape_has_a_look(shape: tuple[int, int, int]) -> None:
    found = look_of(np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8))
    assert 0 <= found.repetition <= 1
