"""Verification tells right depths from wrong ones, as the built-in estimator sees them in true pictures."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.depth.compare import compare
from depthpaint.depth.slopes import CHANCE
from depthpaint.models.estimators.registry import load_estimator
from training.worlds.families import random_world
from training.worlds.render import render_worlds
from training.worlds.shards import HELD_OUT_SEED, scaled_disparity

SCENES = 200


@pytest.fixture(scope="module")
def pairs() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Agreement of each scene's picture with its own depth, with that of another scene, and mirrored."""
    worlds = [random_world(np.random.default_rng((HELD_OUT_SEED, 7, k)), ratio=1.0) for k in range(SCENES)]
    drawn = render_worlds(worlds, 128, 128)
    asked = scaled_disparity(drawn.disparity).numpy()
    pixels = (drawn.picture * 255).round().byte().numpy()
    estimator = load_estimator("diorama-depth")
    seen = [estimator.estimate(picture) for picture in pixels]
    right = [compare(a, s) for a, s in zip(asked, seen, strict=True)]
    wrong = [compare(asked[k], seen[k - 1]).depth_agreement for k in range(SCENES)]
    return (
        np.array([one.depth_agreement for one in right]),
        np.array(wrong),
        np.array([one.mirrored_agreement for one in right]),
    )


@pytest.mark.full
def test_right_pairs_agree_more_than_wrong_ones(
    pairs: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
) -> None:
    right, wrong, mirrored = pairs
    assert (right[:, None] > wrong[None]).mean() >= 0.99
    assert (right[:, None] > mirrored[None]).mean() >= 0.95
    assert (wrong < CHANCE).mean() >= 0.95
