"""A fixed sheet of held-out worlds, painted again and again while diorama learns: for eyes."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from depthpaint.models.diorama.family import DIORAMA
from depthpaint.plan import noise_schedule
from depthpaint.sampling.drive import Evaluate, drive
from depthpaint.sampling.guidance import denoised_from
from depthpaint.sampling.samplers import sampler_named
from training.examples import reliefs
from training.networks import Networks
from training.tokenizer import build_tokenizer
from training.worlds.caption import full_caption, visible_named
from training.worlds.families import random_world
from training.worlds.render import render_worlds
from training.worlds.shards import HELD_OUT_SEED, scaled_disparity

SIDE, WORLDS, COLUMNS = 128, 24, 8
TEXT_ROWS = 6


@dataclass(frozen=True, slots=True)
class SampleSheet:
    """What to paint: relief (N, 4, H, W), sentences, noise; renders (N, H, W, 3) in [0, 1]."""

    relief: Tensor
    captions: list[str]
    noise: Tensor
    renders: Tensor

    @classmethod
    def held_out(cls, latent_channels: int) -> SampleSheet:
        """The same worlds, whenever it is called."""
        worlds = [
            random_world(np.random.default_rng((HELD_OUT_SEED, 1, k)), ratio=1.0) for k in range(WORLDS)
        ]
        drawn = render_worlds(worlds, SIDE, SIDE)
        captions = [
            full_caption(world, visible_named(ids, len(world.named)))
            for world, ids in zip(worlds, drawn.ids, strict=True)
        ]
        shape = (WORLDS, latent_channels, SIDE // 8, SIDE // 8)
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(12345))
        return cls(reliefs(scaled_disparity(drawn.disparity)), captions, noise, drawn.picture)

    @torch.no_grad()
    def paint(self, networks: Networks) -> Tensor:
        """Pictures (N, H, W, 3) in [0, 1], by the networks as they are, in the steps of `generate`."""
        device = next(networks.unet.parameters()).device
        spoken = [encoding.ids for encoding in build_tokenizer().encode_batch(self.captions)]
        text = networks.text_encoder(torch.tensor(spoken, device=device)).last_hidden_state
        features = networks.adapter(self.relief.to(device))

        def denoise(request: Evaluate[Tensor]) -> Tensor:
            timestep = torch.full((len(spoken),), request.level.timestep, device=device)
            velocity = networks.unet(
                request.latents, timestep, text, down_intrablock_additional_residuals=list(features)
            ).sample
            return denoised_from("v_prediction", velocity, request.latents, request.level)

        levels = noise_schedule(DIORAMA, DIORAMA.schedule, DIORAMA.num_inference_steps).levels
        latents = drive(sampler_named(DIORAMA.sampler).start(self.noise.to(device), levels), denoise)
        pictures = networks.autoencoder.decode(latents).sample
        return (pictures.permute(0, 2, 3, 1) * 0.5 + 0.5).clamp(0, 1).cpu()

    def save(self, networks: Networks, path: Path) -> None:
        """Write the sheet: painted above rendered, and the sentence."""
        painted = self.paint(networks)
        font = ImageFont.load_default(9)
        height = 2 * SIDE + TEXT_ROWS * 11 + 6
        rows = -(-len(painted) // COLUMNS)
        sheet = Image.new("RGB", (COLUMNS * (SIDE + 4), rows * height), "white")
        pen = ImageDraw.Draw(sheet)
        for index, (picture, render, caption) in enumerate(
            zip(painted, self.renders, self.captions, strict=True)
        ):
            x, y = index % COLUMNS * (SIDE + 4), index // COLUMNS * height
            for below, shown in enumerate((picture, render)):
                pixels = (shown.numpy() * 255).round().astype(np.uint8)
                sheet.paste(Image.fromarray(pixels), (x, y + below * SIDE))
            lines = textwrap.wrap(caption, 28)[:TEXT_ROWS]
            pen.multiline_text((x, y + 2 * SIDE + 1), "\n".join(lines), fill="black", font=font, spacing=1)
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path)
