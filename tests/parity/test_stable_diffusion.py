"""Every family paints what diffusers' pipeline paints, from random weights; a spoiled twin does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from tiny_sd import save_adapter, save_control, save_model, save_union

from depthpaint.engine import Engine
from depthpaint.model_choice import ModelChoice
from depthpaint.models.painter import Runtime
from depthpaint.models.registry import find_model
from depthpaint.models.stable_diffusion.painter import StableDiffusion
from depthpaint.request import Request

pytestmark = pytest.mark.filterwarnings("ignore")

WIDTH, HEIGHT, STEPS, SEED, PROMPT, NEGATIVE = 128, 96, 4, 12345, "a red house in the forest", "snowy"
FAMILIES = {
    "sd15": ("sd15", "control"), "sd21": ("sd21", "control"), "sd2-depth": ("sd2-depth", ""),
    "sdxl": ("sdxl", "control"), "t2i-adapter": ("sd15", "adapter"), "t2i-adapter-sdxl": ("sdxl", "adapter"),
    "sdxl-union": ("sdxl", "union"),
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    folder: Path
    control: Path | None
    kind: str


@pytest.fixture(
    scope="module",
    params=[
        family if family == "sd15" else pytest.param(family, marks=pytest.mark.full) for family in FAMILIES
    ],
)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    family, kind = FAMILIES[request.param]
    root = tmp_path_factory.mktemp(request.param)
    folder = save_model(root / family, family)
    saved = {
        "control": lambda: save_control(root / "control", folder),
        "union": lambda: save_union(root / "union", folder),
        "adapter": lambda: save_adapter(root / "adapter", xl=family == "sdxl"),
    }
    return Case(folder, saved[kind]() if kind else None, kind)


def depth_map() -> np.ndarray:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    values = y / HEIGHT + 0.5 * ((x - 40) ** 2 + (y - 50) ** 2 < 30**2)
    return (values / values.max()).astype(np.float32)


def ours(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: np.ndarray, **more: Any
) -> np.ndarray:
    """Latents painted by the engine."""
    kept: list[np.ndarray] = []
    decode = StableDiffusion.decode

    def keep(self: StableDiffusion, latents: Any) -> np.ndarray:
        kept.append(latents.numpy())
        return decode(self, latents)

    monkeypatch.setattr(StableDiffusion, "decode", keep)
    np.save(tmp_path / "depth.npy", depth)
    values: dict[str, Any] = {
        "depth": tmp_path / "depth.npy", "near": "white", "kind": "disparity", "prompt": PROMPT,
        "negative_prompt": NEGATIVE, "size": (WIDTH, HEIGHT), "seed": SEED, "num_inference_steps": STEPS,
        "guidance_scale": 5.0, "model": str(case.folder), "sampler": "ddim", "schedule": "trailing",
        "control": None if case.control is None else str(case.control),
    }  # fmt: skip
    Engine(runtime=Runtime("cpu", "fp32")).paint(Request(**(values | more)))
    return kept[0][0]


def theirs(case: Case, depth: np.ndarray) -> np.ndarray:
    """Latents painted by the pipeline of the family."""
    xl = (case.folder / "text_encoder_2").exists()
    shown = torch.from_numpy(depth)[None, None]
    options: dict[str, Any] = {
        "prompt": PROMPT, "negative_prompt": NEGATIVE, "num_inference_steps": STEPS, "guidance_scale": 5.0,
        "output_type": "latent", "generator": torch.Generator().manual_seed(SEED),
    }  # fmt: skip
    if not case.kind:
        pipeline = diffusers.StableDiffusionDepth2ImgPipeline.from_pretrained(
            case.folder, depth_estimator=None, feature_extractor=None
        )
        # It paints over a picture; what it starts from here is noise alone.
        noise = torch.randn((1, 4, HEIGHT // 8, WIDTH // 8), generator=options["generator"])
        pipeline.prepare_latents = lambda *_: noise
        pipeline.set_progress_bar_config(disable=True)
        image = torch.zeros(1, 3, HEIGHT, WIDTH)
        return pipeline(image=image, depth_map=shown[:, 0], strength=1.0, **options).images[0].numpy()
    options |= {"width": WIDTH, "height": HEIGHT}
    if case.kind == "adapter":
        name = "StableDiffusionXLAdapterPipeline" if xl else "StableDiffusionAdapterPipeline"
        pipeline = pipeline_of(name, case.folder, adapter=diffusers.T2IAdapter.from_pretrained(case.control))
        options |= {"image": shown.expand(-1, 3, -1, -1)}
    elif case.kind == "union":
        network = diffusers.ControlNetUnionModel.from_pretrained(case.control)
        pipeline = pipeline_of("StableDiffusionXLControlNetUnionPipeline", case.folder, controlnet=network)
        options |= {"control_image": [shown.expand(-1, 3, -1, -1)], "control_mode": [1]}
    else:
        name = "StableDiffusionXLControlNetPipeline" if xl else "StableDiffusionControlNetPipeline"
        network = diffusers.ControlNetModel.from_pretrained(case.control)
        pipeline = pipeline_of(name, case.folder, controlnet=network)
        options |= {"image": shown.expand(-1, 3, -1, -1)}
    return pipeline(**options).images[0].numpy()


def pipeline_of(name: str, folder: Path, **more: Any) -> Callable[..., Any]:
    pipeline = getattr(diffusers, name).from_pretrained(folder, **more)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def test_the_latents_are_those_of_the_pipeline(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = theirs(case, depth_map())

    def difference(depth: np.ndarray, **more: Any) -> float:
        return float(np.abs(ours(case, tmp_path, monkeypatch, depth, **more) - wanted).max())

    assert difference(depth_map()) <= 1e-3
    assert difference(depth_map()[:, ::-1]) > 1e-2, "another depth is another picture"
    assert difference(depth_map(), control_strength=0.5) > 1e-2
    assert difference(depth_map(), control_window=(0, 0.5)) > 1e-2


def test_the_memory_of_a_model_is_that_of_its_files(case: Case) -> None:
    choice = ModelChoice(model=str(case.folder), control=None if case.control is None else str(case.control))
    painter = find_model(choice).load(Runtime())
    folders = [case.folder] if case.control is None else [case.folder, case.control]
    sizes = [path.stat().st_size for folder in folders for path in folder.rglob("*.safetensors")]
    assert painter.memory == pytest.approx(sum(sizes), rel=0.15)  # names are in the files, too
