"""How well the depth doctor tells near from far, and disparity from distance, on rendered worlds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.cues import SmallCopy, cues, small_copy
from depthpaint.depth.depth_map import LEAST_CONFIDENCE
from depthpaint.depth.meaning import STRAIGHT, WEIGHTS, bend, guess_near
from training.worlds.degrade import degrade_disparity
from training.worlds.families import random_world
from training.worlds.render import render_worlds

SIZES = ((160, 160), (208, 128), (128, 208), (256, 96), (176, 144))
FITTED_SEED, HELD_OUT_SEED = 77, 1_000_077
PENALTY, STEPS, RATE = 1e-2, 8000, 0.5
FAR = 60.0
"""Metres at which a renderer's depth pass ends, for maps of distance."""
_AT_ONCE = 12

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Maps with known meaning: the family of each, and its disparity (H, W), in metres inverse."""

    families: list[str]
    maps: list[Floats]


def make_corpus(count: int, seed: int, on_world: Callable[[int], None] | None = None) -> Corpus:
    """Render the depth of `count` worlds of all families in several sizes.

    `on_world` hears how many are done.
    """
    rng = np.random.default_rng(seed)
    families: list[str] = []
    maps: list[Floats] = []
    while len(maps) < count:
        width, height = SIZES[len(maps) // _AT_ONCE % len(SIZES)]
        worlds = [random_world(rng, ratio=width / height) for _ in range(min(_AT_ONCE, count - len(maps)))]
        families += [world.family for world in worlds]
        maps += list(render_worlds(worlds, width, height, depth_only=True).disparity.cpu().numpy())
        if on_world is not None:
            on_world(len(maps))
    return Corpus(families, maps)


def fitted_weights(corpus: Corpus) -> Floats:
    """Weights (len(CUES),) of a logistic regression without intercept (near is high in every map)."""
    found = np.stack([cues(*_small(depth)) for depth in corpus.maps]).astype(np.float64)
    weights = np.zeros(found.shape[1])
    for _ in range(STEPS):
        wrong = 1 - 1 / (1 + np.exp(-found @ weights))
        weights += RATE * (found.T @ wrong / len(found) - PENALTY * weights)
    return weights.astype(np.float32)


def near_table(corpus: Corpus, seed: int = 0) -> dict[str, object]:
    """Scores of the shipped detector: each map as it is in the wild, half of them inverted."""
    rng = np.random.default_rng(seed)
    answers: list[tuple[str, bool, bool]] = []
    for family, depth in zip(corpus.families, corpus.maps, strict=True):
        wild, inverted = degrade_disparity(depth, rng), bool(rng.random() < 0.5)
        guess = guess_near(_small(1 - wild if inverted else wild))
        right = guess.near == ("black" if inverted else "white")
        answers.append((family, guess.confidence >= LEAST_CONFIDENCE, right))
    families = sorted(set(corpus.families))
    return {
        "weights": list(WEIGHTS),
        "all": _share(answers),
        "families": {name: _share([a for a in answers if a[0] == name]) for name in families},
    }


def kind_table(corpus: Corpus) -> dict[str, float]:
    """How often disparity and distance, in 16 bits and in 8, are taken for distance where near is black."""
    found: dict[str, float] = {}
    for name, store in (("disparity", _as_disparity), ("distance", _as_distance)):
        for bits in (16, 8):
            top = 2**bits - 1
            bends = [
                bend(*_small(np.rint(store(depth) * top).astype(np.float32) / np.float32(top))[:2])
                for depth in corpus.maps
            ]
            found[f"{name}, {bits} bits"] = float(np.mean(np.array(bends) < STRAIGHT))
    return found


def _as_disparity(depth: Floats) -> Floats:
    return (depth - depth.min()) / max(float(np.ptp(depth)), 1e-9)


def _as_distance(depth: Floats) -> Floats:
    """1 minus the distance, from its least to its greatest, as a depth pass is normalised."""
    distance = 1 / np.maximum(depth, 1 / FAR)
    return 1 - (distance - distance.min()) / max(float(np.ptp(distance)), 1e-9)


def _small(depth: Floats) -> SmallCopy:
    return small_copy(depth, np.ones(depth.shape, dtype=np.bool_))


def _share(answers: list[tuple[str, bool, bool]]) -> dict[str, float]:
    dared = [right for _, dares, right in answers if dares]
    return {
        "maps": len(answers),
        "dares": len(dared) / max(1, len(answers)),
        "right": sum(dared) / max(1, len(dared)),
    }
