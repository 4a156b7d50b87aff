"""Paints held-out worlds: with the whole program as a user has it, or with the autoencoder alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from depthpaint.core.geometry import Extent
from depthpaint.engine import Engine
from depthpaint.model_choice import ModelChoice
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.models.diorama.files import open_files
from depthpaint.models.diorama.painter import Diorama
from depthpaint.models.painter import ModelEntry, Painter, Runtime
from depthpaint.models.registry import find_model
from depthpaint.request import Request
from training.networks import Networks
from training.scores.held_out import HeldOut, Picture

Paint = Callable[[HeldOut], Picture]
"""Makes a picture (H, W, 3) of a held-out world, from its depth and its caption alone."""

SEED = 12345


def engine_for(model: Path | None) -> Engine:
    """An engine whose diorama is the exported folder `model`; None: the shipped one."""
    if model is None:
        return Engine()
    folder = model

    def load(runtime: Runtime) -> Painter:
        del runtime  # It runs on the CPU, in float32.
        return Diorama(DIORAMA, open_files(folder))

    entry = replace(find_model(ModelChoice()), load=load)

    def find(choice: ModelChoice) -> ModelEntry:
        return entry if choice.model == DIORAMA.name else find_model(choice)

    return Engine(find)


def engine_paint(engine: Engine, folder: Path) -> Paint:
    """Paint as a user would: a depth file (in `folder`), the full caption, one seed, the world's own size.

    What the file holds is said, so that the doctor's guesses about files are no part of the scores.
    """

    def paint(asked: HeldOut) -> Picture:
        return paint_disparity(engine, folder / "depth.npy", asked.disparity, asked.caption, SEED)

    return paint


def paint_disparity(
    engine: Engine, file: Path, disparity: NDArray[np.float32], caption: str, seed: int
) -> Picture:
    """Paint exact disparity (H, W) in [0, 1] at its own size, by way of `file`, an .npy that is replaced."""
    np.save(file, disparity)
    height, width = disparity.shape
    request = Request(
        depth=file, prompt=caption, expand=False, seed=seed, size=Extent(width, height), near="white",
        kind="disparity", frame="keep", empty=(), range="full", allow_constant=True,
    )  # fmt: skip
    return engine.paint(request).pictures[0].pixels


def autoencoder_paint(networks: Networks) -> Paint:
    """Encode and decode the true render: what the painter could reach at most."""
    autoencoder = networks.autoencoder.eval()

    @torch.no_grad()
    def paint(asked: HeldOut) -> Picture:
        picture = torch.from_numpy(asked.render).permute(2, 0, 1)[None].float() / 127.5 - 1
        decoded = autoencoder.decode(autoencoder.encode(picture).latents).sample[0]
        shown = (decoded.permute(1, 2, 0) * 0.5 + 0.5).clamp(0, 1)
        return (shown * 255).round().to(torch.uint8).numpy()

    return paint
