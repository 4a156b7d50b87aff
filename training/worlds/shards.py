"""Worlds rendered ahead of training, in shards on disk that a resumed run finds again."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from training.worlds.caption import full_caption, random_caption, visible_named
from training.worlds.families import random_world
from training.worlds.labels import label_maps
from training.worlds.render import render_worlds

CAPTIONS_A_WORLD = 8
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Area:
    """Shards of about one number of pixels: `prefix` of their files, worlds in each, seed of the first.

    Width and height of shard k is entry k of `sizes` modulo its length: from 1:3 to 3:1, two in five are
    square.
    """

    name: str
    prefix: str
    count: int
    seed: int
    sizes: tuple[tuple[int, int], ...]

    def __hash__(self) -> int:
        return hash(self.name)


_SIZES = (
    (128, 128), (160, 96), (128, 128), (96, 160), (128, 128), (192, 96), (128, 160), (96, 192), (160, 128),
    (128, 128), (192, 64), (128, 128), (64, 192),
)  # fmt: skip
SMALL = Area("small", "worlds", 512, 0, _SIZES)
LARGE = Area("large", "large", 128, 1, tuple((2 * width, 2 * height) for width, height in _SIZES))

HELD_OUT_SEED = 1_000_000
"""Seeds from here on are never trained on."""


@dataclass(frozen=True, slots=True)
class Shard:
    """N worlds of one size: picture uint8 (N, H, W, 3); depth uint16 (N, H, W), 65535 = nearest, 0 = far.

    `captions` holds CAPTIONS_A_WORLD sentences a world, the first of them full; `labels` uint8
    (N, H / 2, W / 2, 3) are those of `label_maps`.
    """

    picture: Tensor
    depth: Tensor
    labels: Tensor
    captions: list[list[str]]


def make_shard(index: int, area: Area = SMALL, count: int | None = None) -> Shard:
    """Render shard `index`; equal arguments give equal shards."""
    width, height = area.sizes[index % len(area.sizes)]
    rng = np.random.default_rng((area.seed, index))
    count = area.count if count is None else count
    pictures: list[Tensor] = []
    depths: list[Tensor] = []
    labels: list[Tensor] = []
    captions: list[list[str]] = []
    for start in range(0, count, _AT_ONCE):
        worlds = [random_world(rng, ratio=width / height) for _ in range(min(_AT_ONCE, count - start))]
        drawn = render_worlds(worlds, width, height)
        pictures.append((drawn.picture * 255).round().to(torch.uint8))
        depths.append((scaled_disparity(drawn.disparity) * 65535).round().to(torch.int32).to(torch.uint16))
        labels.append(label_maps(worlds, drawn.ids))
        for world, ids in zip(worlds, drawn.ids, strict=True):
            visible = visible_named(ids, len(world.named))
            said = [random_caption(world, visible, rng) for _ in range(CAPTIONS_A_WORLD - 1)]
            captions.append([full_caption(world, visible), *said])
    return Shard(torch.cat(pictures), torch.cat(depths), torch.cat(labels), captions)


def scaled_disparity(disparity: Tensor) -> Tensor:
    """Each map of (N, H, W) stretched to [0, 1], 1 = nearest: depthpaint's DepthMap."""
    low, high = (side(disparity, (-2, -1), keepdim=True) for side in (torch.amin, torch.amax))
    return (disparity - low) / (high - low).clamp_min(1e-6)


def shard_file(folder: Path, index: int, area: Area = SMALL) -> Path:
    """Where shard `index` lies."""
    return folder / f"{area.prefix}-{index:05d}.safetensors"


def render_shard(folder: Path, index: int, area: Area = SMALL) -> None:
    """Render a shard to its file, unless it is there.

    A half-written shard never gets its final name, so several processes may share a folder.
    """
    target = shard_file(folder, index, area)
    if target.exists():
        return
    shard = make_shard(index, area)
    partial = target.with_suffix(f".{os.getpid()}.partial")
    tensors = {"picture": shard.picture, "depth": shard.depth, "labels": shard.labels}
    save_file(tensors, partial, {"captions": json.dumps(shard.captions)})
    partial.replace(target)


def load_shard(path: Path) -> Shard:
    """Read one shard."""
    with safe_open(path, framework="pt") as file:
        captions = json.loads(file.metadata()["captions"])
        picture, depth, labels = (file.get_tensor(name) for name in ("picture", "depth", "labels"))
        return Shard(picture, depth, labels, captions)
