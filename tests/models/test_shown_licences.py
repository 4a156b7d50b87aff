"""A licence is shown at the first pull of its repository, and what was shown is kept beside the cache."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from depthpaint.models.hub import FILE, is_new, remember
from depthpaint.models.hub_files import HubPart

PART, OTHER = HubPart("a/b", 1, "MIT"), HubPart("a/c", 1, "OpenRAIL")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "home" / "hub"))
    return tmp_path / "home"


def test_it_is_new_once(home: Path) -> None:
    assert is_new(PART)
    assert not home.exists(), "to ask writes nothing"
    remember([PART])
    assert (is_new(PART), is_new(OTHER)) == (False, True)
    remember([OTHER])
    assert (is_new(PART), is_new(OTHER)) == (False, False)
    assert json.loads((home / FILE).read_text()) == {"a/b": ["MIT"], "a/c": ["OpenRAIL"]}
    assert [file.name for file in home.iterdir()] == [FILE]


def test_a_licence_that_changed_is_new() -> None:
    another = replace(PART, licence="another")
    remember([PART])
    assert is_new(another)
    remember([another, another])
    assert (is_new(PART), is_new(another)) == (False, False), "both were shown"


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"[1]", b"\xff", b'{"a/b": "MIT"}', b"null"])
def test_a_damaged_file_is_as_none_and_is_mended(home: Path, content: bytes) -> None:
    home.mkdir()
    (home / FILE).write_bytes(content)
    assert is_new(PART)
    remember([PART])
    assert not is_new(PART)


def test_where_nothing_can_be_kept_it_is_shown_again(home: Path) -> None:
    home.write_text("a file in the place of the folder")
    remember([PART])
    assert is_new(PART)
