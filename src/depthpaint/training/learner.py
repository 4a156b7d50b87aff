"""One step of learning: networks, their running average and their optimizers."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import chain

import torch
from torch import Tensor, nn

from depthpaint.training.autoencoder import decoder_loss, folded_encoder
from depthpaint.training.course import Moment
from depthpaint.training.diffusion import (
    alphas_cumprod,
    noised,
    picture_weight,
    random_timesteps,
    standing_out,
)
from depthpaint.training.examples import Batch, build_empty_prompt
from depthpaint.training.labeller import Labeller
from depthpaint.training.networks import Networks
from depthpaint.training.worlds.labels import rarity

AVERAGING = 0.9995
LATENT_NOISE = 0.05
"""What a painter leaves in latents; the decoder has to bear it."""
NAMING = 0.2
"""Weight of the labeller's loss beside the picture's."""


class Learner:
    """Trains `networks` and keeps the running average of its painters in `averaged`."""

    def __init__(self, networks: Networks, averaged: Networks, device: str) -> None:
        self.networks, self.averaged, self.device = networks, averaged, device
        self.table = alphas_cumprod().to(device)
        self.encoder = folded_encoder(networks.autoencoder)
        self.labeller = Labeller(networks.unet)
        self.teacher: Networks | None = None
        self.silence = torch.tensor([build_empty_prompt()], device=device)
        for module in [*self.modules().values(), self.encoder]:
            module.to(device)
        learning = [*networks.painters().values(), self.labeller]
        self._parameters = list(chain.from_iterable(module.parameters() for module in learning))
        self.painter = torch.optim.AdamW(self._parameters, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
        self.decoder = torch.optim.AdamW(
            networks.autoencoder.decoder.parameters(), betas=(0.9, 0.99), weight_decay=0.0, fused=True
        )

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
        networks, device = self.networks, self.device
        latents = self.encoder(batch.picture.to(device))
        timesteps = random_timesteps(len(latents), generator, moment.emphasis).to(device)
        noise = torch.randn(latents.shape, generator=generator).to(device)
        noisy, velocity = noised(latents, noise, timesteps, self.table)
        tokens, relief = batch.tokens.to(device), batch.relief.to(device)
        heard = batch.heard.to(device)[:, None, None, None]
        if moment.guidance != 1:
            velocity = velocity + (moment.guidance - 1) * self._pull(noisy, timesteps, tokens, relief, heard)
        text = networks.text_encoder(tokens).last_hidden_state
        features = [feature * heard for feature in networks.adapter(relief)]
        predicted = networks.unet(
            noisy, timesteps, text, down_intrablock_additional_residuals=features
        ).sample
        labels = batch.labels.to(device)
        rare = rarity(labels)
        weights = (standing_out(latents) + rare[:, None]) / 2 * picture_weight(timesteps, self.table)
        loss = (weights * (predicted - velocity).square()).mean()
        naming = self.labeller.loss(labels, rare)
        _descend(self.painter, loss + NAMING * naming, moment.rate, self._parameters)
        # A young average forgets its random start sooner.
        self._average(min(AVERAGING, (moment.step + 1) / (moment.step + 10)))
        return float(loss.detach()), float(naming.detach())

    @torch.no_grad()
    def _pull(
        self, noisy: Tensor, timesteps: Tensor, tokens: Tensor, relief: Tensor, heard: Tensor
    ) -> Tensor:
        """What the teacher's velocity gains by the words; nothing where there are none.

        In the mean over the data, velocity + (guidance - 1) pull is what guidance makes of a prediction
        (Ho and Salimans 2207.12598, equation 6). The data's own difference to a prediction without words
        would do, too, at guidance squared times the noise. The teacher stands still: of a network that learns
        guidance it would be guidance on guidance.
        """
        if self.teacher is None:
            raise RuntimeError("guidance is learned from a teacher, and there is none")
        text = self.teacher.text_encoder(torch.cat([tokens, self.silence])).last_hidden_state
        text = torch.cat([text[:-1], text[-1:].expand(len(tokens), -1, -1)])
        features = [feature * heard for feature in self.teacher.adapter(relief)]
        said, unsaid = self.teacher.unet(
            torch.cat([noisy, noisy]), torch.cat([timesteps, timesteps]), text,
            down_intrablock_additional_residuals=[torch.cat([f, f]) for f in features],
        ).sample.chunk(2)  # fmt: skip
        return said - unsaid

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
