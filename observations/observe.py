"""Run the studies of the eight twins, and gather what they measured.

    python -m observations.observe aspect 1       every ratio in every way; seeds of the first run
    python -m observations.observe aspect 2       the same with other seeds
    python -m observations.observe latency
    python -m observations.observe sheet          paints each twin once, for the pictures in data/
    python -m observations.observe gather         work/ -> data/

What is painted already is not painted again. Pictures and reports stay in `work/`, which is not kept.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.engine import Engine
from depthpaint.models.estimators.registry import DEFAULT
from depthpaint.record.sections import environment
from depthpaint.report.shown import thumbnail
from depthpaint.request import request_from
from depthpaint.verification.agreement import Agreement, agreement
from observations.twins import true_picture

HERE = Path(__file__).parent
WORK, DATA = HERE / "work", HERE / "data"
RATIOS = "1:3,1:2,2:3,1:1,3:2,2:1,3:1"
SEEDS = 4
SHEET_SIDE = 256
FIRST_SEED = {1: 1000, 2: 2000}
PICTURE_FIELDS = ("ratio", "way", "seed", "asked_repetition")
SCORES = ("depth_agreement", "mirrored_agreement")


def twins() -> list[dict[str, str]]:
    """The rows of twins.csv."""
    with (HERE / "twins" / "twins.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def study(kind: str, twin: dict[str, str], out: Path, *flags: str) -> None:
    """Run one study of one twin as anybody would run it."""
    near = ["--set", f"near={twin['near']}"] if twin["near"] else []
    words = [sys.executable, "-m", "depthpaint", "study", kind, str(HERE / "twins" / twin["depth"])]
    subprocess.run([*words, twin["prompt"], "--out", str(out), *near, *flags], check=True)


def aspect(run: int) -> None:
    """The aspect study of every twin."""
    for twin in twins():
        flags = ["--ratios", RATIOS, "--seeds", str(SEEDS), "--seed", str(FIRST_SEED[run])]
        study("aspect", twin, WORK / f"aspect-{run}" / twin["depth"], *flags)


def latency() -> None:
    """The latency study of every twin; processes of their own for the first alone: all take as long."""
    for number, twin in enumerate(twins()):
        flags = ["--seeds", "2", "--repeats", "3", "--cold", "5" if number == 0 else "0"]
        study("latency", twin, WORK / "latency" / twin["depth"], *flags)


def sheet() -> None:
    """Paint every twin with its own seed; keep small pictures of file, depth, painting and seen depth.

    Beside it, how the estimator judges the picture and the true render: more cannot be asked of a picture.
    """
    engine = Engine()
    judged: list[dict[str, Any]] = []
    for twin in twins():
        fields = {"near": twin["near"]} if twin["near"] else {}
        path = HERE / "twins" / twin["depth"]
        asked = request_from({"depth": path, "prompt": twin["prompt"], "seed": int(twin["seed"]), **fields})
        pixels = engine.paint(asked).pictures[0].pixels
        found = agreement(engine, asked, pixels, DEFAULT)
        true = agreement(engine, asked, true_picture(twin["depth"], pixels.shape[0]), DEFAULT)
        judged.append({"twin": twin["depth"], "painted": _likeness(found), "render": _likeness(true)})
        folder = DATA / "pictures" / twin["depth"]
        folder.mkdir(parents=True, exist_ok=True)
        shown = {
            "depth understood": _gray(found.expected),
            "picture": pixels,
            "depth seen": _gray(found.estimated),
        }
        if path.suffix == ".png":
            with Image.open(path) as file:
                shown = {"file": np.asarray(file.convert("RGB")), **shown}
        for number, (label, values) in enumerate(shown.items()):
            (folder / f"{number}-{label}.jpg").write_bytes(thumbnail(values, SHEET_SIDE))
    _write("sheet", environment(), judged)


def _likeness(found: Agreement) -> dict[str, float]:
    return {name: getattr(found, name) for name in SCORES}


def _gray(depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A map as the eye can judge it: between its 1st and 99th percentile."""
    low, high = np.percentile(depth, (1, 99))
    scaled = np.clip((depth - low) / max(float(high - low), 1e-6), 0, 1)
    return np.rint(scaled * 255).astype(np.uint8)


def gather() -> None:
    """Write what the studies in `work/` measured, without pictures and paths, to `data/`."""
    DATA.mkdir(exist_ok=True)
    if (WORK / "aspect-1").is_dir():
        pictures = [one for run in FIRST_SEED for one in _pictures(run)]
        _write("aspect", _environment("aspect-1"), pictures)
    if (WORK / "latency").is_dir():
        _write("latency", _environment("latency"), list(_levers()))


def _pictures(run: int) -> Iterator[dict[str, Any]]:
    for twin, found in _studies(f"aspect-{run}"):
        for one in found["pictures"]:
            agreement, look = one["agreement"], one["look"]
            yield {
                "run": run, "twin": twin,
                **{name: _short(one[name]) for name in PICTURE_FIELDS},
                **{name: _short(agreement[name]) for name in SCORES},
                "repetition": _short(look["repetition"]), "sharpness": _short(look["sharpness"]),
            }  # fmt: skip


def _levers() -> Iterator[dict[str, Any]]:
    for twin, found in _studies("latency"):
        for one in found["findings"]:
            stages = {name: [_short(s) for s in took] for name, took in one.pop("stages").items()}
            listed = {name: [_short(s) for s in one[name]] for name in one if isinstance(one[name], list)}
            yield {"twin": twin, "lever": one["lever"], **listed, "stages": stages, "cold": found["cold"]}


def _studies(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for twin in twins():
        path = WORK / kind / twin["depth"] / "study.json"
        yield twin["depth"], json.loads(path.read_text(encoding="utf-8"))


def _environment(kind: str) -> dict[str, str]:
    return next(_studies(kind))[1]["environment"]


def _short(value: object) -> object:
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _write(name: str, environment: dict[str, str], rows: list[dict[str, Any]]) -> None:
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    text = f'{{"environment": {json.dumps(environment)},\n"rows": [\n{lines}\n]}}\n'
    (DATA / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    command, *rest = sys.argv[1:] or ["gather"]
    {"aspect": lambda: aspect(int(rest[0])), "latency": latency, "sheet": sheet, "gather": gather}[command]()
