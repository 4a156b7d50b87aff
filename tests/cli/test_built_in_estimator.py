"""Depth from the estimator inside the package at the command line: the real engine, a tiny network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthpaint.cli import painting
from depthpaint.engine import Engine
from depthpaint.models.estimators import registry
from depthpaint.models.estimators.diorama_depth import WEIGHTS
from depthpaint.models.estimators.registry import DEPTH_ANYTHING, DIORAMA_DEPTH, ESTIMATORS, ShippedEntry
from depthpaint.record.picture_file import read_record

Run = Callable[..., tuple[int, str, str]]
TINY = ("generate", "photo.png", "a red sphere", "--from-photo", "--estimator", DIORAMA_DEPTH, "--steps", 2)


@pytest.fixture
def shipped(work: Path, tiny_depth: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real engine, in whose package a tiny diorama-depth lies; and photo.png, brighter to the bottom."""
    entry = ShippedEntry(tiny_depth, "Apache-2.0", "tiny")
    monkeypatch.setitem(ESTIMATORS, DIORAMA_DEPTH, entry)

    def make_engine(_: object = None) -> Engine:
        return Engine()

    monkeypatch.setattr(painting, "make_engine", make_engine)
    rows = np.linspace(0, 255, 96, dtype=np.uint8)[:, None, None]
    Image.fromarray(np.broadcast_to(rows, (96, 144, 3)).copy()).save(work / "photo.png")
    return tiny_depth


def test_a_picture_becomes_another_with_what_is_in_the_package(
    cli: Run, work: Path, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, err = cli(*TINY)
    assert status == 0, err
    assert "by diorama-depth, which reaches a rank correlation of 0.97" in err
    painted = work / out.strip()
    record = read_record(painted)
    assert (record.depth.estimator, record.depth.near, record.depth.kind) == (
        DIORAMA_DEPTH, "white", "disparity",
    )  # fmt: skip
    assert record.depth.estimator_sha256 == hashlib.sha256((shipped / WEIGHTS).read_bytes()).hexdigest()
    assert cli("replay", painted)[1].strip().endswith("bit-equal (every value is equal)")
    cli("inspect", "photo.png", "--from-photo", "--estimator", DIORAMA_DEPTH, "--as", "estimated.npy")
    estimated = np.load(work / "estimated.npy")
    assert estimated.shape == (96, 144)
    assert (np.diff(estimated.mean(axis=1)) >= 0).all(), "the bright rows at the bottom are near"
    monkeypatch.setattr(registry, "DEFAULT", DIORAMA_DEPTH)
    assert json.loads(cli("inspect", "photo.png", "--from-photo", "--json")[1])["files"][0]["estimator"] == (
        DIORAMA_DEPTH
    )


@pytest.mark.full
def test_replay_says_that_the_shipped_weights_are_others(
    cli: Run,
    work: Path,
    shipped: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tiny_depth import save_tiny_depth

    painted = work / cli(*TINY)[1].strip()
    other = save_tiny_depth(tmp_path_factory.mktemp("other"), dark=0.4)
    monkeypatch.setitem(ESTIMATORS, DIORAMA_DEPTH, ShippedEntry(other, "Apache-2.0", "tiny"))
    assert "the estimator's weights" in cli("replay", painted)[1]


def test_without_its_files_the_package_is_broken(
    cli: Run, work: Path, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ESTIMATORS, DIORAMA_DEPTH, ShippedEntry(work, "Apache-2.0", "tiny"))
    for command in (TINY, ("models", "show", DIORAMA_DEPTH)):
        status, out, err = cli(*command)
        assert (status, out) == (5, "")
        assert "diorama-depth: the file model.json is missing; reinstall depthpaint" in err
        assert err.count("\n") == 1


@pytest.mark.usefixtures("shipped")
def test_the_estimator_in_the_package_is_listed_and_shown(cli: Run) -> None:
    listed = json.loads(cli("models", "list", "--json")[1])["estimators"]
    assert listed[0] == {
        "name": DIORAMA_DEPTH, "summary": "tiny", "licence": "Apache-2.0", "megabytes": 0, "here": True,
        "repository": None, "revision": None,
    }  # fmt: skip
    assert sum(", the default)" in line for line in cli("models", "list")[1].splitlines()) == 1
    shown = cli("models", "show", DIORAMA_DEPTH)[1]
    assert "licence: Apache-2.0" in shown
    assert "steps                7" in shown
    assert json.loads(cli("models", "show", DIORAMA_DEPTH, "--json")[1])["facts"]["steps"] == 7
    hub = json.loads(cli("models", "show", DEPTH_ANYTHING, "--json")[1])
    assert (hub["revision"][:4], hub["facts"]) == ("5426", {})
    status, _, err = cli("models", "pull", DIORAMA_DEPTH)
    assert status == 5
    assert "in the package" in err
