"""The shipped model: its files, its words, and what its networks must do whatever their weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from depthpaint.core.errors import DepthpaintError, ErrorCode
from depthpaint.models.diorama.files import FOLDER, open_files
from depthpaint.models.diorama.painter import Diorama
from depthpaint.models.registry import DIORAMA


@pytest.fixture(scope="module")
def diorama() -> Diorama:
    return Diorama(DIORAMA)


def test_the_weights_are_the_shipped_ones_and_stay_small(diorama: Diorama) -> None:
    assert diorama.weights_sha256 == open_files().weights_sha256
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 60e6


def test_a_tampered_weights_file_is_refused(tmp_path: Path) -> None:
    copy = shutil.copytree(FOLDER, tmp_path / "weights")
    weights = copy / "diorama.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(DepthpaintError) as caught:
        open_files(copy)
    assert caught.value.code is ErrorCode.MODEL_HASH_MISMATCH
    assert caught.value.exit_status == 5


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DepthpaintError, match=r"model\.json is missing"):
        open_files(tmp_path)


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        ("a red sphere on a green floor", []),
        ("A RED Ball, at night.", []),
        ("", []),
        ("a crimson sphere", [("crimson", "red")]),
        ("luxury bedroom interior", [("luxury", None), ("bedroom", "room")]),
        ("a spehre", [("spehre", "sphere")]),
        ("größe 猫 🙂", [("größe", None), ("猫", None)]),
    ],
)
def test_unknown_words_come_with_the_nearest_known(
    diorama: Diorama, prompt: str, unknown: list[tuple[str, str | None]]
) -> None:
    found = diorama.unknown_words(prompt)
    assert [word.word for word in found] == [word for word, _ in unknown]
    for word, (_, nearest) in zip(found, unknown, strict=True):
        if nearest:
            assert word.nearest[0] == nearest


def test_a_long_sentence_is_cut_and_says_so(diorama: Diorama) -> None:
    long = "a red sphere and " * 30
    assert diorama.encode_text([long]).shape == diorama.encode_text(["a"]).shape
    assert diorama.vocabulary.too_long(long) > 0
    assert diorama.vocabulary.too_long("a red sphere") == 0


def test_every_canvas_of_the_multiple_can_be_painted(diorama: Diorama) -> None:
    text = diorama.encode_text(["a red sphere", ""])
    for width, height in ((32, 32), (128, 128), (192, 96), (32, 512)):
        control = diorama.prepare_control(np.zeros((1, height, width), np.float32))
        latents = np.zeros((2, 16, height // 8, width // 8), np.float32)
        residuals = diorama.control(control, latents, 999, text, 1.0)
        assert diorama.predict(latents, 999, text, residuals).shape == latents.shape
        assert diorama.decode(latents).shape == (2, height, width, 3)


def test_no_residuals_are_the_same_as_strength_zero(diorama: Diorama) -> None:
    text = diorama.encode_text(["a red sphere"])
    latents = np.ones((1, 16, 16, 16), np.float32)
    control = diorama.prepare_control(np.ones((1, 128, 128), np.float32))
    silent = diorama.predict(latents, 500, text, diorama.control(control, latents, 500, text, 0.0))
    heard = diorama.predict(latents, 500, text, diorama.control(control, latents, 500, text, 1.0))
    none = diorama.predict(latents, 500, text, None)
    assert np.array_equal(silent, none)
    assert np.abs(heard - none).max() > 1e-3
