"""One step of learning: networks, their running average and their optimizers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import Tensor, nn

from training.autoencoder import decoder_loss, folded_encoder
from training.colour_loss import ColourLoss
from training.course import Moment
from training.diffusion import (
    TIMESTEPS,
    alphas_cumprod,
    random_timesteps,
    signal_and_noise,
)
from training.examples import Batch
from training.labeller import Labeller
from training.networks import Networks
from training.picture_loss import picture_loss, standing_out
from training.texture_loss import texture_loss
from training.worlds.labels import latent_labels
from training.worlds.things import Things

AVERAGING = 0.9995
LATENT_NOISE = 0.05
"""What a painter leaves in latents; the decoder has to bear it."""
NAMING = 0.2
"""Weight of the labeller's loss beside the picture's."""
COLOURS_NAMED = 1.5
"""Weight of painted colours that would be called by another name."""
ROUGHNESS = 0.4
"""Weight of `texture_loss` of what is painted at last."""
LABELLER_RATE = 5.0
"""Times the painter's rate: one linear map, which begins at nothing whenever a run does."""
SECOND = (500, 900)
"""Where the second step of a painted batch lies: two to four steps of `schedule early` have theirs there."""


@dataclass(frozen=True, slots=True)
class _Truth:
    """What a batch truly shows: in pixels, with its `things`, and in latent pixels."""

    picture: Tensor
    things: Things
    labels: Tensor
    large_things: Things
    rarity: Tensor
    weights: Tensor

    @classmethod
    def of(cls, batch: Batch, latents: Tensor) -> _Truth:
        fine, coarse = (labels.to(latents.device) for labels in (batch.labels, latent_labels(batch.labels)))
        large = Things.of(coarse)
        rarity = large.rarity()
        weights = (standing_out(latents) + rarity[:, None]) / 2
        return cls(batch.picture.to(latents.device), Things.of(fine), coarse, large, rarity, weights)


class Learner:
    """Trains `networks` and keeps the running average of its painters in `averaged`."""

    def __init__(self, networks: Networks, averaged: Networks, device: str) -> None:
        self.networks, self.averaged, self.device = networks, averaged, device
        self.table = alphas_cumprod().to(device)
        self.labeller = Labeller(networks.unet)
        for module in self.modules().values():
            module.to(device)
        self.fold_encoder()
        painting = list(chain.from_iterable(module.parameters() for module in networks.painters().values()))
        naming = list(self.labeller.parameters())
        self._parameters = painting + naming
        self.painter = torch.optim.AdamW(
            [{"params": painting, "share": 1.0}, {"params": naming, "share": LABELLER_RATE}],
            betas=(0.9, 0.99), weight_decay=0.01, fused=True,
        )  # fmt: skip
        self.decoder = torch.optim.AdamW(
            networks.autoencoder.decoder.parameters(), betas=(0.9, 0.99), weight_decay=0.0, fused=True
        )

    def fold_encoder(self) -> None:
        """See with the encoder that the autoencoder has now: to be called when other weights are read."""
        # It is folded where its impulses are made, on the CPU.
        self.encoder = folded_encoder(self.networks.autoencoder.cpu()).to(self.device)
        nn.Module.to(self.networks.autoencoder, self.device)
        self.colours = ColourLoss(self.encoder)

    def modules(self) -> dict[str, nn.Module]:
        """Everything that a checkpoint keeps, by name."""
        named: dict[str, nn.Module] = {**self.networks.painters(), "autoencoder": self.networks.autoencoder}
        named["labeller"] = self.labeller
        return named | {f"averaged-{name}": module for name, module in self.averaged.painters().items()}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Both, by name."""
        return {"painter": self.painter, "decoder": self.decoder}

    def trained(self) -> Networks:
        """The averaged painters with the decoder as it is: it changes too fast for an average."""
        return replace(self.averaged, autoencoder=self.networks.autoencoder)

    def start_average(self) -> None:
        """Begin the average at the weights as they are."""
        for name, module in self.networks.painters().items():
            self.averaged.painters()[name].load_state_dict(module.state_dict())

    def painter_step(self, batch: Batch, moment: Moment, generator: torch.Generator) -> tuple[float, float]:
        """Learn to denoise one batch and to name what it shows; both losses are returned."""
        latents = self.encoder(batch.picture.to(self.device))
        noise = torch.randn(latents.shape, generator=generator).to(self.device)
        heard = batch.heard.to(self.device)[:, None, None, None]
        text = self.networks.text_encoder(batch.tokens.to(self.device)).last_hidden_state
        features = [feature * heard for feature in self.networks.adapter(batch.relief.to(self.device))]
        truth = _Truth.of(batch, latents)
        shown, found, losses = latents, latents, list[tuple[Tensor, Tensor]]()
        for timesteps in _visited(len(latents), moment, generator):
            alpha, sigma = signal_and_noise(timesteps.to(self.device), self.table)
            noisy = alpha * shown + sigma * noise
            velocity = self.networks.unet(
                noisy.contiguous(memory_format=torch.channels_last), timesteps.to(self.device), text,
                down_intrablock_additional_residuals=list(features),
            ).sample  # fmt: skip
            found = alpha * noisy - sigma * velocity
            picture = picture_loss(found, latents, truth.weights)
            picture = picture + COLOURS_NAMED * self.colours.loss(
                found - latents, truth.picture, truth.things
            )
            losses.append((picture, self.labeller.loss(truth.labels, truth.rarity)))
            # From pure noise, the noise that the network sees in it is that noise: this is DDIM's next step.
            shown = found.detach()
        picture, naming = (torch.stack(parts).mean() for parts in zip(*losses, strict=True))
        if moment.painted:
            picture = picture + ROUGHNESS * texture_loss(found, latents, truth.large_things)
        _descend(self.painter, picture + NAMING * naming, moment.rate, self._parameters)
        # A young average forgets its random start sooner.
        self._average(min(AVERAGING, (moment.step + 1) / (moment.step + 10)))
        return float(picture.detach()), float(naming.detach())

    def decoder_step(self, batch: Batch, moment: Moment, generator: torch.Generator) -> float:
        """Learn to decode half of a batch; the loss is returned."""
        picture = batch.picture[: len(batch.picture) // 2].to(self.device)
        latents = self.encoder(picture)
        latents = latents + LATENT_NOISE * torch.randn(latents.shape, generator=generator).to(self.device)
        autoencoder = self.networks.autoencoder
        loss = decoder_loss(autoencoder, latents, picture)
        _descend(self.decoder, loss, moment.rate, list(autoencoder.decoder.parameters()))
        return float(loss.detach())

    @torch.no_grad()
    def _average(self, keep: float) -> None:
        averaged = self.averaged.painters()
        for name, source in self.networks.painters().items():
            target = averaged[name]
            torch._foreach_lerp_(list(target.parameters()), list(source.parameters()), 1 - keep)  # pyright: ignore


def _visited(count: int, moment: Moment, generator: torch.Generator) -> list[Tensor]:
    """The timesteps (count,) of each call of the network on a batch: pure noise first where it is painted."""
    if not moment.painted:
        return [random_timesteps(count, generator, moment.emphasis)]
    second = torch.randint(*SECOND, (count,), generator=generator)
    return [torch.full((count,), TIMESTEPS - 1), second]


def _descend(
    optimizer: torch.optim.Optimizer, loss: Tensor, rate: float, parameters: list[nn.Parameter]
) -> None:
    if not math.isfinite(float(loss.detach())):
        raise FloatingPointError(
            "the loss is not a number: resume from the last checkpoint with a lower rate"
        )
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("share", 1.0)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
