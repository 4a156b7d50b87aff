"""Sentences of any length and emphasis, on a tiny text encoder with random weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_sd import save_tokenizer, text_config
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from depthpaint.models.stable_diffusion.text import Text, TextEncoder, encode

pytestmark = pytest.mark.filterwarnings("ignore")
PIECE = 77


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("words") / "tokenizer"
    save_tokenizer(folder)
    return CLIPTokenizer.from_pretrained(str(folder))


@pytest.fixture(scope="module")
def encoder(tokenizer: Any) -> TextEncoder:
    return TextEncoder(_model(CLIPTextModel), tokenizer)


def _model(kind: Any, **more: Any) -> Any:
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(3)
        return kind(text_config(32, **more)).eval()


def heard(encoder: TextEncoder, prompt: str) -> torch.Tensor:
    return encode([encoder], prompt, empty_is_zero=False).words


def test_a_sentence_that_fits_is_heard_as_the_pipelines_hear_it(encoder: TextEncoder) -> None:
    tokens = encoder.tokenizer("a red house", padding="max_length", max_length=PIECE, return_tensors="pt")
    expected = encoder.model(tokens.input_ids).last_hidden_state
    assert torch.allclose(heard(encoder, "a red house"), expected, atol=1e-6)


def test_a_long_sentence_is_heard_to_its_end(encoder: TextEncoder) -> None:
    long = "a red house in the forest " * 20
    pieces, rest = divmod(heard(encoder, long).shape[1], PIECE)
    assert (pieces > 1, rest) == (True, 0)
    assert not torch.allclose(heard(encoder, long), heard(encoder, long + "snowy"), atol=1e-4)


def test_a_weight_moves_a_sentence_away_from_silence(encoder: TextEncoder) -> None:
    plain, strong = heard(encoder, "a red house"), heard(encoder, "a (red:1.5) house")
    silence = encoder.empty
    red = 2  # Start, a, red.
    assert torch.allclose(strong[:, red], silence[:, red] + 1.5 * (plain - silence)[:, red], atol=1e-5)
    assert torch.allclose(strong[:, 1], plain[:, 1], atol=1e-6)
    weak = heard(encoder, "a (red:0.5) house")
    assert not torch.allclose(weak, plain, atol=1e-4)


def test_a_short_sentence_beside_a_long_one_falls_silent(encoder: TextEncoder) -> None:
    short = encode([encoder], "a house", empty_is_zero=False)
    long = encode([encoder], "a house " * 60, empty_is_zero=False)
    row = Text.row([short, long])
    assert row.words.shape[:2] == (2, long.words.shape[1])
    assert torch.equal(row.words[0, PIECE : 2 * PIECE], encoder.empty[0])


def test_skipped_layers_are_not_heard(tokenizer: Any) -> None:
    model = _model(CLIPTextModel)
    tokens = tokenizer("a red house", padding="max_length", max_length=PIECE, return_tensors="pt").input_ids
    states = model(tokens, output_hidden_states=True).hidden_states
    skipping = TextEncoder(model, tokenizer, hidden=1)
    assert torch.allclose(heard(skipping, "a red house"), model.final_layer_norm(states[-2]), atol=1e-6)
    bare = TextEncoder(model, tokenizer, hidden=2, normed=False)
    assert torch.allclose(heard(bare, "a red house"), states[-3], atol=1e-6)


def test_two_encoders_are_heard_side_by_side_and_silence_can_be_zero(tokenizer: Any) -> None:
    second = TextEncoder(
        _model(CLIPTextModelWithProjection, projection_dim=16), tokenizer, hidden=1, normed=False, pooled=True
    )
    encoders = [TextEncoder(_model(CLIPTextModel), tokenizer, hidden=1, normed=False), second]
    said = encode(encoders, "a (red:1.2) house", empty_is_zero=True)
    assert said.words.shape == (1, PIECE, 64)
    assert said.pooled is not None
    tokens = tokenizer("a red house", padding="max_length", max_length=PIECE, return_tensors="pt").input_ids
    assert torch.allclose(said.pooled, second.model(tokens).text_embeds, atol=1e-6), "without its brackets"
    nothing = encode(encoders, " ", empty_is_zero=True)
    assert not nothing.words.any()
    assert nothing.pooled is not None
    assert not nothing.pooled.any()


def test_a_break_begins_a_piece_of_its_own(encoder: TextEncoder) -> None:
    both = heard(encoder, "a red house BREAK a tree")
    assert torch.equal(both[:, :PIECE], heard(encoder, "a red house"))
    assert torch.equal(both[:, PIECE:], heard(encoder, "a tree"))
    loud = heard(encoder, "(a red house BREAK a tree:1.3)")
    assert torch.allclose(loud[:, PIECE:], heard(encoder, "(a tree:1.3)"), atol=1e-6)
