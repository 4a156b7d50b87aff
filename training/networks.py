"""diorama's four networks: Stable Diffusion's architecture with its sizes shrunk.

In diffusers' own modules.
"""

from __future__ import annotations

from dataclasses import dataclass

from diffusers import AutoencoderTiny, T2IAdapter, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel

from depthpaint.depth.hints import CHANNELS as RELIEF_CHANNELS
from training.tokenizer import MAX_TOKENS, build_tokenizer

LATENT_CHANNELS = 16
TEXT_WIDTH = 192
CHANNELS = (64, 128, 256)
TRAINED_AREA = 128 * 128


@dataclass(frozen=True, slots=True)
class Networks:
    """The trained parts. `autoencoder` is trained apart; the other three together."""

    text_encoder: CLIPTextModel
    unet: UNet2DConditionModel
    adapter: T2IAdapter
    autoencoder: AutoencoderTiny

    def painters(self) -> dict[str, nn.Module]:
        """The three that learn to denoise, by the name of their folder."""
        return {"text_encoder": self.text_encoder, "unet": self.unet, "adapter": self.adapter}


def build_networks() -> Networks:
    """Make all four with random weights (draw them under a seeded default generator)."""
    vocabulary = build_tokenizer()
    text = CLIPTextConfig(
        vocab_size=vocabulary.get_vocab_size(),
        hidden_size=TEXT_WIDTH,
        intermediate_size=512,
        num_hidden_layers=2,
        num_attention_heads=6,
        max_position_embeddings=MAX_TOKENS,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        layers_per_block=1,
        block_out_channels=CHANNELS,
        # As SD 1.5 has it: cross-attention everywhere but in the deepest block.
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
    )
    adapter = T2IAdapter(
        in_channels=RELIEF_CHANNELS,
        channels=list(CHANNELS),
        num_res_blocks=2,
        downscale_factor=8,
        adapter_type="full_adapter",
    )
    return Networks(CLIPTextModel(text), unet, adapter, build_autoencoder())


def build_autoencoder() -> AutoencoderTiny:
    """Eight times smaller latents; no residual block at full resolution, where convolutions cost most."""
    return AutoencoderTiny(
        encoder_block_out_channels=(32, 32, 32, 32),
        decoder_block_out_channels=(48, 48, 48, 48),
        latent_channels=LATENT_CHANNELS,
        num_encoder_blocks=(0, 0, 0, 0),
        num_decoder_blocks=(3, 3, 1, 0),
    )
