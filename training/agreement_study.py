"""How well scores of agreement tell a picture's own depth map from other maps and from its mirror image."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.depth.compare import Likeness, compare
from depthpaint.engine import Engine
from depthpaint.models.estimators.registry import DEFAULT
from depthpaint.request import Request
from depthpaint.verification.agreement import agreement_with
from training.scores.held_out import held_out_worlds
from training.scores.painting import SEED, paint_disparity
from training.worlds.shards import LARGE

FIRST = 400
"""Number of the first world: those below are scored by `evaluate`."""
SEEDS = (12345, 12346)
"""Two pictures of each real map."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Painted:
    """A painted map: `wanted` is the map on the picture, known where `valid`, `estimated` is read from it.

    All are (H, W). `group` is the family of a world, `source` the map's name.
    """

    source: str
    group: str
    wanted: Floats
    valid: NDArray[np.bool_]
    estimated: Floats


def painted_worlds(count: int, cache: Path) -> Iterator[Painted]:
    """Held-out worlds, painted with their full captions and one seed; kept in `cache`."""
    engine = Engine()
    for k in range(FIRST, FIRST + count):
        file = cache / f"world-{k}.npz"
        if not file.exists():
            asked = next(held_out_worlds(1, LARGE, k))
            with TemporaryDirectory() as folder:
                path = Path(folder, "depth.npy")
                pixels = paint_disparity(engine, path, asked.disparity, asked.caption, SEED)
            estimated = engine.estimate(DEFAULT, pixels).values
            _keep(
                file,
                pixels,
                Painted(
                    str(k), asked.world.family, asked.disparity, np.ones(estimated.shape, bool), estimated
                ),
            )
        yield _kept(file)


def painted_maps(folder: Path, cache: Path, left_out: Sequence[str]) -> Iterator[Painted]:
    """The maps that `prompts.csv` in `folder` names, painted as a user would, with each of SEEDS."""
    engine = Engine()
    with (folder / "prompts.csv").open(encoding="utf-8") as rows:
        named = [(row["depth"], row["prompt"]) for row in csv.DictReader(rows)]
    for name, prompt in named:
        for seed in SEEDS if name not in left_out else ():
            file = cache / f"map-{name}-{seed}.npz"
            if not file.exists():
                request = Request(depth=folder / name, prompt=prompt, seed=seed)
                result = engine.paint(request)
                pixels = result.pictures[0].pixels
                depth = engine.read(request.depth, request.reading)
                found = agreement_with(engine, depth, result.plan.settings.fit, pixels, DEFAULT)
                estimated = engine.estimate(DEFAULT, found.picture).values
                _keep(file, pixels, Painted(name, name, found.expected, found.valid, estimated))
            yield _kept(file)


def _keep(file: Path, pixels: NDArray[np.uint8], one: Painted) -> None:
    np.savez(
        file,
        pixels=pixels,
        source=one.source,
        group=one.group,
        wanted=one.wanted,
        valid=one.valid,
        estimated=one.estimated,
    )


def _kept(file: Path) -> Painted:
    with np.load(file) as kept:
        return Painted(
            str(kept["source"]), str(kept["group"]), kept["wanted"], kept["valid"], kept["estimated"]
        )


WANTED = {"same family": 0.99, "others": 0.99, "mirrored": 0.95}
"""The least area under the curve that `depth_agreement` should reach against each kind of wrong map."""
SCORES = ("depth_agreement", "edge_f_score", "detail_correlation", "rank_correlation")
MOST = 6
"""Wrong maps of each kind for a picture."""
RESAMPLED = 2000


@dataclass(frozen=True, slots=True)
class Compared:
    """A picture's scores: with its own map, and by kind with the wrong maps, which may be none."""

    source: str
    own: Likeness
    wrong: dict[str, list[Likeness]]


def compared(painted: Sequence[Painted]) -> list[Compared]:
    """Compare each picture with its own map, its mirror image, and maps of other pictures."""
    rng = np.random.default_rng(0)
    maps = {one.source: one for one in painted}
    found: list[Compared] = []
    for one in painted:
        others = [maps[name] for name in rng.permutation(sorted(maps)) if name != one.source]
        family = [other for other in others if other.group == one.group]
        strangers = [other for other in others if other.group != one.group]
        mirrored = compare(one.wanted[:, ::-1], one.estimated, one.valid[:, ::-1])
        wrong = {
            "same family": [_with_map_of(other, one) for other in family[:MOST]],
            "others": [_with_map_of(other, one) for other in strangers[:MOST]],
            "mirrored": [mirrored],
        }
        found.append(Compared(one.source, compare(one.wanted, one.estimated, one.valid), wrong))
    return found


def _with_map_of(other: Painted, one: Painted) -> Likeness:
    """Compare the picture of `one` with the map of `other`, stretched over it."""
    height, width = one.estimated.shape
    stretched = [
        np.asarray(Image.fromarray(side.astype(np.float32)).resize((width, height), Image.Resampling.BOX))
        for side in (other.wanted, other.valid)
    ]
    valid = stretched[1] > 0.99
    return compare(stretched[0], one.estimated, valid if valid.any() else None)


def separation(found: Sequence[Compared]) -> dict[str, Any]:
    """For each score and kind of wrong map the area under the ROC curve, with its 95 % interval.

    The interval is a bootstrap over the maps. `own` and `wrong` are the scores' percentiles.
    """
    return {score: _of_score(found, score) for score in SCORES}


def _of_score(found: Sequence[Compared], score: str) -> dict[str, Any]:
    def value(likeness: Likeness) -> float:
        return float(getattr(likeness, score))

    result: dict[str, Any] = {"own": _percentiles([value(one.own) for one in found])}
    for kind in WANTED:
        pictures = [one for one in found if one.wrong[kind]]
        if not pictures:
            continue
        own = [[value(one.own)] for one in pictures]
        wrong = [[value(each) for each in one.wrong[kind]] for one in pictures]
        low, high = _interval([one.source for one in pictures], own, wrong)
        area = area_under_curve(
            [each for one in own for each in one], [each for one in wrong for each in one]
        )
        result[kind] = {
            "area": round(area, 4), "from": round(low, 4), "to": round(high, 4),
            "wrong": _percentiles([each for one in wrong for each in one]),
        }  # fmt: skip
    return result


def _interval(
    sources: Sequence[str], own: Sequence[Sequence[float]], wrong: Sequence[Sequence[float]]
) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    places: dict[str, list[int]] = {}
    for place, source in enumerate(sources):
        places.setdefault(source, []).append(place)
    groups = list(places.values())
    areas: list[float] = []
    for _ in range(RESAMPLED):
        chosen = [place for group in rng.integers(0, len(groups), len(groups)) for place in groups[group]]
        right, others = ([each for place in chosen for each in side[place]] for side in (own, wrong))
        areas.append(area_under_curve(right, others))
    low, high = np.percentile(areas, (2.5, 97.5))
    return float(low), float(high)


def area_under_curve(right: Sequence[float], wrong: Sequence[float]) -> float:
    """The probability that a right pair has a higher score than a wrong one; ties count half."""
    ordered = np.sort(np.asarray(wrong))
    below, upto = (np.searchsorted(ordered, right, side=side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(ordered))


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    return {str(level): round(float(np.percentile(values, level)), 3) for level in (5, 50, 95, 99)}


def lines_of(found: dict[str, Any]) -> Iterator[str]:
    """The result of `separation` as a table."""
    for score, kinds in found.items():
        own = kinds["own"]
        yield f"{score}: own maps {own['50']} in the median, {own['5']} at the 5th percentile"
        for kind in WANTED:
            if kind in kinds:
                at = kinds[kind]
                wrong = f"{at['wrong']['50']} in the median, {at['wrong']['95']} at the 95th percentile"
                yield f"  {kind}: AUC {at['area']} [{at['from']}, {at['to']}]; wrong maps {wrong}"
