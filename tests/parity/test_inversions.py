"""A learned word is heard as the words whose vectors it has, in either encoder; the rest stays as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
import transformers
from safetensors.torch import save_file
from tiny_sd import save_model

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.stable_diffusion.inversions import add_inversions
from depthpaint.models.stable_diffusion.text import Text, TextEncoder, encode

pytestmark = pytest.mark.filterwarnings("ignore")
WIDTH = 32
STOOD_FOR = ("snowy", "bedroom")
"""One token each: to give them a learned word's vectors is to say it by hand."""
Pairs = list[tuple[Any, Any]]


@pytest.fixture(scope="module", params=["sd15", "sd21", "sdxl"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("sd") / "model", request.param)


@pytest.fixture(scope="module")
def sd15(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sd")
    save_model(folder / "model", "sd15")
    return folder


def pairs_of(model: Path) -> Pairs:
    found: Pairs = []
    for end, kind in (("", transformers.CLIPTextModel), ("_2", transformers.CLIPTextModelWithProjection)):
        if (model / f"tokenizer{end}").exists():
            tokenizer = transformers.CLIPTokenizer.from_pretrained(str(model / f"tokenizer{end}"))
            encoder: Any = kind.from_pretrained(str(model / f"text_encoder{end}"))
            # As published: no room for more words, and a sentence's highest token is taken for its end.
            encoder.resize_token_embeddings(len(tokenizer), mean_resizing=False)
            getattr(encoder, "text_model", encoder).eos_token_id = 2
            found.append((encoder.eval(), tokenizer))
    return found


def heard(pairs: Pairs, prompt: str) -> Text:
    encoders = [TextEncoder(encoder, tokenizer) for encoder, tokenizer in pairs[:1]]
    encoders += [TextEncoder(encoder, tokenizer, hidden=1, pooled=True) for encoder, tokenizer in pairs[1:]]
    return encode(encoders, prompt, empty_is_zero=False)


def vectors(count: int, encoders: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(count)
    return [torch.randn((count, WIDTH), generator=generator) for _ in range(encoders)]


def write(file: Path, made: Sequence[torch.Tensor]) -> Path:
    names = ("clip_l", "clip_g") if len(made) == 2 else ("emb_params",)
    save_file(dict(zip(names, made, strict=True)), file)
    return file


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("said", ["My-Style7", "embedding:My-Style7", "(My-Style7:1.3)"])
def test_it_is_heard_as_the_words_with_its_vectors(
    model: Path, tmp_path: Path, count: int, said: str
) -> None:
    learned, by_hand = pairs_of(model), pairs_of(model)
    made = vectors(count, len(learned))
    add_inversions(learned, [write(tmp_path / "My-Style7.safetensors", made)])
    for (encoder, tokenizer), its in zip(by_hand, made, strict=True):
        numbers = tokenizer.convert_tokens_to_ids([f"{word}</w>" for word in STOOD_FOR[:count]])
        with torch.no_grad():
            encoder.get_input_embeddings().weight[numbers] = its
        getattr(encoder, "text_model", encoder).eos_token_id = tokenizer.eos_token_id
    words = " ".join(STOOD_FOR[:count])
    expected = heard(by_hand, f"a {said.replace('embedding:', '').replace('My-Style7', words)} house")
    got = heard(learned, f"a {said} house")
    assert torch.allclose(got.words, expected.words, atol=1e-6)
    plain = heard(pairs_of(model), f"a {said} house")
    assert plain.words.shape != got.words.shape or (plain.words - got.words).abs().max() > 1e-2
    if expected.pooled is not None:
        assert got.pooled is not None
        assert torch.allclose(got.pooled, expected.pooled, atol=1e-6)


@pytest.mark.parametrize("count", [1, 3])
def test_it_is_heard_as_in_diffusers(sd15: Path, tmp_path: Path, count: int) -> None:
    """Names in small letters alone: its tokenizer makes others small before it looks for them."""
    file = write(tmp_path / "mystyle.safetensors", vectors(count, 1))
    pipeline: Any = diffusers.StableDiffusionPipeline.from_pretrained(
        sd15 / "model", safety_checker=None, feature_extractor=None
    )
    pipeline.load_textual_inversion(str(file), token="mystyle")
    prompt = "a mystyle house, mystyle"
    expected = pipeline.encode_prompt(prompt, "cpu", 1, do_classifier_free_guidance=False)[0]
    learned = pairs_of(sd15 / "model")
    add_inversions(learned, [file])
    assert torch.allclose(heard(learned, prompt).words, expected, atol=1e-6)
    assert (heard(pairs_of(sd15 / "model"), prompt).words - expected).abs().max() > 1e-2


def test_other_sentences_are_heard_as_before(model: Path, tmp_path: Path) -> None:
    learned, plain = pairs_of(model), pairs_of(model)
    for encoder, tokenizer in plain:
        getattr(encoder, "text_model", encoder).eos_token_id = tokenizer.eos_token_id
    files = [write(tmp_path / f"{name}.safetensors", vectors(2, len(learned))) for name in ("ink", "inkwell")]
    add_inversions(learned, files)
    for prompt in ("a red house", "pinky pink deep-ink inks ink-well", ""):
        mine, its = heard(learned, prompt), heard(plain, prompt)
        assert torch.equal(mine.words, its.words), prompt
        if mine.pooled is not None:
            assert its.pooled is not None
            assert torch.equal(mine.pooled, its.pooled), prompt


def test_words_do_not_disturb_each_other(model: Path, tmp_path: Path) -> None:
    """A name may be within another's, be a letter, or be a number; to be added twice is to be added once."""
    names, together = ("ink", "ink-old", "w", "0"), pairs_of(model)
    files = [
        write(tmp_path / f"{name}.safetensors", [v + k for v in vectors(2, len(together))])
        for k, name in enumerate(names)
    ]
    for chunk in (files[:2], files[2:], files):
        add_inversions(together, chunk)
    for name, file in zip(names, files, strict=True):
        alone = pairs_of(model)
        add_inversions(alone, [file])
        mine, its = (heard(pairs, f"a {name} house").words for pairs in (together, alone))
        assert torch.allclose(mine, its, atol=1e-6), name


VECTOR = torch.zeros(WIDTH)


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"emb_params": torch.zeros(2, 48)}, "2x48, the model's are 32 wide"),
        ({"emb_params": torch.zeros(0, WIDTH)}, "0x32"),
        ({"emb_params": torch.zeros(())}, "one number"),
        ({"emb_params": torch.zeros(1, 1, WIDTH)}, "1x1x32"),
        ({"emb_params": torch.zeros(76, WIDTH)}, "76 vectors"),
        ({"emb_params": VECTOR / 0}, "not finite"),
        ({"clip_l": VECTOR, "clip_g": VECTOR}, "SDXL"),
        ({"a": VECTOR, "b": VECTOR, "c": VECTOR}, "3 tensors"),
    ],
)
def test_what_does_not_fit_is_refused(
    sd15: Path, tmp_path: Path, tensors: Mapping[str, torch.Tensor], words: str
) -> None:
    pairs = pairs_of(sd15 / "model")
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, tmp_path / "style.safetensors")
    with pytest.raises(ModelError, match=words) as refused:
        add_inversions(pairs, [tmp_path / "style.safetensors"])
    assert refused.value.code is ErrorCode.MODEL_INCOMPATIBLE
    assert "\n" not in str(refused.value)
    assert len(pairs[0][1]) == len(pairs_of(sd15 / "model")[0][1]), "nothing was added"


def test_one_encoder_of_two_is_not_enough(tmp_path: Path) -> None:
    pairs = pairs_of(save_model(tmp_path / "model", "sdxl"))
    for tensors, words in (
        ({"emb_params": VECTOR}, "one text encoder"),
        ({"clip_l": VECTOR}, "lacks clip_g"),
        ({"clip_l": VECTOR, "clip_g": torch.zeros(2, WIDTH)}, "different numbers"),
    ):
        save_file(tensors, tmp_path / "style.safetensors")
        with pytest.raises(ModelError, match=words):
            add_inversions(pairs, [tmp_path / "style.safetensors"])


def test_two_files_of_one_name_are_refused(sd15: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    files = [write(folder / "ink.safetensors", vectors(1, 1)) for folder in (tmp_path, tmp_path / "other")]
    add_inversions(pairs_of(sd15 / "model"), [files[0], files[0]])
    with pytest.raises(ModelError, match="the same name"):
        add_inversions(pairs_of(sd15 / "model"), files)


def test_a_cut_file_and_a_pickle_are_refused(sd15: Path, tmp_path: Path) -> None:
    whole = write(tmp_path / "style.safetensors", vectors(2, 1)).read_bytes()
    torch.save({"emb_params": VECTOR}, tmp_path / "pickle.safetensors")
    pickle = (tmp_path / "pickle.safetensors").read_bytes()
    for content in (whole[:-1], whole[:9], b"", pickle):
        (tmp_path / "style.safetensors").write_bytes(content)
        with pytest.raises(ModelError) as refused:
            add_inversions(pairs_of(sd15 / "model"), [tmp_path / "style.safetensors"])
        assert refused.value.code is ErrorCode.MODEL_TRUNCATED
