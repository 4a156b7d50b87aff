from __future__ import annotations

import unicodedata

import pytest

from depthpaint.record.paths import picture_names
from painted import HOSTILE


def never(_: str) -> bool:
    return False


def test_is_readable() -> None:
    names = picture_names("A red ball, on a green floor!", [12345, 0], never)
    assert names == ["a-red-ball-on-a-green-floor-12345.png", "a-red-ball-on-a-green-floor-0.png"]


def test_equal_seeds_get_different_names() -> None:
    assert picture_names("ball", [1, 1, 1], never) == ["ball-1.png", "ball-1-2.png", "ball-1-3.png"]


def test_a_taken_name_is_never_given() -> None:
    taken = {"ball-1.png", "ball-1-2.png"}
    assert picture_names("ball", [1, 2], taken.__contains__) == ["ball-1-3.png", "ball-2.png"]


@pytest.mark.parametrize(
    "prompt", [*HOSTILE, "con", "NUL", "../..", "...", ".hidden", "x" * 9999, "猫" * 999, "e\u0301", "\ud800"]
)
def test_any_prompt_gives_a_safe_name(prompt: str) -> None:
    (name,) = picture_names(prompt, [7], never)
    assert name.endswith("-7.png")
    assert all(unicodedata.category(character)[0] in "LMN" or character in "-." for character in name)
    assert name.count(".") == 1
    assert name[0] not in "-."
    assert len(name.encode()) <= 255
    assert unicodedata.normalize("NFC", name) == name
