"""A photo without depth at the command line, with an estimator without weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthpaint.cli import painting
from depthpaint.engine import Engine
from depthpaint.record.png_text import read_record
from depthpaint.testing import FakePainter

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def photo(work: Path) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)).save(
        work / "photo.jpg"
    )
    return work / "photo.jpg"


@pytest.mark.usefixtures("photo")
def test_a_photo_is_refused_with_the_flag_and_painted_with_it(cli: Run, work: Path) -> None:
    status, _, err = cli("generate", "photo.jpg", "p")
    assert status == 3
    assert "--from-photo" in err
    status, out, err = cli("generate", "photo.jpg", "p", "--from-photo", "--steps", 2)
    assert status == 0, err
    record = read_record(work / out.strip())
    assert record.depth.estimator == "depth-anything-v2-small"
    assert len(record.depth.estimator_sha256) == 64
    assert record.settings.reading.from_photo == "depth-anything-v2-small"
    status, told, _ = cli("replay", out.strip())
    assert (status, "bit-equal" in told) == (0, True)


@pytest.mark.usefixtures("photo")
def test_the_doctor_writes_what_was_seen(cli: Run, work: Path) -> None:
    status, _, err = cli("inspect", "photo.jpg", "--from-photo", "--as", "depth.png")
    assert status == 0, err
    written = np.asarray(Image.open(work / "depth.png")).astype(int)
    assert written[-10:].mean() > written[:10].mean()
    (row,) = json.loads(cli("inspect", "photo.jpg", "--estimator", "mine", "--json")[1])["files"]
    assert (row["estimator"], row["near"]) == ("mine", "white")
    assert "mine" in row["evidence"]["near"]


@pytest.mark.usefixtures("photo")
def test_numbers_are_no_photo(cli: Run) -> None:
    status, _, err = cli("generate", "depth.npy", "p", "--from-photo")
    assert status == 3
    assert "no photo" in err


@pytest.mark.usefixtures("photo")
def test_without_weights_it_says_how_to_get_them(
    cli: Run, painter: FakePainter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(painting, "make_engine", lambda: Engine(load=lambda name: painter))
    status, out, err = cli("generate", "photo.jpg", "p", "--from-photo")
    assert (status, out) == (7, "")
    assert "depthpaint models pull depth-anything-v2-small" in err
    assert err.count("\n") == 1
    status, _, err = cli("generate", "photo.jpg", "p", "--from-photo", "--estimator", "nobody")
    assert status == 5
    assert "depth-anything-v2-small" in err


def test_only_what_is_listed_can_be_pulled(cli: Run) -> None:
    status, _, err = cli("models", "pull", "sd15")
    assert status == 5
    assert "depth-anything-v2-small" in err
    assert "depth-anything-v2-small" in cli("models", "list")[1]
