"""Stock diffusers loads the exported folder and paints the same picture; a spoiled twin is told apart."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny, StableDiffusionAdapterPipeline
from numpy.typing import NDArray
from PIL import Image

from depthpaint.bench.contest import sphere_before_a_wall
from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.statistics import psnr
from depthpaint.depth.hints import relief_of
from depthpaint.engine import Engine
from depthpaint.model_choice import ModelChoice
from depthpaint.models.diorama.export import is_exported, write_diffusers_folder
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.models.diorama.painter import Diorama
from depthpaint.models.registry import find_model
from depthpaint.request import Request, request_from

# diffusers 0.42 hands torch tensors to np.array, and its adapter pipeline calls what diffusers deprecates.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The decode_latents method is deprecated:FutureWarning"),
]

Picture = NDArray[np.float64]
PROMPT = "photo of a red sphere on a blue floor and a yellow wall, in daylight"


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Picture]:
    folder = write_diffusers_folder(tmp_path_factory.mktemp("exported") / "diorama", DIORAMA)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        pipeline = StableDiffusionAdapterPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)

    def paint(depth: NDArray[np.float32], prompt: str, seed: int, strength: float = 1.0) -> Picture:
        return pipeline(
            prompt, image=torch.from_numpy(relief_of(depth))[None],
            height=depth.shape[0], width=depth.shape[1], num_inference_steps=8, guidance_scale=2.5,
            adapter_conditioning_scale=strength,
            generator=torch.Generator().manual_seed(seed), output_type="np",
        ).images[0].astype(np.float64)  # fmt: skip

    return paint


def own(path: Path, prompt: str, seed: int, strength: float = 1.0) -> Picture:
    request = Request(
        depth=path, prompt=prompt, seed=seed, size="depth", num_inference_steps=8, guidance_scale=2.5,
        control_strength=strength, sampler="dpm++-2m", schedule="trailing", finish=False,
    )  # fmt: skip
    return Engine().paint(request).pictures[0].pixels / 255


def painted(path: Path, model: str, prompt: str = PROMPT, seed: int = 12345, **settings: object) -> Picture:
    asked = {"depth": path, "prompt": prompt, "seed": seed, "model": model, "near": "white", **settings}
    return Engine().paint(request_from(asked)).pictures[0].pixels / 255


@pytest.mark.full
@pytest.mark.parametrize(("seed", "strength"), [(12345, 1.0), (0, 0.6)])
def test_the_same_picture(peer: Callable[..., Picture], tmp_path: Path, seed: int, strength: float) -> None:
    depth = sphere_before_a_wall(256)
    np.save(tmp_path / "depth.npy", depth)
    ours = own(tmp_path / "depth.npy", PROMPT, seed, strength)
    assert psnr(ours, peer(depth, PROMPT, seed, strength), peak=1) >= 40
    assert psnr(ours, peer(np.ascontiguousarray(depth[::-1]), PROMPT, seed, strength), peak=1) < 40, (
        "another depth"
    )
    assert psnr(ours, peer(depth, "a green cone on snow, at night", seed, strength), peak=1) < 40, (
        "another sentence"
    )


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_diffusers_folder(tmp_path_factory.mktemp("readme") / "diorama", DIORAMA)


@pytest.fixture
def depth_file(tmp_path: Path) -> Path:
    pixels = np.rint(sphere_before_a_wall(256) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "depth.png")
    return tmp_path / "depth.png"


@pytest.mark.full
def test_the_snippet_of_its_readme_paints_the_same_picture(
    exported: Path, depth_file: Path, tmp_path: Path
) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", (exported / "README.md").read_text(), re.DOTALL)
    copied = tmp_path / "exported"
    shutil.copytree(exported, copied)
    shutil.copy(depth_file, copied / "depth.png")
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, "-c", snippet], cwd=copied, env=environment, check=True)
    theirs = np.asarray(Image.open(copied / "picture.png")) / 255
    ours = painted(depth_file, "diorama", size="depth", finish=False)
    assert psnr(ours, theirs, peak=1) >= 40
    assert psnr(painted(depth_file, "diorama", size="depth", finish=False, seed=1), theirs, peak=1) < 40


@pytest.mark.full
@pytest.mark.parametrize("prompt", ["a room", PROMPT])
def test_generate_paints_from_the_folder(exported: Path, depth_file: Path, prompt: str) -> None:
    ours, theirs = (painted(depth_file, model, prompt=prompt) for model in ("diorama", str(exported)))
    assert np.abs(ours - theirs).max() <= 2 / 255


def test_its_encoder_is_that_of_the_folder(exported: Path) -> None:
    network = AutoencoderTiny.from_pretrained(exported / "vae")
    picture = np.random.default_rng(1).random((64, 96, 3), dtype=np.float32)
    centred = torch.from_numpy(picture.transpose(2, 0, 1)[None] * 2 - 1)
    with torch.inference_mode():
        theirs = network.encode(centred).latents.numpy()
    ours = cast("NDArray[np.float32]", Diorama(DIORAMA).encode(picture))
    assert np.abs(ours - theirs).max() <= 1e-3
    assert np.abs(ours - theirs[..., ::-1]).max() > 0.1


def test_only_an_exported_folder_is_taken_for_one(exported: Path, tmp_path: Path) -> None:
    assert is_exported(exported)
    assert find_model(ModelChoice(model=str(exported))).habits.num_inference_steps == 2
    other = tmp_path / "other"
    for name in ("unet", "vae", "adapter"):
        (other / name).mkdir(parents=True)
        shutil.copy(exported / name / "config.json", other / name)
    assert is_exported(other)
    configuration = json.loads((other / "unet" / "config.json").read_text())
    (other / "unet" / "config.json").write_text(json.dumps(configuration | {"_diffusers_version": "1.0"}))
    assert is_exported(other)
    (other / "unet" / "config.json").write_text(json.dumps(configuration | {"cross_attention_dim": 768}))
    assert not is_exported(other)
    shutil.rmtree(other / "adapter")
    assert not is_exported(other)


def test_a_folder_that_holds_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(OutputError) as caught:
        write_diffusers_folder(tmp_path, DIORAMA)
    assert caught.value.code is ErrorCode.OUTPUT_EXISTS
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
