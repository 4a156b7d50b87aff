"""From trained networks to the files in the package: five ONNX graphs that point into one safetensors file.

The weights exist once, as float16. Each graph's initializers are external tensors at their offset in the
safetensors file, cast to float32 (ONNX Runtime folds the casts when it loads). Parameter names stay
diffusers' own, so the same file also becomes a diffusers folder (`depthpaint.models.diorama.files`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import CLIPTextModel

from depthpaint.core.files import sha256_of
from depthpaint.core.regular_file import write_document
from depthpaint.depth.hints import CHANNELS as RELIEF_CHANNELS
from depthpaint.models.diorama.files import DIGESTS, SMALL_FILES, TOKENIZER, WEIGHTS
from training.networks import CHANNELS, LATENT_CHANNELS, TEXT_WIDTH, Networks
from training.onnx_files import Graph, write_graph
from training.tokenizer import MAX_TOKENS, build_tokenizer


class _TextEncoder(nn.Module):
    def __init__(self, inner: CLIPTextModel) -> None:
        super().__init__()
        self.text_encoder = inner

    def forward(self, tokens: Tensor) -> Tensor:
        return self.text_encoder(tokens).last_hidden_state


class _Adapter(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.adapter = inner

    def forward(self, relief: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.adapter(relief))


class _Unet(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.unet = inner

    def forward(
        self,
        latents: Tensor,
        timestep: Tensor,
        text: Tensor,
        control_0: Tensor,
        control_1: Tensor,
        control_2: Tensor,
    ) -> Tensor:
        control = [control_0, control_1, control_2]
        return self.unet(latents, timestep, text, down_intrablock_additional_residuals=control).sample


class _Decoder(nn.Module):
    def __init__(self, inner: AutoencoderTiny) -> None:
        super().__init__()
        self.vae = inner

    def forward(self, latents: Tensor) -> Tensor:
        return self.vae.decoder(latents)


class _Encoder(nn.Module):
    def __init__(self, inner: AutoencoderTiny) -> None:
        super().__init__()
        self.vae = inner

    def forward(self, picture: Tensor) -> Tensor:
        return self.vae.encoder(picture)


def export(networks: Networks, folder: Path, facts: Mapping[str, object]) -> None:
    """Write the package files into `folder`: weights, graphs, tokenizer.

    And model.json with configurations, `facts` and the digests of all files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    modules = {**networks.painters(), "vae": networks.autoencoder}
    tensors = {
        f"{name}.{key}": value.detach().half().contiguous()
        for name, module in modules.items()
        for key, value in module.state_dict().items()
        if value.is_floating_point()
    }
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt", "model": "diorama"})
    for name, graph in _graphs(networks).items():
        write_graph(graph, folder / f"{name}.onnx", folder / WEIGHTS)
    build_tokenizer().save(str(folder / TOKENIZER))
    configurations = {
        name: json.loads(module.to_json_string()) if name != "text_encoder" else module.config.to_diff_dict()  # pyright: ignore
        for name, module in modules.items()
    }
    # diffusers registers it itself and warns where a file names it too.
    configurations["vae"].pop("block_out_channels", None)
    write_document(folder, {
        "facts": dict(facts), "configurations": configurations,
        DIGESTS: {name: sha256_of(folder / name) for name in SMALL_FILES},
        "weights_sha256": sha256_of(folder / WEIGHTS),
    })  # fmt: skip


@torch.no_grad()
def load_export(folder: Path, networks: Networks) -> None:
    """Fill `networks` from the package files in `folder`: training can go on from what was shipped.

    Raises FileNotFoundError where there are none, KeyError where they are those of other networks.
    """
    tensors = load_file(folder / WEIGHTS)
    for name, module in {**networks.painters(), "vae": networks.autoencoder}.items():
        for key, value in module.state_dict().items():
            if value.is_floating_point():
                value.copy_(tensors[f"{name}.{key}"])


def _graphs(networks: Networks) -> dict[str, Graph]:
    batch, h, w = (torch.export.Dim(n, min=1, max=m) for n, m in (("batch", 64), ("h", 64), ("w", 64)))
    size = 16
    sides = [(size // 2**level) for level in range(len(CHANNELS))]
    control = {
        f"control_{level}": torch.randn(2, channels, sides[level], sides[level])
        for level, channels in enumerate(CHANNELS)
    }
    control_dims: dict[str, dict[int, object]] = {
        f"control_{level}": {0: batch, 2: 2 ** (2 - level) * h, 3: 2 ** (2 - level) * w} for level in range(3)
    }
    latents = torch.randn(2, LATENT_CHANNELS, size, size)
    latent_dims: dict[int, object] = {0: batch, 2: 4 * h, 3: 4 * w}
    return {
        "text_encoder": Graph(
            _TextEncoder(networks.text_encoder),
            {"tokens": torch.zeros(2, MAX_TOKENS, dtype=torch.int64)},
            {"tokens": {0: batch}},
            ["text"],
        ),
        "adapter": Graph(
            _Adapter(networks.adapter),
            {"relief": torch.rand(2, RELIEF_CHANNELS, size * 8, size * 8)},
            {"relief": {0: batch, 2: 32 * h, 3: 32 * w}},
            list(control),
        ),
        "unet": Graph(
            _Unet(networks.unet),
            {
                "latents": latents,
                "timestep": torch.tensor([500.0, 400.0]),
                "text": torch.randn(2, MAX_TOKENS, TEXT_WIDTH),
                **control,
            },
            {"latents": latent_dims, "timestep": {0: batch}, "text": {0: batch}, **control_dims},
            ["prediction"],
        ),
        "decoder": Graph(
            _Decoder(networks.autoencoder), {"latents": latents}, {"latents": latent_dims}, ["picture"]
        ),
        "encoder": Graph(
            _Encoder(networks.autoencoder),
            {"picture": torch.rand(2, 3, size * 8, size * 8)},
            {"picture": {0: batch, 2: 32 * h, 3: 32 * w}},
            ["latents"],
        ),
    }
