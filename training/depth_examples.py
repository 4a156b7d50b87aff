"""Batches for diorama-depth: pictures of worlds at the area that it sees, and the root of their disparity."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from training.worlds.shards import LARGE, SMALL

PAINTED = "painted"
"""Prefix of the files of painted worlds; they hold pictures and depth at the small area, and nothing else."""
ZOOMED, LEAST_ZOOM = 0.5, 0.55
"""Share of the batches of large pictures that show a part of them, and the smallest part, as a side."""
EXCHANGED = 0.2
"""Share of the batches whose colours are exchanged: depth must not hang on the colour of a thing."""


def depth_batches(shards: Path, size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Pictures (size, 3, H, W) in [0, 1] and roots of disparity (size, 1, H, W) in [0, 1], for ever.

    From every shard in the folder `shards`, in random order, those that appear meanwhile from the next round
    on: small ones as they are, large ones reduced to the same area, painted ones. Raises FileNotFoundError
    when none is there.
    """
    chance = random.Random(seed)
    generator = torch.Generator().manual_seed(seed)
    while True:
        paths = [
            p for kind in (SMALL.prefix, LARGE.prefix, PAINTED) for p in shards.glob(f"{kind}-*.safetensors")
        ]
        if not paths:
            raise FileNotFoundError(f"no shards in {shards}: render worlds first")
        chance.shuffle(paths)
        for path in paths:
            tensors = load_file(path)
            picture, depth = tensors["picture"], tensors["depth"]
            order = torch.randperm(len(picture), generator=generator)
            for chosen in order[: len(order) // size * size].view(-1, size):
                shown = picture[chosen].permute(0, 3, 1, 2).float() / 255
                disparity = depth[chosen].to(torch.int32).float()[:, None] / 65535
                if path.name.startswith(LARGE.prefix):
                    shown, disparity = _reduced(shown, disparity, chance)
                if chance.random() < 0.5:
                    shown, disparity = shown.flip(-1), disparity.flip(-1)
                yield _seen_otherwise(shown, chance, generator), disparity.sqrt()


def _reduced(picture: Tensor, disparity: Tensor, chance: random.Random) -> tuple[Tensor, Tensor]:
    """Half the sides, of the whole or of a part: whose disparity is stretched to [0, 1] like the whole's."""
    height, width = disparity.shape[-2:]
    size = (height // 2, width // 2)
    if chance.random() < ZOOMED:
        share = chance.uniform(LEAST_ZOOM, 1)
        rows, columns = round(share * height), round(share * width)
        top, left = chance.randint(0, height - rows), chance.randint(0, width - columns)
        picture, disparity = (x[..., top : top + rows, left : left + columns] for x in (picture, disparity))
    picture, disparity = (functional.interpolate(x, size, mode="area") for x in (picture, disparity))
    low, high = disparity.amin((2, 3), keepdim=True), disparity.amax((2, 3), keepdim=True)
    return picture, (disparity - low) / (high - low).clamp_min(1e-6)


def _seen_otherwise(picture: Tensor, chance: random.Random, generator: torch.Generator) -> Tensor:
    """The same depth in another picture: painted ones are a little off in colour, and softer than renders."""

    def drawn(*shape: int) -> Tensor:
        return torch.rand(len(picture), *shape, generator=generator)

    if chance.random() < EXCHANGED:
        picture = picture[:, chance.sample(range(3), 3)]
    picture = (picture * (1 + 0.3 * (drawn(3, 1, 1) - 0.5)) + 0.1 * (drawn(1, 1, 1) - 0.5)).clamp(0, 1)
    if chance.random() < 0.35:
        reach = chance.choice((3, 3, 5))
        picture = functional.avg_pool2d(picture, reach, 1, reach // 2, count_include_pad=False)
    if chance.random() < 0.35:
        noise = torch.randn(picture.shape, generator=generator)
        picture = (picture + 0.03 * noise).clamp(0, 1)
    return picture
