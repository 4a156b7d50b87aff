"""How diorama is trained: one command, one dial (minutes), resumable at any moment.

    depthpaint train diorama --minutes 95

Text encoder, UNet and depth adapter learn together to predict the velocity of noised latents; the decoder
learns beside them to turn latents into pictures. What was tried, and what it gave, stands in
docs/training.md.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor, nn

from depthpaint.training.autoencoder import decoder_loss, solve_encoder
from depthpaint.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from depthpaint.training.dataset import make_shard, shard_file
from depthpaint.training.diffusion import alphas_cumprod, emphasis, noised, random_timesteps
from depthpaint.training.examples import Batch, Examples, as_network_input
from depthpaint.training.networks import Networks, build_networks

BATCH = 16
PEAK_RATE = 8e-4
WARM_UP_STEPS = 200
DECAY_FROM = 0.35
"""Share of the budget after which the learning rate falls, straight, to zero."""
SETTLES_AT = 0.7
DECIDING_EARLY, DECIDING_LATE = 0.6, 0.3
"""Share of the noisiest timesteps: first the words are learned, then the finish."""
AVERAGING = 0.9995
DECODER_EVERY = 3
SAVE_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Report:
    """One line of the log: losses are means since the last report."""

    steps: int
    samples: int
    seconds: float
    share_done: float
    loss: float
    decoder_loss: float
    learning_rate: float


def train(folder: Path, minutes: float, *, device: str = "cpu", seed: int = 0) -> Iterator[Report]:
    """Train in `folder` until `minutes` of training are spent, yielding a report every hundred steps.

    `folder/data` holds rendered shards (more may arrive meanwhile); `folder/checkpoint` the state to go on
    from. Raises FileNotFoundError when no shard is there.
    """
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(seed)
        networks, averaged = build_networks(), build_networks()
    solve_encoder(networks.autoencoder, first_pictures(folder))
    run = _Run(networks, averaged, device)
    progress = load_checkpoint(folder / "checkpoint", run.modules(), run.optimizers())
    if progress.steps == 0:
        run.start_average()
    examples = Examples(folder / "data", networks.autoencoder)
    examples.refresh(10_000)
    generator = torch.Generator().manual_seed(seed + progress.steps)
    losses, decoder_losses = [0.0], [0.0]
    started, saved = time.monotonic() - progress.seconds, time.monotonic()
    while (share := progress.seconds / (60 * minutes)) < 1:
        rate = PEAK_RATE * min(1.0, (progress.steps + 1) / WARM_UP_STEPS, (1 - share) / (1 - DECAY_FROM))
        batch = examples.batch(BATCH, generator)
        deciding = DECIDING_EARLY if share < SETTLES_AT else DECIDING_LATE
        losses.append(run.painter_step(batch, rate, deciding, generator, progress.steps))
        if progress.steps % DECODER_EVERY == 0:
            decoder_losses.append(run.decoder_step(batch, rate, generator))
        progress = Progress(progress.steps + 1, progress.samples + BATCH, time.monotonic() - started)
        if progress.steps % 100 == 0:
            yield Report(
                progress.steps, progress.samples, progress.seconds, share,
                sum(losses) / len(losses), sum(decoder_losses) / len(decoder_losses), rate,
            )  # fmt: skip
            losses, decoder_losses = [], []
            examples.refresh(1)
        if time.monotonic() - saved > SAVE_SECONDS:
            save_checkpoint(folder / "checkpoint", run.modules(), run.optimizers(), progress)
            saved = time.monotonic()
    save_checkpoint(folder / "checkpoint", run.modules(), run.optimizers(), progress)


def first_pictures(folder: Path) -> Tensor:
    """The pictures that the encoder is solved from: a shard of its own.

    Kept so that a resumed run solves the same.
    """
    path = shard_file(folder / "data", 0)
    if path.exists():
        from depthpaint.training.dataset import load_shard

        return as_network_input(load_shard(path)["picture"])
    return as_network_input(make_shard(0)["picture"])


def load_trained(folder: Path) -> tuple[Networks, Progress]:
    """The averaged painters and the autoencoder of the last checkpoint in `folder`, ready to export."""
    networks, averaged = build_networks(), build_networks()
    progress = load_checkpoint(folder / "checkpoint", _named_modules(networks, averaged), {})
    # The decoder is not averaged: its learning rate ends at zero, and its average lags far behind.
    return replace(averaged, autoencoder=networks.autoencoder), progress


def _named_modules(networks: Networks, averaged: Networks) -> dict[str, nn.Module]:
    named: dict[str, nn.Module] = {**networks.painters(), "autoencoder": networks.autoencoder}
    return named | {f"averaged-{name}": module for name, module in averaged.painters().items()}


class _Run:
    """Networks, their running average and their optimizers."""

    def __init__(self, networks: Networks, averaged: Networks, device: str) -> None:
        self.networks, self.averaged, self.device = networks, averaged, device
        self.table = alphas_cumprod()
        for module in self.modules().values():
            module.to(device)
        painters = chain.from_iterable(m.parameters() for m in networks.painters().values())
        self.painter = torch.optim.AdamW(painters, betas=(0.9, 0.99), weight_decay=0.01)
        self.decoder = torch.optim.AdamW(
            networks.autoencoder.decoder.parameters(), betas=(0.9, 0.99), weight_decay=0.0
        )

    def modules(self) -> dict[str, nn.Module]:
        return _named_modules(self.networks, self.averaged)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"painter": self.painter, "decoder": self.decoder}

    def start_average(self) -> None:
        named = self.modules()
        for name in self.networks.painters():
            named[f"averaged-{name}"].load_state_dict(named[name].state_dict())

    def painter_step(
        self, batch: Batch, rate: float, deciding: float, generator: torch.Generator, step: int
    ) -> float:
        networks, size = self.networks, len(batch.latents)
        timesteps = random_timesteps(size, generator, deciding=deciding)
        noise = torch.randn(batch.latents.shape, generator=generator)
        noisy, velocity = noised(batch.latents, noise, timesteps, self.table)
        text = networks.text_encoder(batch.tokens.to(self.device)).last_hidden_state
        heard = batch.heard.to(self.device)[:, None, None, None]
        features = [f * heard for f in networks.adapter(batch.depth.to(self.device))]
        predicted = networks.unet(
            noisy.to(self.device),
            timesteps.to(self.device),
            text,
            down_intrablock_additional_residuals=features,
        ).sample
        weights = emphasis(batch.latents).to(self.device)
        loss = (weights * (predicted - velocity.to(self.device)).square()).mean()
        parameters = [p for m in networks.painters().values() for p in m.parameters()]
        _descend(self.painter, loss, rate, parameters)
        # A young average forgets its random start sooner.
        keep = min(AVERAGING, (step + 1) / (step + 10))
        self._average(keep)
        return float(loss.detach())

    def decoder_step(self, batch: Batch, rate: float, generator: torch.Generator) -> float:
        half = len(batch.latents) // 2
        latents = batch.latents[:half] + 0.03 * torch.randn(batch.latents[:half].shape, generator=generator)
        autoencoder = self.networks.autoencoder
        loss = decoder_loss(autoencoder, latents.to(self.device), batch.picture[:half].to(self.device))
        _descend(self.decoder, loss, rate, list(autoencoder.decoder.parameters()))
        return float(loss.detach())

    @torch.no_grad()
    def _average(self, keep: float) -> None:
        averaged = self.averaged.painters()
        for name, source in self.networks.painters().items():
            target = averaged[name]
            torch._foreach_lerp_(list(target.parameters()), list(source.parameters()), 1 - keep)  # pyright: ignore


def _descend(
    optimizer: torch.optim.Optimizer, loss: Tensor, rate: float, parameters: list[nn.Parameter]
) -> None:
    if not math.isfinite(float(loss.detach())):
        raise FloatingPointError(
            "the loss is not a number: resume from the last checkpoint with a lower rate"
        )
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()


def log_line(report: Report) -> str:
    """One JSON line for the run's log."""
    return json.dumps({name: round(getattr(report, name), 6) for name in Report.__slots__})
