"""How well painted depth is read back: every colour map, both ways round, clean, noisy and through JPEG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthError
from depthpaint.depth.colour_map import NAMES, ColourMapName, colours_of
from depthpaint.depth.numbers import numbers_of
from depthpaint.formats.samples import Samples

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]
REFUSED = "refused"


def spoilt(picture: Picture, rng: np.random.Generator) -> Iterator[tuple[str, Picture, bool]]:
    """The picture as found in the wild: what was done to it, itself, whether a decoder calls it lossy."""
    yield "clean", picture, False
    for sigma in (1, 2, 4):
        noise = rng.normal(0, sigma, picture.shape)
        yield f"noise {sigma}", np.clip(picture + noise, 0, 255).round().astype(np.uint8), False
    for quality in (95, 90, 75, 50):
        stream = BytesIO()
        Image.fromarray(picture).save(stream, "JPEG", quality=quality)
        yield f"JPEG {quality}", np.asarray(Image.open(stream).convert("RGB")), True


def colour_table(
    depths: Sequence[Floats], seed: int = 0, on_map: Callable[[int], None] | None = None
) -> dict[str, object]:
    """Paint each of `depths` (H, W) in [0, 1] with each map, spoil it, read it back.

    Returns for each map and spoiling the mean and greatest RMSE in 1/255 and the share that was refused, and
    what each map was taken for. `on_map` hears how many maps are done. Source of the maps: colour_maps.
    """
    rng = np.random.default_rng(seed)
    errors: dict[str, dict[str, list[float]]] = {}
    taken: dict[str, Counter[str]] = {}
    for done, name in enumerate(NAMES, 1):
        errors[name], taken[name] = {}, Counter()
        for depth in depths:
            for positions in (depth, 1 - depth):
                for how, picture, lossy in spoilt(_painted(name, positions), rng):
                    found, error = _read_back(picture, lossy, positions)
                    taken[name][found] += 1
                    errors[name].setdefault(how, []).append(error)
        if on_map is not None:
            on_map(done)
    return {
        "rmse_8bit": {
            name: {how: _summary(found) for how, found in row.items()} for name, row in errors.items()
        },
        "taken_for": {name: dict(found) for name, found in taken.items()},
    }


def refusal_share(pictures: Sequence[Picture]) -> float:
    """How many pictures (H, W, 3) that are no depth at all are refused, in [0, 1]."""
    return float(np.mean([_read_back(picture, False, None)[0] == REFUSED for picture in pictures]))


def _painted(name: ColourMapName, positions: Floats) -> Picture:
    return colours_of(name)[np.rint(positions * 255).astype(np.intp)].astype(np.uint8)


def _read_back(picture: Picture, lossy: bool, expected: Floats | None) -> tuple[str, float]:
    """The map that a picture was taken for and its RMSE in 1/255; NaN where it was refused."""
    values: NDArray[np.generic] = picture
    if (np.ptp(picture, axis=-1) <= (2 if lossy else 0)).all():
        values = picture[..., 0]  # as the decoders hand on what is gray
    samples = Samples(values=values, opaque=None, bits=8, lossy=lossy)
    try:
        numbers = numbers_of("picture", samples, values, None, "auto")
    except DepthError:
        return REFUSED, float("nan")
    if expected is None:
        return numbers.colour_map, float("nan")
    top = 255.0 if numbers.values.dtype == np.uint8 else 1.0
    error = numbers.values.astype(np.float64) / top - expected
    return numbers.colour_map, float(np.sqrt(np.mean(error**2)) * 255)


def _summary(found: list[float]) -> dict[str, float | None]:
    read = [error for error in found if np.isfinite(error)]
    return {
        "mean": float(np.mean(read)) if read else None,
        "greatest": max(read, default=None),
        "refused": 1 - len(read) / len(found),
    }
