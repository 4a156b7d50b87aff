"""Scenes rendered ahead of training, in shards on disk that a resumed run finds again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from depthpaint.training.scenes.caption import full_caption, varied_caption
from depthpaint.training.scenes.render import render, visible_things
from depthpaint.training.scenes.scene import Scene, random_scene, random_structure
from depthpaint.training.tokenizer import build_tokenizer

CAPTIONS_A_SCENE = 6
SHARD = 512
STRUCTURE = 16
"""Scenes rendered together, which share shapes, light and backdrop."""

SQUARE = (128, 128)
SIZES: tuple[tuple[int, int], ...] = (
    SQUARE, SQUARE, SQUARE, (160, 96), SQUARE, (96, 160), SQUARE, (192, 96), SQUARE, (96, 192),
)  # fmt: skip
"""Width and height of shard k is entry k modulo the length: three in five are square."""

HELD_OUT_SEED = 1_000_000
"""Seeds from here on are never trained on."""


def normalised(disparity: Tensor) -> Tensor:
    """Scale each map of (B, H, W) to [0, 1], 1 = nearest: the convention of depthpaint's DepthMap."""
    low = disparity.amin((-2, -1), keepdim=True)
    high = disparity.amax((-2, -1), keepdim=True)
    return (disparity - low) / (high - low).clamp_min(1e-6)


def scenes(seed: int, count: int, width: int, height: int) -> Iterator[list[Scene]]:
    """Draw `count` scenes in lists that can be rendered together; equal arguments give equal scenes."""
    rng = np.random.default_rng(seed)
    for _ in range(0, count, STRUCTURE):
        shapes, indoors, light = random_structure(rng)
        yield [
            random_scene(rng, shapes, indoors=indoors, light=light, ratio=width / height)
            for _ in range(STRUCTURE)
        ]


def make_shard(index: int, seed: int = 0, count: int = SHARD) -> dict[str, Tensor]:
    """Render shard `index`: picture uint8 (N, H, W, 3), depth uint16 (N, H, W), tokens int16 (N.

    Captions, T).
    """
    width, height = SIZES[index % len(SIZES)]
    tokenizer = build_tokenizer()
    rng = np.random.default_rng((seed, index, 1))
    pictures: list[Tensor] = []
    depths: list[Tensor] = []
    tokens: list[list[list[int]]] = []
    for group in scenes(seed + index, count, width, height):
        drawn = render(group, width, height)
        pictures.append((drawn.picture * 255).round().to(torch.uint8))
        depths.append((normalised(drawn.disparity) * 65535).round().to(torch.int32).to(torch.uint16))
        for scene, surfaces in zip(group, drawn.surfaces, strict=True):
            visible = visible_things(surfaces, len(scene.things))
            captions = [full_caption(scene, visible)]
            captions += [varied_caption(scene, visible, rng) for _ in range(CAPTIONS_A_SCENE - 1)]
            tokens.append([encoding.ids for encoding in tokenizer.encode_batch(captions)])
    return {
        "picture": torch.cat(pictures)[:count],
        "depth": torch.cat(depths)[:count],
        "tokens": torch.tensor(tokens, dtype=torch.int16)[:count],
    }


def shard_file(folder: Path, index: int) -> Path:
    """Where shard `index` lies."""
    return folder / f"shard-{index:05d}.safetensors"


def render_shards(folder: Path, count: int) -> Iterator[int]:
    """Render every missing shard up to `count`, yielding each number when it is there.

    A half-written shard never gets its final name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        target = shard_file(folder, index)
        if not target.exists():
            partial = target.with_suffix(".partial")
            save_file(make_shard(index), partial)
            partial.replace(target)
        yield index


def load_shard(path: Path) -> dict[str, Tensor]:
    """Read one shard."""
    return load_file(path)
