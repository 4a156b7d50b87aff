"""Worlds of training as diorama paints them: diorama-depth has to know these, not only true renders."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from training.depth_examples import PAINTED
from training.scores.painting import engine_for, paint_disparity
from training.worlds.shards import LARGE, load_shard, shard_file


def painted_file(folder: Path, index: int) -> Path:
    """Where the painted worlds of shard `index` lie."""
    return folder / f"{PAINTED}-{index:05d}.safetensors"


def paint_shard(folder: Path, index: int, model: Path | None = None) -> None:
    """Paint the large worlds of shard `index` in `folder`, each with its full caption and a seed of its own.

    By the exported folder `model`, or the shipped one. Pictures and depth are kept at the small area, as
    diorama-depth will see them. What is there already is left.
    """
    target = painted_file(folder, index)
    if target.exists():
        return
    shard, engine = load_shard(shard_file(folder, index, LARGE)), engine_for(model)
    depth = shard.depth.to(torch.int32).numpy().astype(np.float32) / np.float32(65535)
    pictures: list[np.ndarray] = []
    with TemporaryDirectory() as scratch:
        for row, (disparity, captions) in enumerate(zip(depth, shard.captions, strict=True)):
            painted = paint_disparity(engine, Path(scratch) / "depth.npy", disparity, captions[0], row)
            pictures.append(np.asarray(Image.fromarray(painted).reduce(2)))
    small = torch.from_numpy(np.stack([np.asarray(Image.fromarray(one).reduce(2)) for one in depth]))
    tensors = {
        "picture": torch.from_numpy(np.stack(pictures)),
        "depth": (small * 65535).round().to(torch.int32).to(torch.uint16),
    }
    partial = target.with_suffix(".partial")
    save_file(tensors, partial)
    partial.replace(target)
