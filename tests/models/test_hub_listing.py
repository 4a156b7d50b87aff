"""What is fetched of somebody's repository: safetensors, the smaller of twins, and never a pickle."""

from __future__ import annotations

import pytest

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.hub_files import Listing

SD = ("model_index.json", "unet/config.json", "vae/config.json", "README.md", "v1-5.safetensors", "v1-5.ckpt")
UNET = "unet/diffusion_pytorch_model"
VAE = "vae/diffusion_pytorch_model"


def weights_of(*names: str) -> set[str]:
    return set(Listing("a/b", tuple((name, 1_000_000) for name in names)).part.weights)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ((*SD, f"{UNET}.fp16.safetensors", f"{UNET}.safetensors", f"{UNET}.bin", f"{VAE}.safetensors",
          f"{UNET}.non_ema.safetensors", "safety_checker/model.safetensors"),
         {f"{UNET}.fp16.safetensors", f"{VAE}.safetensors"}),
        ((*SD, f"{UNET}.safetensors", f"{UNET}.non_ema.safetensors"), {f"{UNET}.safetensors"}),
        ((*SD, f"{UNET}-00001-of-00002.safetensors", f"{UNET}-00002-of-00002.safetensors",
          f"{UNET}.safetensors.index.json"),
         {f"{UNET}-00001-of-00002.safetensors", f"{UNET}-00002-of-00002.safetensors",
          f"{UNET}.safetensors.index.json"}),
        (("config.json", "diffusion_pytorch_model.bin", "diffusion_pytorch_model.safetensors",
          "diffusion_pytorch_model.fp16.safetensors"), {"diffusion_pytorch_model.fp16.safetensors"}),
        (("README.md", "pytorch_lora_weights.safetensors"), {"pytorch_lora_weights.safetensors"}),
    ],
)  # fmt: skip
def test_the_smaller_of_twins_is_chosen(names: tuple[str, ...], chosen: set[str]) -> None:
    assert weights_of(*names) == chosen


@pytest.mark.parametrize(
    ("names", "code", "words"),
    [
        (("README.md", "a.ckpt"), ErrorCode.PICKLE_REFUSED, "a.ckpt"),
        ((*SD, f"{UNET}.bin"), ErrorCode.PICKLE_REFUSED, "pickled"),
        (("README.md",), ErrorCode.MODEL_NOT_FOUND, "a/b"),
        (("1step.safetensors", "4step.safetensors"), ErrorCode.MODEL_INCOMPATIBLE, "2 weight files"),
    ],
)
def test_what_has_nothing_to_paint_with_is_told(names: tuple[str, ...], code: ErrorCode, words: str) -> None:
    with pytest.raises(ModelError) as refused:
        weights_of(*names)
    assert (refused.value.code, words in str(refused.value)) == (code, True)


def test_size_and_licence_are_those_of_what_is_fetched() -> None:
    files = (("config.json", 10), ("a.fp16.safetensors", 2_000_000), ("a.safetensors", 4_000_000))
    part = Listing("a/b", files, "mit").part
    assert (part.megabytes, part.licence, part.configured) == (2, "mit", True)
    assert not Listing("a/b", files[1:2]).part.configured
