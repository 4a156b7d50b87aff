"""What `depthpaint train doctor` does: measure the depth doctor on worlds whose depth is known."""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.progress import Progress

from depthpaint.depth.colour_map import NAMES
from depthpaint.depth.cues import CUES
from training.colour_study import colour_table, refusal_share
from training.near_study import (
    FITTED_SEED,
    HELD_OUT_SEED,
    fitted_weights,
    kind_table,
    make_corpus,
    near_table,
)
from training.worlds.degrade import degrade_disparity
from training.worlds.families import random_world
from training.worlds.render import render_worlds

PAINTED = 6
PICTURES = 48


def measure_doctor(worlds: int) -> dict[str, object]:
    """Fit the near detector's weights on `worlds` worlds and score the shipped ones on as many others.

    Also the table of colour maps (on PAINTED maps in the wild), and how many of PICTURES rendered pictures,
    which are no depth, are refused. Progress goes to stderr.
    """
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar:
        fitting = bar.add_task("rendering depth to fit", total=worlds)
        fitted = fitted_weights(make_corpus(worlds, FITTED_SEED, lambda n: bar.update(fitting, completed=n)))
        scoring = bar.add_task("rendering depth to score", total=worlds)
        corpus = make_corpus(worlds, HELD_OUT_SEED, lambda n: bar.update(scoring, completed=n))
        reading = bar.add_task("reading colours back", total=len(NAMES))
        rng = np.random.default_rng(HELD_OUT_SEED)
        wild = [
            degrade_disparity(depth, rng) for depth in corpus.maps[:: max(1, worlds // PAINTED)][:PAINTED]
        ]
        return {
            "cues": dict(zip(CUES, (round(float(weight), 2) for weight in fitted), strict=True)),
            "near": near_table(corpus),
            "taken_for_distance": kind_table(corpus),
            "colours": colour_table(wild, on_map=lambda n: bar.update(reading, completed=n)),
            "pictures_refused": refusal_share(_pictures()),
        }


def _pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(HELD_OUT_SEED)
    worlds = [random_world(rng, ratio=1.0, style="photo") for _ in range(PICTURES)]
    pictures = render_worlds(worlds, 128, 128).picture.cpu().numpy()
    return [np.rint(picture * 255).astype(np.uint8) for picture in pictures]
