"""How diorama-depth is trained: on the pictures and the exact depth of rendered worlds."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from training.checkpoint import Progress, load_checkpoint, save_checkpoint
from training.depth_examples import depth_batches
from training.depth_export import load_depth_export
from training.depth_network import DepthNetwork, depth_loss

BATCH = 16
RATE, RATE_OF_TRAINED = 1.2e-3, 5e-4
"""At most: of random weights, and of those that a run goes on from."""
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


def train_depth(folder: Path, shards: Path, minutes: float, start: Path | None = None) -> Iterator[Report]:
    """Train for `minutes` in all, counting earlier runs in `folder`; yields a report every 20 steps.

    Checkpoints go to `folder`; run it again after a stop and it goes on. A run without one begins with the
    weights of the exported folder `start`, or with random ones.
    """
    network, averaged = DepthNetwork(), DepthNetwork()
    if start is not None:
        load_depth_export(start, network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-2, fused=True)
    averaged.load_state_dict(network.state_dict())
    modules: dict[str, nn.Module] = {"network": network, "averaged": averaged}
    progress = load_checkpoint(folder, modules, {"adamw": optimizer})
    peak = RATE if start is None else RATE_OF_TRAINED
    smoothed, saved = float("nan"), progress.seconds
    for picture, wanted in depth_batches(shards, BATCH, progress.steps):
        started = time.perf_counter()
        share = min(1.0, progress.seconds / (60 * minutes))
        if share >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = (
                peak * min(1.0, (progress.steps + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * share))
            )
        # In this order of its numbers a step takes an eighth less. The weights' own must not change with it:
        # moments that are read from a file would be those of other numbers.
        loss = depth_loss(network(picture.contiguous(memory_format=torch.channels_last)), wanted)
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


def trained_depth(folder: Path) -> tuple[DepthNetwork, Progress]:
    """The averaged network of the last checkpoint in `folder`, and how far the run has come."""
    network, averaged = DepthNetwork(), DepthNetwork()
    optimizer = torch.optim.AdamW(network.parameters())
    progress = load_checkpoint(folder, {"network": network, "averaged": averaged}, {"adamw": optimizer})
    return averaged.eval(), progress
