"""HEIF pictures, with and without the depth that phones add to them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from decoding import refusal, samples
from made_heif import heic, portrait

from depthpaint.core.errors import ErrorCode
from depthpaint.core.installation import command_for
from depthpaint.formats import foreign
from made_depth import smooth

pytest.importorskip("pillow_heif")

DEPTH = np.rint(smooth(64, 96) * 255).astype(np.uint8)
PICTURE = np.stack([DEPTH, DEPTH[::-1], 255 - DEPTH], axis=-1)
PORTRAIT = portrait(PICTURE, DEPTH)


def test_the_depth_of_a_portrait_is_used() -> None:
    read = samples(PORTRAIT)
    assert np.abs(read.values.astype(int) - DEPTH).max() < 8
    assert (read.lossy, read.bits) == (True, 8)
    assert any("inside" in note for note in read.notes)
    assert read.hidden
    assert not samples(heic(PICTURE)).hidden


def test_a_picture_without_depth_is_read_itself() -> None:
    assert samples(heic(PICTURE)).values.shape == PICTURE.shape
    gray = samples(heic(DEPTH))
    assert np.abs(gray.values.astype(int) - DEPTH).max() < 8
    assert samples(heic(np.stack([DEPTH] * 3, axis=-1))).values.shape in (DEPTH.shape, PICTURE.shape)


ANSWER = {"size": [32, 16], "mode": "L", "depth": True, "stride": 40, "lengths": [640]}


def answering(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **changes: object) -> None:
    """A worker that says this about 16 rows of 40 bytes: 0 1 2 ..."""
    worker = tmp_path / "worker.py"
    worker.write_text(
        f"import sys\nprint({json.dumps(json.dumps(ANSWER | changes))}, flush=True)\n"
        "sys.stdout.buffer.write(bytes(k % 256 for k in range(640)))"
    )
    monkeypatch.setattr(foreign, "_WORKER", worker)


@pytest.mark.parametrize(
    ("kind", "quantity"), [(0, "disparity"), (1, "disparity"), (2, "distance"), (9, None)]
)
def test_what_a_phone_says_of_its_depth(
    kind: int, quantity: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, tmp_path, described={"representation_type": kind, "d_min": 0.5})
    read = samples(PORTRAIT)
    assert read.quantity == quantity
    rows = (np.arange(640) % 256).reshape(16, 40)
    assert np.array_equal(read.values, rows[:, :32])


@pytest.mark.parametrize(("changes", "code"), [
    ({"size": [40_000, 16]}, ErrorCode.DEPTH_TOO_LARGE),
    ({"size": [4, 16]}, ErrorCode.DEPTH_BAD_SHAPE),
    ({"size": [32, 17]}, ErrorCode.DEPTH_UNREADABLE),
    ({"size": ["a", 17]}, ErrorCode.DEPTH_UNREADABLE),
    ({"size": [32]}, ErrorCode.DEPTH_UNREADABLE),
    ({"stride": 31}, ErrorCode.DEPTH_UNREADABLE),
    ({"mode": "CMYK"}, ErrorCode.DEPTH_UNSUPPORTED_FORMAT),
    ({"error": "unreadable"}, ErrorCode.DEPTH_UNREADABLE),
])  # fmt: skip
def test_answers_are_checked_too(
    changes: dict[str, object], code: ErrorCode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, tmp_path, **changes)
    assert refusal(PORTRAIT).code is code


def test_without_the_library_the_remedy_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if "site-packages" not in entry])
    assert refusal(PORTRAIT).remedy == f"install it with {command_for('phone')}"


@pytest.mark.parametrize("cut", np.linspace(30, len(PORTRAIT) - 1, 6).astype(int).tolist())
def test_a_cut_file_is_never_half_a_map(cut: int) -> None:
    assert refusal(PORTRAIT[:cut]).code is ErrorCode.DEPTH_UNREADABLE
