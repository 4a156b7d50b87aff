"""How diorama is trained: one command, one dial (minutes), resumable at any moment.

    depthpaint train diorama --minutes 480

Text encoder, UNet and depth adapter learn together to predict the velocity of noised latents, first on small
pictures, then mostly on large ones (`course` says when); the decoder learns beside them to turn latents into
pictures. What was tried, and what it gave, stands in docs/explanation/training.md.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from training.autoencoder import solve_encoder
from training.checkpoint import Progress, load_checkpoint, save_checkpoint
from training.course import BATCH, FROM_NOISE, FROM_WEIGHTS
from training.examples import Examples, as_network_input
from training.export import load_export
from training.learner import Learner
from training.networks import LATENT_CHANNELS, Networks, build_networks
from training.sample_sheet import SampleSheet
from training.worlds.shards import load_shard, make_shard, shard_file

SAVE_SECONDS = 180.0
SHEET_SECONDS = 1200.0


@dataclass(frozen=True, slots=True)
class Report:
    """One line of the log: losses are means since the last report."""

    steps: int
    samples: int
    seconds: float
    share_done: float
    loss: float
    naming_loss: float
    decoder_loss: float
    learning_rate: float


def train(
    folder: Path, minutes: float, *, device: str = "cpu", seed: int = 0, start: Path | None = None
) -> Iterator[Report]:
    """Train in `folder` until `minutes` of training are spent, yielding a report every hundred steps.

    `folder/worlds` holds rendered shards (more may arrive meanwhile); `folder/checkpoint` the state to go on
    from. A run without one begins with the weights of the exported folder `start`, or with random ones.
    Raises FileNotFoundError when no shard is there.
    """
    learner, progress = _begin(folder, device, seed, start)
    course = FROM_NOISE if start is None else FROM_WEIGHTS
    examples = Examples(folder / "worlds")
    examples.refresh(10_000)
    generator = torch.Generator().manual_seed(seed + progress.steps)
    losses: list[tuple[float, float]] = []
    decoder_losses: list[float] = []
    sheet = SampleSheet.held_out(LATENT_CHANNELS)
    started = time.monotonic() - progress.seconds
    saved = drawn = time.monotonic()
    while (share := progress.seconds / (60 * minutes)) < 1:
        chances = torch.rand(2, generator=generator).tolist()
        area, moment = course.area(share, chances[0]), course.moment(share, progress.steps, chances[1])
        batch = examples.batch(BATCH[area], area, generator)
        losses.append(learner.painter_step(batch, moment, generator))
        if course.decoder_every and progress.steps % course.decoder_every == 0:
            decoder_losses.append(learner.decoder_step(batch, moment, generator))
        seconds = time.monotonic() - started
        progress = Progress(progress.steps + 1, progress.samples + BATCH[area], seconds)
        if progress.steps % 100 == 0:
            yield Report(
                progress.steps, progress.samples, progress.seconds, share,
                _mean([picture for picture, _ in losses]), _mean([naming for _, naming in losses]),
                _mean(decoder_losses), moment.rate,
            )  # fmt: skip
            losses, decoder_losses = [], []
            examples.refresh(1)
        if time.monotonic() - saved > SAVE_SECONDS:
            save_checkpoint(folder / "checkpoint", learner.modules(), learner.optimizers(), progress)
            saved = time.monotonic()
        if time.monotonic() - drawn > SHEET_SECONDS:
            sheet.save(learner.trained(), folder / "sheets" / f"step-{progress.steps:07d}.png")
            drawn = time.monotonic()
    save_checkpoint(folder / "checkpoint", learner.modules(), learner.optimizers(), progress)


def _mean(losses: list[float]) -> float:
    return sum(losses) / max(1, len(losses))


def _begin(folder: Path, device: str, seed: int, start: Path | None) -> tuple[Learner, Progress]:
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(seed)
        networks, averaged = build_networks(), build_networks()
    resumes = (folder / "checkpoint" / "progress.json").exists()
    if not resumes and start is not None:
        load_export(start, networks)
    elif not resumes:
        solve_encoder(networks.autoencoder, first_pictures(folder))
    learner = Learner(networks, averaged, device)
    progress = load_checkpoint(folder / "checkpoint", learner.modules(), learner.optimizers())
    learner.fold_encoder()
    if not resumes:
        learner.start_average()
    return learner, progress


def first_pictures(folder: Path) -> Tensor:
    """The pictures that the encoder is solved from: the first shard, rendered when it is not there."""
    path = shard_file(folder / "worlds", 0)
    return as_network_input((load_shard(path) if path.exists() else make_shard(0)).picture)


def load_trained(folder: Path) -> tuple[Networks, Progress]:
    """The averaged painters and the autoencoder of the last checkpoint in `folder`, ready to export."""
    learner = Learner(build_networks(), build_networks(), "cpu")
    progress = load_checkpoint(folder / "checkpoint", learner.modules(), {})
    return learner.trained(), progress


def log_line(report: Report) -> str:
    """One JSON line for the run's log."""
    return json.dumps({name: round(getattr(report, name), 6) for name in Report.__slots__})
