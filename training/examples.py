"""Batches for training: pictures, depth as it is in the wild, and captions, some of them empty."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.depth.hints import relief_of
from training.tokenizer import UNKNOWN, build_tokenizer
from training.worlds.degrade import degrade_disparity
from training.worlds.labels import PIXELS
from training.worlds.shards import LARGE, SMALL, Area, Shard, load_shard, shard_file

NO_CAPTION, NO_DEPTH = 0.1, 0.04
"""Shares of examples whose sentence or depth is withheld: it teaches guidance, and strength 0."""
FULL_CAPTION = 0.6
"""Share that hears everything; the others hear what a person would say, and the rest may vary."""
WORN_DEPTH = 0.7
WITH_UNKNOWN, UNKNOWN_WORDS = 0.15, 0.15
"""Share of sentences with words lost, and of their words: a word nobody taught must do no harm."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples of one size.

    `picture` (B, 3, H, W) in [-1, 1]; `relief` (B, 4, H, W), that of `relief_of`; `tokens` (B, T);
    `heard` (B,), 1 where depth has a say; `labels` int64 (B, H / 2, W / 2, 3), those of `label_maps`.
    """

    picture: Tensor
    relief: Tensor
    tokens: Tensor
    heard: Tensor
    labels: Tensor


@dataclass(frozen=True, slots=True)
class _Loaded:
    picture: Tensor
    depth: Tensor
    labels: Tensor
    tokens: Tensor


@dataclass
class Examples:
    """Shards in memory, as bytes, by the area of their pictures."""

    folder: Path
    shards: dict[Area, list[_Loaded]] = field(default_factory=lambda: {SMALL: [], LARGE: []})

    def refresh(self, most: int) -> None:
        """Take in shards rendered since, `most` of each area: training starts before rendering ends.

        Raises ModelError: model_incompatible, where one was rendered when labels were of latent pixels.
        """
        for area, loaded in self.shards.items():
            for _ in range(most):
                path = shard_file(self.folder, len(loaded), area)
                if not path.exists():
                    break
                shard = load_shard(path)
                if shard.labels.shape[1] * PIXELS != shard.picture.shape[1]:
                    raise ModelError(
                        f"{path} was rendered by an earlier version, with coarser labels",
                        code=ErrorCode.MODEL_INCOMPATIBLE,
                        remedy=f"delete {self.folder} and run it again: worlds are rendered anew",
                    )
                self.take(shard, area)

    def take(self, shard: Shard, area: Area) -> None:
        """Take in one shard."""
        flat = [caption for captions in shard.captions for caption in captions]
        tokens = torch.tensor([e.ids for e in build_tokenizer().encode_batch(flat)], dtype=torch.int16)
        tokens = tokens.unflatten(0, (len(shard.captions), -1))
        self.shards[area].append(_Loaded(shard.picture, shard.depth, shard.labels, tokens))

    def batch(self, size: int, area: Area, generator: torch.Generator) -> Batch:
        """Draw `size` examples of one shard. Raises FileNotFoundError when none of that area is there."""
        shards = self.shards[area]
        if not shards:
            raise FileNotFoundError(f"no {area.name} shards in {self.folder}: render worlds first")
        shard = shards[int(torch.randint(len(shards), (1,), generator=generator))]
        rows = torch.randint(len(shard.picture), (size,), generator=generator)
        picture = as_network_input(shard.picture[rows])
        depth = shard.depth[rows].to(torch.int32).float() / 65535
        labels = shard.labels[rows].long()
        if torch.rand(1, generator=generator) < 0.5:
            # No caption speaks of left and right.
            picture, depth, labels = picture.flip(-1), depth.flip(-1), labels.flip(-2)
        return Batch(
            picture=picture,
            relief=reliefs(worn(depth, generator)),
            tokens=_spoken(shard.tokens[rows], generator),
            heard=(torch.rand(size, generator=generator) >= NO_DEPTH).float(),
            labels=labels,
        )


def as_network_input(pictures: Tensor) -> Tensor:
    """uint8 (B, H, W, 3) to float (B, 3, H, W) in [-1, 1]."""
    return pictures.permute(0, 3, 1, 2).float() / 127.5 - 1


def build_empty_prompt() -> list[int]:
    """Token ids of the empty sentence."""
    return build_tokenizer().encode("").ids


def worn(depth: Tensor, generator: torch.Generator) -> Tensor:
    """Most of the maps (B, H, W) in [0, 1] as they are found in the wild, the others exact."""
    rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))
    maps = depth.numpy()
    used = [degrade_disparity(one, rng) if rng.random() < WORN_DEPTH else one for one in maps]
    return torch.from_numpy(np.stack(used))  # pyright: ignore[reportUnknownMemberType]


def reliefs(depth: Tensor) -> Tensor:
    """What the adapter sees of maps (B, H, W) in [0, 1]: (B, 4, H, W)."""
    return torch.from_numpy(np.stack([relief_of(one) for one in depth.numpy()]))  # pyright: ignore[reportUnknownMemberType]


def _spoken(captions: Tensor, generator: torch.Generator) -> Tensor:
    """One caption each of (B, captions, T): the first, which is full, or another; some lost or empty."""
    size, count, length = captions.shape
    other = torch.randint(1, count, (size,), generator=generator)
    full = torch.rand(size, generator=generator) < FULL_CAPTION
    tokens = captions[torch.arange(size), torch.where(full, 0, other)].long()
    lossy = torch.rand(size, 1, generator=generator) < WITH_UNKNOWN
    lost = lossy & (torch.rand(size, length, generator=generator) < UNKNOWN_WORDS)
    unknown = _UNKNOWN_ID
    tokens = torch.where(lost & (tokens > unknown), unknown, tokens)
    silent = torch.rand(size, generator=generator) < NO_CAPTION
    tokens[silent] = torch.tensor(_EMPTY)
    return tokens


_EMPTY = build_empty_prompt()
_UNKNOWN_ID = int(build_tokenizer().token_to_id(UNKNOWN) or 0)
