"""The shipped model: its files, its words, and what its networks must do whatever their weights."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from depthpaint.core.errors import DepthpaintError, ErrorCode
from depthpaint.core.statistics import psnr
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.models.diorama.files import FOLDER, open_files
from depthpaint.models.diorama.painter import Diorama, Features
from depthpaint.models.painter import Floats, Runtime
from depthpaint.plan import noise_schedule
from depthpaint.sampling.levels import NoiseLevel


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
        ("an azure sphere", [("azure", "blue")]),
        ("luxury bedroom interior, a zebra", [("zebra", None)]),
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
    assert np.shape(cast("Floats", diorama.encode_text(long))) == np.shape(
        cast("Floats", diorama.encode_text("a"))
    )
    assert diorama.vocabulary.too_long(long) > 0
    assert diorama.vocabulary.too_long("a red sphere") == 0


def level(timestep: int) -> NoiseLevel:
    return noise_schedule(DIORAMA, "trailing", 1000).levels[999 - timestep]


def test_every_canvas_of_the_multiple_can_be_painted(diorama: Diorama) -> None:
    texts = [diorama.encode_text("a red sphere"), diorama.encode_text("")]
    for width, height in ((32, 32), (128, 128), (192, 96), (32, 512)):
        prepared = diorama.prepare_control({"depth": np.zeros((height, width), np.float32)}, None)
        latents = np.zeros((1, 16, height // 8, width // 8), np.float32)
        residuals = diorama.control(prepared, latents, level(999), texts, {"depth": 1.0})
        answers = diorama.predict(latents, level(999), texts, residuals)
        assert [answer.shape for answer in answers] == [latents.shape] * 2
        assert diorama.decode(latents).shape == (height, width, 3)


def test_no_residuals_are_the_same_as_strength_zero(diorama: Diorama) -> None:
    texts = [diorama.encode_text("a red sphere")]
    latents = np.ones((1, 16, 16, 16), np.float32)
    prepared = diorama.prepare_control({"depth": np.ones((128, 128), np.float32)}, None)
    silent, heard, none = (
        cast("Floats", diorama.predict(latents, level(500), texts, residuals)[0])
        for residuals in (
            diorama.control(prepared, latents, level(500), texts, {"depth": 0.0}),
            diorama.control(prepared, latents, level(500), texts, {"depth": 1.0}),
            None,
        )
    )
    assert np.array_equal(silent, none)
    assert np.abs(heard - none).max() > 1e-3


def test_depth_has_no_say_where_it_is_not_known(diorama: Diorama) -> None:
    known = np.ones((128, 128), np.float32)
    known[:, 64:] = 0
    features = cast("Features", diorama.prepare_control({"depth": np.ones((128, 128), np.float32)}, known))
    for feature in features:
        half = feature.shape[-1] // 2
        assert not feature[..., half:].any()
        assert feature[..., :half].any()


def test_the_number_of_threads_is_not_seen(diorama: Diorama) -> None:
    noise = np.random.default_rng(7).standard_normal((1, 16, 16, 16)).astype(np.float32)
    alone = Diorama(DIORAMA, runtime=Runtime(threads=1))
    texts = [painter.encode_text("a red ball on snow") for painter in (diorama, alone)]
    assert np.array_equal(cast("Floats", texts[0]), cast("Floats", texts[1]))
    answers = [painter.predict(noise, level(900), [texts[0]] * 2, None)[0] for painter in (diorama, alone)]
    assert np.array_equal(cast("Floats", answers[0]), cast("Floats", answers[1]))
    assert np.array_equal(diorama.decode(noise), alone.decode(noise))


def test_what_it_does_not_compute_on_is_said() -> None:
    assert Diorama(DIORAMA, runtime=Runtime(device="cpu", precision="fp32")).notes == ()
    wanted = Runtime(device="cuda", precision="fp16", compile=True)
    given = "--device cuda and --precision fp16 and --compile"
    assert Diorama(DIORAMA, runtime=wanted).notes == (
        f"diorama computes on the CPU in float32: {given} are ignored",
    )


def painted_scene(side: int = 256) -> Floats:
    """Coloured areas with soft shading, as diorama paints: (H, W, 3) in [0, 1]."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    picture = np.stack([0.3 + 0.4 * y, 0.5 - 0.2 * x, 0.8 - 0.5 * y], axis=-1)
    picture[(x - 0.5) ** 2 + (y - 0.6) ** 2 < 0.04] = (0.8, 0.1, 0.15)
    return picture.astype(np.float32)


def test_what_it_encodes_it_decodes(diorama: Diorama) -> None:
    picture = painted_scene()
    latents = diorama.encode(picture)
    assert (latents.shape, cast("Floats", latents).dtype) == ((1, 16, 32, 32), np.float32)
    assert psnr(diorama.decode(latents), picture, peak=1) > 25
    assert psnr(diorama.decode(diorama.encode(picture[::-1])), picture, peak=1) < 20
    assert np.array_equal(cast("Floats", latents), cast("Floats", diorama.encode(picture)))
