"""How well diorama-depth sees: on pictures of held-out worlds, whose depth is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from depthpaint.depth.compare import compare
from depthpaint.training.depth_network import DepthNetwork
from depthpaint.training.worlds.families import random_world
from depthpaint.training.worlds.render import render_worlds
from depthpaint.training.worlds.shards import HELD_OUT_SEED, SIZES


@torch.no_grad()
def estimate(network: DepthNetwork, picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Disparity (H, W) of a picture (H, W, 3) in [0, 1] whose sides are multiples of SIDE_MULTIPLE."""
    root = network(torch.from_numpy(picture).permute(2, 0, 1)[None])[0, 0]
    return root.clamp_min(0).square().numpy()


def depth_scores(
    network: DepthNetwork, worlds: int, on_world: Callable[[int], None] | None = None
) -> dict[str, object]:
    """Median and 5th percentile of the rank correlation, and the mean affine RMSE, in all and by family."""
    rng = np.random.default_rng(HELD_OUT_SEED)
    found: list[tuple[str, float, float]] = []
    for number in range(worlds):
        width, height = SIZES[number % len(SIZES)]
        world = random_world(rng, ratio=width / height)
        drawn = render_worlds([world], width, height)
        disparity = drawn.disparity[0].numpy()
        wanted = (disparity - disparity.min()) / max(float(np.ptp(disparity)), 1e-9)
        likeness = compare(wanted, estimate(network, drawn.picture[0].numpy()))
        found.append((world.family, likeness.rank_correlation, likeness.affine_rmse))
        if on_world is not None:
            on_world(number + 1)
    families = sorted({family for family, *_ in found})
    return {
        "all": _summary(found),
        "families": {name: _summary([f for f in found if f[0] == name]) for name in families},
    }


def _summary(found: list[tuple[str, float, float]]) -> dict[str, float]:
    ranks = [rank for _, rank, _ in found]
    return {
        "worlds": len(found),
        "rank_median": float(np.median(ranks)),
        "rank_5th": float(np.quantile(ranks, 0.05)),
        "affine_rmse": float(np.mean([rmse for *_, rmse in found])),
    }
