"""The corpus: which scenes are stored how, how often, and one sample by its number."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from doctor_bench import relative, storage
from doctor_bench.files import Container, encoded
from doctor_bench.geometry import Floats
from doctor_bench.scenes import KINDS, Place, make_scene
from doctor_bench.storage import Maker, Stored
from doctor_bench.things import Rng


@dataclass(frozen=True)
class Sample:
    """A file (`data`) with its truth; `nearness` (H, W) is the inverse of the true distance of the map."""

    number: int
    scene: str
    half: str
    storage: str
    container: Container
    data: bytes
    stored: Stored
    nearness: Floats


@dataclass(frozen=True)
class Storage:
    """How often it occurs for each Place, and whether its pictures are always upright."""

    make: Maker
    close: float
    inside: float
    outside: float
    alone: float
    upright: bool = False


STORAGES: dict[str, Storage] = {
    "uint16 mm": Storage(storage.millimetres, 20, 18, 6, 8),
    "uint16 1/5000 m": Storage(storage.fifth_millimetres, 4, 8, 0, 0),
    "uint16 1/10000 m": Storage(storage.tenth_millimetres, 8, 0, 0, 0),
    "uint16 1/4000 m": Storage(storage.quarter_millimetres, 6, 5, 0, 0),
    "uint16 1/256 m": Storage(storage.driving, 0, 0, 9, 0),
    "uint16 1/256 m, lidar": Storage(storage.lidar, 0, 0, 5, 0),
    "uint16 cm": Storage(storage.centimetres, 0, 0, 5, 0),
    "Kinect, raw": Storage(storage.kinect_raw, 3, 4, 0, 0, upright=True),
    "float m": Storage(storage.metres, 16, 16, 16, 30),
    "float m, estimated": Storage(storage.metric_estimate, 1, 5, 5, 0, upright=True),
    "float 0..1 of the range": Storage(storage.share_of_range, 3, 4, 0, 2, upright=True),
    "float z-buffer": Storage(storage.z_buffer, 4, 2, 2, 6, upright=True),
    "float disparity": Storage(storage.disparity, 5, 6, 9, 0, upright=True),
    "int16 disparity x 16": Storage(storage.sgbm, 2, 3, 3, 0, upright=True),
    "uint16 disparity x 256": Storage(storage.disparity_steps, 0, 1, 5, 0, upright=True),
    "float relative disparity": Storage(relative.relative, 4, 6, 7, 3, upright=True),
    "uint16 relative disparity": Storage(relative.relative_16, 3, 5, 5, 2, upright=True),
    "uint8 relative disparity": Storage(relative.relative_8, 4, 7, 7, 3, upright=True),
    "uint8 near black": Storage(relative.near_black(8), 3, 4, 4, 12, upright=True),
    "uint8 near white": Storage(relative.near_white(8), 2, 3, 3, 12, upright=True),
    "uint16 near black": Storage(relative.near_black(16), 3, 4, 3, 10, upright=True),
    "uint16 near white": Storage(relative.near_white(16), 1, 1, 1, 4, upright=True),
    "uint8 of a sensor": Storage(relative.sensor_8, 2, 2, 0, 0, upright=True),
    "colour map": Storage(relative.colours, 5, 7, 7, 6, upright=True),
    "RealSense Viewer": Storage(relative.viewer, 2, 2, 0, 0, upright=True),
    "bars and pages": Storage(relative.framed, 3, 4, 4, 0, upright=True),
}
_DRIVEN = ("uint16 1/256 m", "uint16 1/256 m, lidar", "uint16 disparity x 256")
"""What only data sets of driving use."""
_ALIKE = 0.2
"""A slanted wall in relative numbers has no near end that could be seen: those are a fifth as common."""


def make_sample(number: int, seed: int) -> Sample:
    """Sample `number` of a corpus: scene kinds in turn, the rest at random. The same for every run."""
    rng = np.random.default_rng((seed, number))
    kind = list(KINDS)[number % len(KINDS)]
    place = KINDS[kind].place
    while True:
        name = _storage_of(place, kind, rng)
        scene = make_scene(kind, rng, STORAGES[name].upright)
        stored = STORAGES[name].make(scene, place, rng)
        # A sensor may have measured hardly anything: nobody keeps such a file.
        kept = ~stored.empty
        if kept.sum() >= 200 and len(np.unique(stored.numbers)) > 8:
            break
    if place == "alone":  # what surrounds a single thing is background, whichever way it was lost
        stored = replace(stored, means="either")
    container = stored.containers[rng.integers(len(stored.containers))]
    nearness = np.where(np.isfinite(scene.distance), 1 / scene.distance, 0)
    return Sample(
        number, kind, KINDS[kind].half, name, container, encoded(stored.numbers, container), stored, nearness
    )


def _storage_of(place: Place, kind: str, rng: Rng) -> str:
    weights = np.array([getattr(each, place) for each in STORAGES.values()], float)
    for k, (name, each) in enumerate(STORAGES.items()):
        if kind == "wall" and each.upright:
            weights[k] *= _ALIKE
        if kind in ("aerial", "terrain") and name in _DRIVEN:
            weights[k] = 0
    return str(rng.choice(list(STORAGES), p=weights / weights.sum()))
