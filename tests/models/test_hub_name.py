"""A hub id, with or without a revision, is told from paths and names."""

from __future__ import annotations

from pathlib import Path

import pytest

from depthpaint.models.hub_files import HubPart, commits_of, part_named

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("name", "repository", "revision"),
    [
        ("somebody/a-model.1", "somebody/a-model.1", None),
        ("somebody/model@v1.1", "somebody/model", "v1.1"),
        (f"somebody/model@{COMMIT}", "somebody/model", COMMIT),
        ("somebody/model@refs/pr/7", "somebody/model", "refs/pr/7"),
    ],
)
def test_it_is_a_repository_and_perhaps_a_revision(name: str, repository: str, revision: str | None) -> None:
    part = part_named(name)
    assert part is not None
    assert (part.repository, part.revision, part.name) == (repository, revision, name)


@pytest.mark.parametrize(
    "name",
    ["model", "a/b/c", "a/b@", "a/b@../../x", "a/b@x/../y", "a/b@.x", "a/b@x@y", "../b", "a/b@x y", "a@x/b"],
)
def test_other_names_are_none(name: str) -> None:
    assert part_named(name) is None


def test_a_commit_is_told_by_its_first_letters_and_a_tag_whole() -> None:
    assert HubPart("a/b", 1, "MIT", revision=COMMIT).page == "a/b at 0123456789"
    assert HubPart("a/b", 1, "MIT", revision="a-long-tag-name").page == "a/b at a-long-tag-name"
    assert HubPart("a/b", 1, "MIT").page == "a/b at main"


def test_the_commit_is_told_from_where_a_part_lies() -> None:
    cache = Path("/home") / "hub" / "models--some-body--a--b" / "snapshots" / COMMIT
    assert commits_of([cache, cache / "unet" / "x.safetensors"]) == {"some-body/a--b": COMMIT}
    assert commits_of([Path("model"), Path("/models--a--b"), cache.parent, Path("/a/snapshots/b")]) == {}
