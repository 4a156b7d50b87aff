"""Depth, normals and edges from the one depth map paint what diffusers' several ControlNets paint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from tiny_sd import save_control, save_model

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.engine import Engine
from depthpaint.models.painter import Runtime
from depthpaint.models.stable_diffusion.painter import StableDiffusion
from depthpaint.picture import hints_of
from depthpaint.request import Request

pytestmark = pytest.mark.filterwarnings("ignore")
SIDE, STEPS = 96, 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sd")
    model = save_model(folder / "model", "sd15")
    for seed, name in enumerate(("depth", "normal", "canny")):
        network: Any = diffusers.ControlNetModel.from_pretrained(save_control(folder / name, model))
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
        network.save_pretrained(folder / name)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    depth = y / SIDE + 0.5 * ((x - 30) ** 2 + (y - 30) ** 2 < 15**2)
    np.save(folder / "depth.npy", (depth / depth.max()).astype(np.float32))
    return folder


def asked(folder: Path, **more: Any) -> Request:
    values: dict[str, Any] = {
        "depth": folder / "depth.npy", "near": "white", "kind": "disparity", "prompt": "a red house",
        "size": (SIDE, SIDE), "num_inference_steps": STEPS, "guidance_scale": 5.0, "sampler": "ddim",
        "schedule": "trailing", "model": str(folder / "model"), "control": str(folder / "depth"),
        "control_strength": 0.8,
    }  # fmt: skip
    return Request(**(values | more))


def ours(request: Request, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    kept: list[np.ndarray] = []
    decode = StableDiffusion.decode

    def keep(self: StableDiffusion, latents: Any) -> np.ndarray:
        kept.append(latents.numpy())
        return decode(self, latents)

    with monkeypatch.context() as patch:
        patch.setattr(StableDiffusion, "decode", keep)
        Engine(runtime=Runtime("cpu")).paint(request)
    return kept[0][0]


def theirs(folder: Path, request: Request) -> np.ndarray:
    prepared = Engine().prepare(request)
    depth, plan = prepared.depth, prepared.plan
    hints = hints_of(depth, plan)
    names = list(hints)
    images = [
        torch.from_numpy(np.ascontiguousarray(hint))[None, None].expand(-1, 3, -1, -1)
        if hint.ndim == 2
        else torch.from_numpy(hint.transpose(2, 0, 1).copy())[None]
        for hint in hints.values()
    ]
    networks = [diffusers.ControlNetModel.from_pretrained(folder / name) for name in names]
    pipeline: Any = diffusers.StableDiffusionControlNetPipeline.from_pretrained(
        folder / "model", controlnet=networks
    )
    pipeline.set_progress_bar_config(disable=True)
    also = request.also or ()
    windows = [request.control_window or (0.0, 1.0), *(each.window for each in also)]
    return pipeline(
        request.prompt, image=images, width=SIDE, height=SIDE, num_inference_steps=STEPS, guidance_scale=5.0,
        controlnet_conditioning_scale=[0.8, *(each.strength for each in also)],
        control_guidance_start=[start for start, _ in windows],
        control_guidance_end=[end for _, end in windows],
        generator=torch.Generator().manual_seed(request.seeds[0]), output_type="latent",
    ).images[0].numpy()  # fmt: skip


@pytest.mark.full
def test_three_controls_with_their_own_strengths_and_windows(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    also = f"normal={folder / 'normal'}:0.6:0:0.5,canny={folder / 'canny'}:0.4:0.5:1"
    request = asked(folder, also=also, control_window=(0.0, 0.75))
    wanted = theirs(folder, request)
    assert np.abs(ours(request, monkeypatch) - wanted).max() <= 1e-3
    first, second = request.choice.also if request.also is None else request.also
    for spoiled in (
        (first,),
        (replace_also(first, strength=0.1), second),
        (first, replace_also(second, window=(0.0, 0.5))),
        (replace_also(first, control=second.control), replace_also(second, control=first.control)),
    ):
        other = ours(request.model_copy(update={"also": spoiled}), monkeypatch)
        assert np.abs(other - wanted).max() > 1e-2


def replace_also(also: Any, **fields: Any) -> Any:
    return also.model_copy(update=fields)


@pytest.mark.full
def test_only_the_further_controls_may_be_heard(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = asked(folder, also=f"canny={folder / 'canny'}", control_strength=0.0)
    assert np.abs(ours(request, monkeypatch) - theirs(folder, request)).max() > 1e-2, "0.8 there, 0 here"
    alone = ours(request, monkeypatch)
    assert np.abs(alone - ours(asked(folder, control_strength=0.0), monkeypatch)).max() > 1e-2


def test_a_network_that_nobody_named_is_asked_for(folder: Path) -> None:
    with pytest.raises(ModelError, match="--also normal=") as refused:
        Engine(runtime=Runtime("cpu")).paint(asked(folder, also="normal"))
    assert refused.value.code is ErrorCode.MODEL_NOT_FOUND
