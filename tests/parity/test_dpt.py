"""DPT by our loading and preprocessing, beside transformers' own, with random weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.estimators.registry import load_estimator

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small DPT with random weights."""
    from transformers import DPTConfig, DPTForDepthEstimation

    torch.random.default_generator.manual_seed(0)
    path = tmp_path_factory.mktemp("hub") / "dpt"
    network = DPTForDepthEstimation(DPTConfig(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=2, intermediate_size=64, image_size=384,
        patch_size=16, backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 16, 16, 16],
        fusion_hidden_size=16, is_hybrid=False,
    ))  # fmt: skip
    with torch.no_grad():
        # Random weights alone see next to nothing anywhere, and the head cuts off what is below.
        network.get_parameter("head.head.4.bias").fill_(1.0)
        network.get_parameter("head.head.4.weight").mul_(50)
    network.save_pretrained(path)
    return path


@pytest.mark.parametrize("shape", [(61, 97), (300, 1000), (384, 384)])
def test_it_is_what_transformers_makes_of_it(folder: Path, shape: tuple[int, int]) -> None:
    """The published processor's settings: a square of 384, linear, colours from -1 to 1."""
    from transformers import AutoModelForDepthEstimation
    from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

    photo = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    processor = DPTImageProcessorPil(
        do_resize=True, size={"height": 384, "width": 384}, keep_aspect_ratio=False, ensure_multiple_of=1,
        resample=Image.Resampling.BILINEAR, do_rescale=True, rescale_factor=1 / 255, do_normalize=True,
        image_mean=[0.5, 0.5, 0.5], image_std=[0.5, 0.5, 0.5], do_pad=False,
    )  # fmt: skip
    inputs = processor(Image.fromarray(photo), return_tensors="pt")
    with torch.inference_mode():
        answer = AutoModelForDepthEstimation.from_pretrained(folder)(**inputs).predicted_depth
    expected = torch.nn.functional.interpolate(answer[:, None], shape, mode="bilinear")[0, 0].numpy()
    estimator = load_estimator(str(folder))
    found = estimator.estimate(photo)
    assert estimator.quantity == "disparity"
    assert found.shape == shape
    assert np.ptp(expected) > 0
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def test_what_is_never_called_may_be_missing_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    photo = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    tensors = load_file(folder / "model.safetensors")
    unused = [name for name in tensors if "fusion_stage.layers.0.residual_layer1" in name]
    assert unused
    for lost in (unused, ["head.head.0.bias"]):
        shutil.copytree(folder, tmp_path / lost[0])
        kept = {name: tensor for name, tensor in tensors.items() if name not in lost}
        save_file(kept, tmp_path / lost[0] / "model.safetensors", {"format": "pt"})
    seen = [load_estimator(str(path)).estimate(photo) for path in (folder, tmp_path / unused[0])]
    assert np.array_equal(*seen)
    with pytest.raises(ModelError, match="lack 1 tensors") as refused:
        load_estimator(str(tmp_path / "head.head.0.bias"))
    assert refused.value.code is ErrorCode.MODEL_INCOMPATIBLE
