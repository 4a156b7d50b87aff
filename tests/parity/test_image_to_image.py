"""A picture to start from: the latents are those of diffusers' image to image pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image
from test_stable_diffusion import (
    HEIGHT,
    NEGATIVE,
    PROMPT,
    SEED,
    STEPS,
    WIDTH,
    Case,
    depth_map,
    ours,
    pipeline_of,
)
from tiny_sd import save_control, save_model

from depthpaint.models.stable_diffusion.device import Autoencoder

pytestmark = pytest.mark.filterwarnings("ignore")
PIXELS = np.random.default_rng(4).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture(
    scope="module", params=["sd15", *(pytest.param(f, marks=pytest.mark.full) for f in ("sd21", "sdxl"))]
)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    root = tmp_path_factory.mktemp(request.param)
    folder = save_model(root / request.param, request.param)
    return Case(folder, save_control(root / "control", folder), "control")


def theirs(case: Case, monkeypatch: pytest.MonkeyPatch, strength: float, **more: Any) -> np.ndarray:
    """Latents painted by the pipeline with a ControlNet; it starts from the mode, as we do, not a sample."""
    kind = diffusers.models.autoencoders.vae.DiagonalGaussianDistribution
    monkeypatch.setattr(kind, "sample", lambda self, generator=None: self.mode())
    xl = "XL" if (case.folder / "text_encoder_2").exists() else ""
    network = diffusers.ControlNetModel.from_pretrained(case.control)
    pipeline = pipeline_of(f"StableDiffusion{xl}ControlNetImg2ImgPipeline", case.folder, controlnet=network)
    for name, value in more.items():
        setattr(pipeline, name, value(pipeline))
    return pipeline(
        prompt=PROMPT, negative_prompt=NEGATIVE, image=Image.fromarray(PIXELS),
        control_image=torch.from_numpy(depth_map())[None, None].expand(-1, 3, -1, -1), strength=strength,
        num_inference_steps=STEPS, guidance_scale=5.0, controlnet_conditioning_scale=1.0,
        output_type="latent", generator=torch.Generator().manual_seed(SEED),
    ).images[0].numpy()  # fmt: skip


def painted(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> np.ndarray:
    Image.fromarray(PIXELS).save(folder / "start.png")
    values = {"init": folder / "start.png", "denoise": 0.5, "control_strength": 1.0, **more}
    return ours(case, folder, monkeypatch, depth_map(), **values)


def test_the_latents_are_those_of_the_pipeline(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = theirs(case, monkeypatch, 0.5)

    def difference(**more: Any) -> float:
        return float(np.abs(painted(case, tmp_path, monkeypatch, **more) - wanted).max())

    assert difference() <= 1e-3
    assert difference(denoise=0.75) > 1e-2, "another number of steps is another picture"
    assert difference(init=None) > 1e-2
    assert difference(control_strength=0) > 1e-2
    Image.fromarray(PIXELS[::-1]).save(tmp_path / "other.png")
    assert difference(init=tmp_path / "other.png") > 1e-2


@pytest.mark.full
def test_a_sampler_with_noise_of_its_own_draws_the_same(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ancestral(pipeline: Any) -> Any:
        return diffusers.EulerAncestralDiscreteScheduler.from_config(pipeline.scheduler.config)

    wanted = theirs(case, monkeypatch, 0.75, scheduler=ancestral)
    found = painted(case, tmp_path, monkeypatch, denoise=0.75, sampler="euler-ancestral")
    assert np.abs(found - wanted).max() <= 2e-3


def test_an_autoencoder_that_overflows_encodes_in_float32() -> None:
    from tiny_sd import vae

    torch.random.default_generator.manual_seed(1)
    network = vae().eval().to(torch.bfloat16)
    coder, picture = Autoencoder(network), torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.inference_mode():
        sound = coder.encode(picture)
        assert (sound.dtype, tuple(sound.shape), coder.notes) == (torch.float32, (1, 4, 4, 4), ())
        whole = network.encode

        def overflowing(given: torch.Tensor) -> Any:
            return whole(given * float("inf")) if given.dtype == torch.bfloat16 else whole(given)

        network.encode = overflowing
        again = coder.encode(picture)
    assert torch.isfinite(again).all()
    assert torch.allclose(again, sound, atol=0.05)
    assert coder.notes == ("encoded again in float32: in bfloat16 the colours overflowed",)
