"""Worlds rendered ahead of training, in shards on disk that a resumed run finds again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from depthpaint.training.worlds.caption import full_caption, random_caption, visible_named
from depthpaint.training.worlds.families import random_world
from depthpaint.training.worlds.render import render_worlds

CAPTIONS_A_WORLD = 8
SHARD = 512
_AT_ONCE = 16

SIZES: tuple[tuple[int, int], ...] = (
    (128, 128), (160, 96), (128, 128), (96, 160), (128, 128), (192, 96), (128, 160), (96, 192), (160, 128),
    (128, 128), (192, 64), (128, 128), (64, 192),
)  # fmt: skip
"""Width and height of shard k is entry k modulo the length: from 1:3 to 3:1, two in five are square."""

HELD_OUT_SEED = 1_000_000
"""Seeds from here on are never trained on."""


@dataclass(frozen=True, slots=True)
class Shard:
    """N worlds of one size: picture uint8 (N, H, W, 3); depth uint16 (N, H, W), 65535 = nearest, 0 = far.

    `captions` holds CAPTIONS_A_WORLD sentences a world, the first of them full.
    """

    picture: Tensor
    depth: Tensor
    captions: list[list[str]]


def make_shard(index: int, seed: int = 0, count: int = SHARD) -> Shard:
    """Render shard `index`; equal arguments give equal shards."""
    width, height = SIZES[index % len(SIZES)]
    rng = np.random.default_rng((seed, index))
    pictures: list[Tensor] = []
    depths: list[Tensor] = []
    captions: list[list[str]] = []
    for start in range(0, count, _AT_ONCE):
        worlds = [random_world(rng, ratio=width / height) for _ in range(min(_AT_ONCE, count - start))]
        drawn = render_worlds(worlds, width, height)
        pictures.append((drawn.picture * 255).round().to(torch.uint8))
        low, high = (side(drawn.disparity, (-2, -1), keepdim=True) for side in (torch.amin, torch.amax))
        stretched = (drawn.disparity - low) / (high - low).clamp_min(1e-6)
        depths.append((stretched * 65535).round().to(torch.int32).to(torch.uint16))
        for world, ids in zip(worlds, drawn.ids, strict=True):
            visible = visible_named(ids, len(world.named))
            said = [random_caption(world, visible, rng) for _ in range(CAPTIONS_A_WORLD - 1)]
            captions.append([full_caption(world, visible), *said])
    return Shard(torch.cat(pictures), torch.cat(depths), captions)


def shard_file(folder: Path, index: int) -> Path:
    """Where shard `index` lies."""
    return folder / f"worlds-{index:05d}.safetensors"


def render_shards(folder: Path, count: int, first: int = 0, step: int = 1) -> Iterator[int]:
    """Render every `step`-th missing shard from `first` up to `count`, yielding each number when it is there.

    A half-written shard never gets its final name, so several processes may share a folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(first, count, step):
        target = shard_file(folder, index)
        if not target.exists():
            shard = make_shard(index)
            partial = target.with_suffix(".partial")
            save_file(
                {"picture": shard.picture, "depth": shard.depth},
                partial,
                {"captions": json.dumps(shard.captions)},
            )
            partial.replace(target)
        yield index


def load_shard(path: Path) -> Shard:
    """Read one shard."""
    with safe_open(path, framework="pt") as file:
        captions = json.loads(file.metadata()["captions"])
        return Shard(file.get_tensor("picture"), file.get_tensor("depth"), captions)
