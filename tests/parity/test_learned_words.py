"""Learned words are heard in the sentences that name them, recorded with their digests, and found again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_sd import save_control, save_model

from depthpaint.cli.main import run
from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.engine import Engine
from depthpaint.models.painter import Runtime
from depthpaint.record.result import record_of, save_picture
from depthpaint.request import Request

pytestmark = pytest.mark.filterwarnings("ignore")
WIDTH = 32


@pytest.fixture(scope="module", params=["sd15", "sdxl"])
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def folder(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model with its control, and a tree with the word "ink"."""
    save_control(tmp_path / "control", save_model(tmp_path / "model", family))
    np.save(tmp_path / "depth.npy", np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64))
    teach(tmp_path / "tree" / "embeddings" / "ink.safetensors", family, seed=1)
    monkeypatch.setenv("DEPTHPAINT_MODELS", str(tmp_path / "tree"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def teach(file: Path, family: str, seed: int) -> Path:
    generator = torch.Generator().manual_seed(seed)
    names = ("clip_l", "clip_g") if family == "sdxl" else ("emb_params",)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: 20 * torch.randn((2, WIDTH), generator=generator) for name in names}, file)
    return file


def asked(prompt: str, negative: str = "") -> Request:
    return Request(
        depth=Path("depth.npy"), near="white", kind="disparity", prompt=prompt, negative_prompt=negative,
        size=(64, 64), num_inference_steps=2, guidance_scale=5.0, model="model", control="control",
    )  # fmt: skip


def engine() -> Engine:
    return Engine(runtime=Runtime("cpu", "fp32"))


def pixels(painter: Engine, *sentences: str) -> Any:
    return painter.paint(asked(*sentences)).pictures[0].pixels


@pytest.mark.full
def test_a_word_is_heard_in_either_sentence_and_recorded(folder: Path) -> None:
    file = folder / "tree" / "embeddings" / "ink.safetensors"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    painted = {said: engine().paint(asked(*said)) for said in (("a house, ink",), ("a house", "ink"))}
    file.unlink()
    for said, result in painted.items():
        assert record_of(result, 0).digests.inversions == {"ink": digest}
        plain = engine().paint(asked(*said))
        assert record_of(plain, 0).digests.inversions == {}
        assert not np.array_equal(plain.pictures[0].pixels, result.pictures[0].pixels)


@pytest.mark.full
def test_a_kept_model_carries_no_word_into_another_picture(folder: Path, family: str) -> None:
    """Each picture of a model that stays loaded is bit for bit that of a model loaded for it alone."""
    teach(folder / "model" / "embeddings" / "wash.safetensors", family, seed=2)
    teach(folder / "model" / "embeddings" / "ink.old.safetensors", family, seed=3)
    kept = engine()
    sentences = (
        ("a red house", "snowy"), ("a house, ink", ""), ("a red house", "the forest"), ("wash", "ink"),
        ("a red inkwell, in-ink", ""), ("the forest", "ink.old"), ("a house, ink", "a"),
    )  # fmt: skip
    for said in sentences:
        assert np.array_equal(pixels(kept, *said), pixels(engine(), *said)), said
    (folder / "tree" / "embeddings" / "ink.safetensors").unlink()
    assert np.array_equal(pixels(kept, "a house, ink"), pixels(engine(), "a house, ink")), (
        "it is a word again"
    )


def test_a_file_that_changes_is_heard_anew(folder: Path, family: str) -> None:
    kept = engine()
    before = pixels(kept, "ink")
    teach(folder / "tree" / "embeddings" / "ink.safetensors", family, seed=4)
    after = pixels(kept, "ink")
    assert not np.array_equal(before, after)
    assert np.array_equal(after, pixels(engine(), "ink"))


def test_a_file_that_does_not_fit_is_refused_and_leaves_nothing_behind(folder: Path) -> None:
    kept = engine()
    plain = pixels(kept, "a red house")
    save_file({"emb_params": torch.zeros(2, 5)}, folder / "tree" / "embeddings" / "wide.safetensors")
    with pytest.raises(ModelError, match=r"wide\.safetensors does not fit") as refused:
        pixels(kept, "ink, wide")
    assert refused.value.code is ErrorCode.MODEL_INCOMPATIBLE
    assert np.array_equal(pixels(kept, "a red house"), plain)


@pytest.mark.full
def test_it_is_painted_again_or_said_why_not(
    folder: Path, family: str, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = str(save_picture(engine().paint(asked("a house, ink")), 0, folder).path)
    assert run(["replay", picture, "--device", "cpu"]) == 0
    assert "bit-equal" in capsys.readouterr().out
    file = folder / "tree" / "embeddings" / "ink.safetensors"
    moved = folder / "model" / "embeddings" / file.name
    moved.parent.mkdir()
    file.rename(moved)
    assert run(["replay", picture, "--device", "cpu"]) == 0, "it may lie elsewhere now"
    teach(moved, family, seed=5)
    # How much a word changes of so small a model is chance.
    assert run(["replay", picture, "--device", "cpu"]) in (0, 4)
    assert "changed: the textual inversions" in capsys.readouterr().out
    moved.unlink()
    assert run(["replay", picture, "--device", "cpu"]) == 5
    told = capsys.readouterr().err
    assert "textual inversion 'ink'" in told
    assert "ink.safetensors (sha256" in told
