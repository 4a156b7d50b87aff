"""Batches for training: latents, depth as it is in the wild, and captions, some of them empty."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from torch import Tensor
from torch.nn import functional

from depthpaint.training.dataset import load_shard, shard_file
from depthpaint.training.tokenizer import build_tokenizer

NO_CAPTION = 0.1
NO_DEPTH = 0.04
"""Shares of examples whose sentence or depth is withheld: the first teaches guidance.

The second strength 0.
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """`latents` (B, 16, h, w), `picture` (B, 3, H, W) in [-1, 1], `depth` (B, 1, H, W), `tokens` (B.

    T), `heard` (B,).
    """

    latents: Tensor
    picture: Tensor
    depth: Tensor
    tokens: Tensor
    heard: Tensor


@dataclass
class Examples:
    """Shards in memory. Latents are computed once; pictures stay bytes, for the decoder."""

    folder: Path
    autoencoder: AutoencoderTiny
    shards: list[dict[str, Tensor]] = field(default_factory=list[dict[str, Tensor]])

    def refresh(self, most: int) -> None:
        """Take in shards that were rendered since, `most` at a time.

        So that training starts before rendering ends.
        """
        for _ in range(most):
            path = shard_file(self.folder, len(self.shards))
            if not path.exists():
                return
            shard = load_shard(path)
            with torch.no_grad():
                pictures = as_network_input(shard["picture"])
                latents = [self.autoencoder.encode(part).latents for part in pictures.split(64)]
            shard["latents"] = torch.cat(latents).half()
            self.shards.append(shard)

    def batch(self, size: int, generator: torch.Generator) -> Batch:
        """Draw `size` examples of one shard (so of one picture size)."""
        shard = self.shards[int(torch.randint(len(self.shards), (1,), generator=generator))]
        rows = torch.randint(len(shard["latents"]), (size,), generator=generator)
        variants = torch.randint(shard["tokens"].shape[1], (size,), generator=generator)
        tokens = shard["tokens"][rows, variants].long()
        silent = torch.rand(size, generator=generator) < NO_CAPTION
        tokens[silent] = torch.tensor(build_empty_prompt())
        depth = shard["depth"][rows].float()[:, None] / 65535
        return Batch(
            latents=shard["latents"][rows].float(),
            picture=as_network_input(shard["picture"][rows]),
            depth=worn(depth, generator),
            tokens=tokens,
            heard=(torch.rand(size, generator=generator) >= NO_DEPTH).float(),
        )


def as_network_input(pictures: Tensor) -> Tensor:
    """uint8 (B, H, W, 3) to float (B, 3, H, W) in [-1, 1]."""
    return pictures.permute(0, 3, 1, 2).float() / 127.5 - 1


def build_empty_prompt() -> list[int]:
    """Token ids of the empty sentence."""
    return build_tokenizer().encode("").ids


def worn(depth: Tensor, generator: torch.Generator) -> Tensor:
    """Depth as it is in the wild: one map in three bent, blurred, rounded to 8 bits or noisy.

    (B, 1, H, W) in [0, 1].
    """
    rough = torch.rand(depth.shape[0], generator=generator)[:, None, None, None] < 0.33
    gamma = torch.exp(0.35 * torch.randn(depth.shape[0], 1, 1, 1, generator=generator))
    bent = depth**gamma
    if torch.rand(1, generator=generator) < 0.5:
        bent = functional.avg_pool2d(functional.pad(bent, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    if torch.rand(1, generator=generator) < 0.5:
        bent = (bent * 255).round() / 255
    if torch.rand(1, generator=generator) < 0.3:
        bent = bent + 0.01 * torch.randn(bent.shape, generator=generator)
    return torch.where(rough, bent.clamp(0, 1), depth)
