"""Depth without a scale, as estimators, depth passes and viewers store it, with the truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthpaint.depth.colour_map import ColourMapName
from doctor_bench.files import Bytes, coloured, letterboxed, on_a_page, viewer_colours
from doctor_bench.geometry import Floats
from doctor_bench.scenes import Place, Scene
from doctor_bench.sensors import Mask, estimated, perfect
from doctor_bench.storage import Maker, Stored, camera
from doctor_bench.things import Rng

_MAPS: tuple[ColourMapName, ...] = (
    "jet",
    "turbo",
    "viridis",
    "plasma",
    "inferno",
    "magma",
    "Spectral",
    "bone",
    "hot",
)


def _none(like: NDArray[Any]) -> Mask:
    return np.zeros(like.shape[:2], dtype=np.bool_)


def relative(scene: Scene, place: Place, rng: Rng) -> Stored:
    """Floats of a network, on a scale of their own."""
    del place
    disparity = estimated(scene, rng)
    scale, offset = float(rng.choice((1, 10, 30, 1500))), float(rng.choice((0, 0, 0.02, 0.15, -0.01)))
    numbers = ((disparity + offset) * scale).astype(np.float32)
    return Stored(numbers, ("npy", "npy", "npz", "pfm", "tiff", "exr"), "large", _none(numbers), "disparity")


def relative_16(scene: Scene, place: Place, rng: Rng) -> Stored:
    """The same from 0 to 65535."""
    del place
    numbers = np.rint(estimated(scene, rng) * 65535).astype(np.uint16)
    return Stored(numbers, ("png", "png", "tiff"), "large", _none(numbers), "disparity")


def relative_8(scene: Scene, place: Place, rng: Rng) -> Stored:
    """The same from 0 to 255."""
    del place
    numbers = np.rint(estimated(scene, rng) * 255).astype(np.uint8)
    return Stored(numbers, ("png", "png", "png", "jpeg"), "large", _none(numbers), "disparity")


def _stretched(scene: Scene, rng: Rng) -> tuple[Floats, Mask]:
    """Distances from 0 (nearest) to 1, as a depth pass is normalised; a long view ends at a far plane."""
    exact = perfect(scene)
    known = exact.distance[~exact.beyond]
    far = min(float(known.max()), float(known.min()) * rng.uniform(12, 40))
    beyond = exact.beyond
    return ((exact.distance - known.min()) / (far - known.min())).clip(0, 1), beyond


def near_black(bits: int) -> Maker:
    """Distances of a depth pass, normalised."""
    top = 2**bits - 1

    def make(scene: Scene, place: Place, rng: Rng) -> Stored:
        del place
        share, beyond = _stretched(scene, rng)
        numbers = np.rint(np.where(beyond, 1, share) * top).astype(np.uint8 if bits == 8 else np.uint16)
        # What lies beyond is as white as the farthest thing: the numbers cannot tell them apart.
        return Stored(
            numbers, ("png", "png", "tiff"), "small", beyond, mark=str(top) if beyond.any() else "none"
        )

    return make


def near_white(bits: int) -> Maker:
    """1 minus that; some keep black for the background."""
    top = 2**bits - 1

    def make(scene: Scene, place: Place, rng: Rng) -> Stored:
        del place
        share, beyond = _stretched(scene, rng)
        lifted = (
            (1 - share) * 0.8 + 0.2 if rng.random() < 0.4 else 1 - share
        )  # some keep black for the background
        numbers = np.rint(np.where(beyond, 0, lifted) * top).astype(np.uint8 if bits == 8 else np.uint16)
        return Stored(numbers, ("png", "png", "tiff"), "large", beyond, mark="0" if beyond.any() else "none")

    return make


def sensor_8(scene: Scene, place: Place, rng: Rng) -> Stored:
    """Distances of a camera scaled to 8 bits, 0 where nothing was measured."""
    seen = camera(scene, place, rng, 4.0)
    alpha = 255 / max(float(seen.distance[~seen.lost].max()), 1e-3) if not seen.lost.all() else 1.0
    numbers = np.where(seen.lost, 0, np.rint(seen.distance * alpha).clip(1, 255)).astype(np.uint8)
    return Stored(numbers, ("png",), "small", seen.lost, mark="0")


def colours(scene: Scene, place: Place, rng: Rng) -> Stored:
    """A colour map along either, in either direction."""
    del place
    name = _MAPS[rng.integers(len(_MAPS))]
    if rng.random() < 0.7:
        positions, disparity = estimated(scene, rng), True
    else:
        share, beyond = _stretched(scene, rng)
        positions, disparity = np.where(beyond, 1, share), False
    turned = rng.random() < (0.8 if name == "Spectral" else 0.25)
    picture = coloured(1 - positions if turned else positions, name, swapped=rng.random() < 0.08)
    return Stored(
        picture, ("png", "png", "png", "jpeg"), "large" if disparity != turned else "small", _none(picture)
    )


def viewer(scene: Scene, place: Place, rng: Rng) -> Stored:
    """The colours of a viewer of depth cameras."""
    seen = camera(scene, place, rng, 6.0)
    lost = seen.lost if not seen.lost.all() else _none(seen.lost)
    return Stored(viewer_colours(seen.distance, lost), ("png",), "", lost, mark="black", means="unknown")


def framed(scene: Scene, place: Place, rng: Rng) -> Stored:
    """Bars and pages, around maps that differ from them along every edge."""
    del place
    near_white = np.rint(estimated(scene, rng) * 255).astype(np.uint8)
    plain = Stored(near_white, ("png",), "large", _none(near_white))
    for _ in range(6):
        name: ColourMapName = "gray" if rng.random() < 0.5 else _MAPS[rng.integers(len(_MAPS))]
        picture: Bytes = near_white if name == "gray" else coloured(near_white / 255, name)
        ramp = np.arange(256, dtype=np.uint8)[:, None]
        whole, box, around = (
            letterboxed(picture, rng)
            if rng.random() < 0.5
            else on_a_page(picture, ramp if name == "gray" else coloured(ramp / 255, name), rng)
        )
        if _stands_out(picture, around):
            return replace(plain, numbers=whole, box=box)
    return plain


def _stands_out(picture: Bytes, around: int) -> bool:
    """Whether nearly all of each edge of a picture differs from the gray around it."""
    apart = np.abs(picture.astype(np.int16) - around)
    apart = apart.max(axis=-1) if apart.ndim == 3 else apart
    return all(float((edge > 20).mean()) > 0.95 for edge in (apart[0], apart[-1], apart[:, 0], apart[:, -1]))
