"""How diorama-depth is trained: on the pictures and the exact depth of rendered worlds."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from depthpaint.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from depthpaint.training.depth_network import DepthNetwork, depth_loss
from depthpaint.training.worlds.shards import Shard, load_shard

BATCH = 32
RATE = 1.2e-3
WARM_UP = 200
DECAY = 0.999
"""Of the running average of the weights, which is what is exported."""
SAVE_EVERY = 120.0
"""Seconds of training between checkpoints."""


@dataclass(frozen=True, slots=True)
class Report:
    """How training stands: share of the budget done in [0, 1], and a smoothed loss."""

    progress: Progress
    share_done: float
    loss: float


def train_depth(folder: Path, shards: Path, minutes: float) -> Iterator[Report]:
    """Train for `minutes` in all, counting earlier runs in `folder`; yields a report every 20 steps.

    Checkpoints go to `folder`; run it again after a stop and it goes on. Shards that appear in `shards`
    meanwhile are used from the next round on.
    """
    network, averaged = DepthNetwork(), DepthNetwork()
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-2, fused=True)
    averaged.load_state_dict(network.state_dict())
    modules: dict[str, nn.Module] = {"network": network, "averaged": averaged}
    progress = load_checkpoint(folder, modules, {"adamw": optimizer})
    smoothed, saved = float("nan"), progress.seconds
    for picture, wanted in _batches(shards, progress.steps):
        started = time.perf_counter()
        share = min(1.0, progress.seconds / (60 * minutes))
        if share >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = (
                RATE * min(1.0, (progress.steps + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * share))
            )
        loss = depth_loss(network(picture), wanted)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            for mean, value in zip(averaged.parameters(), network.parameters(), strict=True):
                mean.lerp_(value, 1 - min(DECAY, progress.steps / (progress.steps + 10)))
        progress.steps += 1
        progress.samples += len(picture)
        progress.seconds += time.perf_counter() - started
        value = float(loss.detach())
        smoothed = value if math.isnan(smoothed) else 0.98 * smoothed + 0.02 * value
        if progress.seconds - saved > SAVE_EVERY:
            save_checkpoint(folder, modules, {"adamw": optimizer}, progress)
            saved = progress.seconds
        if progress.steps % 20 == 0:
            yield Report(progress, share, smoothed)
    save_checkpoint(folder, modules, {"adamw": optimizer}, progress)


def trained_depth(folder: Path) -> DepthNetwork:
    """The averaged network of the last checkpoint in `folder`."""
    network, averaged = DepthNetwork(), DepthNetwork()
    optimizer = torch.optim.AdamW(network.parameters())
    load_checkpoint(folder, {"network": network, "averaged": averaged}, {"adamw": optimizer})
    return averaged.eval()


def _batches(shards: Path, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Pictures (B, 3, H, W) in [0, 1] and roots of disparity (B, 1, H, W), for ever."""
    chance = random.Random(seed)
    while True:
        paths = sorted(shards.glob("worlds-*.safetensors"))
        if not paths:
            raise FileNotFoundError(f"no shards in {shards}: render worlds first")
        chance.shuffle(paths)
        for path in paths:
            shard = load_shard(path)
            order = torch.randperm(
                len(shard.picture), generator=torch.Generator().manual_seed(chance.getrandbits(31))
            )
            for chosen in order[: len(order) // BATCH * BATCH].view(-1, BATCH):
                yield _example(shard, chosen, chance)


def _example(shard: Shard, chosen: Tensor, chance: random.Random) -> tuple[Tensor, Tensor]:
    picture = shard.picture[chosen].permute(0, 3, 1, 2).float() / 255
    wanted = (shard.depth[chosen].to(torch.int32).float() / 65535).sqrt()[:, None]
    if chance.random() < 0.5:
        picture, wanted = picture.flip(-1), wanted.flip(-1)
    # Painted pictures are a little off in brightness and colour, and softer than renders.
    gain = 1 + 0.3 * (torch.rand(len(chosen), 3, 1, 1) - 0.5)
    picture = (picture * gain + 0.1 * (torch.rand(len(chosen), 1, 1, 1) - 0.5)).clamp(0, 1)
    if chance.random() < 0.4:
        picture = torch.nn.functional.avg_pool2d(picture, 3, stride=1, padding=1, count_include_pad=False)
    if chance.random() < 0.4:
        picture = (picture + 0.03 * torch.randn_like(picture)).clamp(0, 1)
    return picture, wanted
