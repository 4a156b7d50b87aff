"""CLIP as a judge, beside transformers' own processor and network, with random weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_sd import save_tokenizer

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.estimators.clip import BAD, GOOD, ClipJudge

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small CLIP with random weights."""
    from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

    path = tmp_path_factory.mktemp("hub") / "tiny-clip"
    save_tokenizer(path)
    tokenizer: Any = CLIPTokenizer.from_pretrained(str(path))
    small = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.random.default_generator.manual_seed(0)
    network = CLIPModel(CLIPConfig(
        text_config=small
        | {"vocab_size": len(tokenizer), "max_position_embeddings": 77}
        | {"eos_token_id": tokenizer.eos_token_id},
        vision_config=small | {"image_size": 32, "patch_size": 8}, projection_dim=16,
    ))  # fmt: skip
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3)  # random weights alone find all pictures alike
    network.save_pretrained(path)
    return path


@pytest.mark.parametrize("shape", [(32, 32), (61, 97), (300, 100)])
def test_it_is_what_transformers_makes_of_it(folder: Path, shape: tuple[int, int]) -> None:
    from transformers import CLIPModel, CLIPTokenizer
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    picture = np.random.default_rng(3).integers(0, 256, (*shape, 3), dtype=np.uint8)
    processor = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    tokenizer: Any = CLIPTokenizer.from_pretrained(str(folder))
    words = tokenizer(["a red house", GOOD, BAD], padding=True, return_tensors="pt")
    shown = processor(Image.fromarray(picture), return_tensors="pt")
    with torch.inference_mode():
        found = CLIPModel.from_pretrained(folder)(**words, **shown)
    cosines = (found.image_embeds @ found.text_embeds.T)[0].double()
    scores = ClipJudge(str(folder)).scores(picture, "a red house")
    assert scores.text == pytest.approx(max(0.0, 100 * float(cosines[0])), abs=1e-3)
    expected = torch.softmax(100 * cosines[1:], 0)[0]
    assert scores.quality == pytest.approx(float(expected), abs=1e-4)
    assert 0 < scores.quality < 1


def test_a_sentence_counts_and_without_one_there_is_quality_alone(folder: Path) -> None:
    judge = ClipJudge(str(folder))
    sentences = ("a red house", "night", "snow " * 500)
    pictures = np.random.default_rng(3).integers(0, 256, (20, 48, 64, 3), dtype=np.uint8)
    judged = [
        (picture, [judge.scores(picture, sentence).text for sentence in sentences]) for picture in pictures
    ]
    picture, texts = next((picture, texts) for picture, texts in judged if 0.0 not in texts)
    assert len(set(texts)) == 3
    assert judge.scores(picture, None).text is None
    assert judge.scores(picture, None).quality == pytest.approx(
        judge.scores(picture, "night").quality, abs=1e-4
    )
    assert judge.name == "tiny-clip"


def cut(path: Path) -> None:
    weights = path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])


def lose(path: Path) -> None:
    tensors = load_file(path / "model.safetensors")
    del tensors["text_projection.weight"]
    save_file(tensors, path / "model.safetensors", {"format": "pt"})


def only_pickle(path: Path) -> None:
    (path / "model.safetensors").rename(path / "pytorch_model.bin")


def configure(path: Path) -> None:
    (path / "config.json").write_text(json.dumps({"model_type": "bert"}))


@pytest.mark.parametrize("spoil", [cut, lose, only_pickle, configure])
def test_what_cannot_be_loaded_is_one_sentence(
    folder: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    shutil.copytree(folder, tmp_path / "spoilt")
    spoil(tmp_path / "spoilt")
    with pytest.raises(ModelError) as refused:
        ClipJudge(str(tmp_path / "spoilt"))
    truncated = spoil is cut
    expected = ErrorCode.MODEL_TRUNCATED if truncated else ErrorCode.MODEL_INCOMPATIBLE
    assert refused.value.code is expected
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "code"), [("no such folder", ErrorCode.MODEL_NOT_FOUND), ("a/b", ErrorCode.OFFLINE_MISSING)]
)
def test_a_clip_that_is_not_there(name: str, code: ErrorCode) -> None:
    with pytest.raises(ModelError) as refused:
        ClipJudge(name)
    assert refused.value.code is code
    assert refused.value.remedy
