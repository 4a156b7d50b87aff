"""A few small worlds, drawn once."""

from __future__ import annotations

from itertools import count, islice

import numpy as np
import pytest

from training.scores.held_out import HeldOut, drawn
from training.worlds.families import random_world

SIDE = 64


def photos(wanted: int, family: str, *lights: str) -> list[HeldOut]:
    """So many photos of `family` in one of `lights`; their indices are no multiples of eight."""
    worlds = (
        random_world(np.random.default_rng((5, k)), family=family, ratio=1.0, style="photo") for k in count()
    )
    chosen = islice((world for world in worlds if world.lighting in lights), wanted)
    return [drawn(8 * number + 1, world, (SIDE, SIDE)) for number, world in enumerate(chosen)]


@pytest.fixture(scope="session")
def few() -> list[HeldOut]:
    """Where colours can be told."""
    return photos(4, "bedroom", "daylight", "soft") + photos(4, "things", "daylight", "soft", "noon")


@pytest.fixture(scope="session")
def days_and_nights() -> list[HeldOut]:
    """Half of them at noon, half at night, in turn."""
    both = zip(photos(14, "lake", "noon"), photos(14, "lake", "night"), strict=True)
    return [asked for pair in both for asked in pair]
