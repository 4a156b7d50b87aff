"""The Stable Diffusions by name: what they paint best with, and what is not certain.

Repositories, file names, sizes, licences and settings are as their pages have them; what could not be looked
up is said in `unchecked`. None was downloaded by depthpaint's own tests.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from depthpaint.models.hub_part import HubPart
from depthpaint.models.stable_diffusion import hub_parts as parts
from depthpaint.models.stable_diffusion.preset import Preset, usual_habits

_FEW: dict[str, Any] = {
    "sampler": "euler", "schedule": "trailing", "num_inference_steps": 4, "guidance_scale": 1.0,
}  # fmt: skip
_MIDAS = "MiDaS disparity, near white"
_MIRROR = "Stability AI withdrew SD 2 in November 2025; this is a mirror that is not its own"
_SD21_CONTROL = (
    "the control network is a copy in safetensors of thibaud's, which is a pickle and names no licence now"
)
_HYPER = "licence of the LoRA: its page named OpenRAIL++ in 2024 and names none now"
_UNTRIED = "how well a control network of {} fits it"

_SD15 = Preset(
    family="SD 1.5", habits=usual_habits("sd15", 512, 64), base=parts.SD15, control=parts.SD15_DEPTH,
    also=parts.SD15_ALSO, trained_on="MiDaS, LeReS and Zoe depth, near white",
    summary="Stable Diffusion 1.5, 512x512: the most tried one, the least memory",
)  # fmt: skip
_SDXL = Preset(
    family="SDXL", base=parts.SDXL, control=parts.SDXL_DEPTH, also=parts.SDXL_ALSO, trained_on=_MIDAS,
    habits=usual_habits(
        "sdxl", 1024, 32, guidance_scale=5.0, num_inference_steps=25, control_strength=0.5
    ),
    summary="Stable Diffusion XL, 1024x1024: better pictures, four times the work",
)  # fmt: skip


def _like(preset: Preset, name: str, summary: str, control: HubPart, **settings: Any) -> Preset:
    """The same model with another control network."""
    trained_on = settings.pop("trained_on", _MIDAS)
    habits = replace(preset.habits, name=name, **settings)
    return replace(preset, habits=habits, summary=summary, control=control, trained_on=trained_on)


def _fast(preset: Preset, name: str, by: str, lora: HubPart, unchecked: str = "", **settings: Any) -> Preset:
    """The same model in four steps."""
    return replace(
        preset, habits=replace(preset.habits, **(_FEW | {"name": name} | settings)), lora=lora,
        summary=f"{preset.family} in 4 steps by {by}", unchecked=unchecked,
    )  # fmt: skip


_SD2 = (
    Preset(
        family="SD 2", habits=usual_habits("sd21", 768, 64, prediction="v_prediction"), base=parts.SD21,
        control=parts.SD21_DEPTH, trained_on=_MIDAS, summary="Stable Diffusion 2.1, 768x768",
        unchecked=f"{_MIRROR}; {_SD21_CONTROL}",
    ),
    Preset(
        family="SD 2",
        habits=usual_habits("sd2-depth", 512, 64, sampler="ddim", schedule="leading", num_inference_steps=30),
        base=parts.SD2_DEPTH, control=None, unchecked=_MIRROR,
        trained_on="MiDaS DPT-hybrid, as a fifth channel of the latents",
        summary="SD 2 with depth built in, 512x512: no control network",
    ),
    Preset(
        family="SD 2", habits=usual_habits("sd-turbo", 512, 64, **_FEW), base=parts.SD_TURBO,
        control=parts.SD21_DEPTH, trained_on=_MIDAS, summary="SD-Turbo in 4 steps, 512x512",
        unchecked=f"{_UNTRIED.format('SD 2.1')}; {_SD21_CONTROL}; the licence of the model",
    ),
)  # fmt: skip

_ROWS = (
    _SD15,
    _like(
        _SD15, "sd15-controlnet-plus-plus",
        "SD 1.5 with ControlNet++, which was trained to keep the depth more exactly", parts.SD15_PLUS,
        trained_on="MiDaS DPT disparity (ControlNet++, 2404.07987), near white",
    ),
    _fast(_SD15, "sd15-lcm", "LCM-LoRA", parts.SD15_LCM, sampler="lcm"),
    _fast(_SD15, "sd15-hyper", "Hyper-SD", parts.SD15_HYPER, _HYPER, sampler="ddim"),
    *_SD2,
    _SDXL,
    _like(_SDXL, "sdxl-mid", "SDXL with a control network of a fifth of the size", parts.SDXL_DEPTH_MID),
    _like(
        _SDXL, "sdxl-small", "SDXL with a control network of a seventh of the size", parts.SDXL_DEPTH_SMALL
    ),
    _like(
        _SDXL, "sdxl-xinsir", "SDXL with the control network of xinsir, which binds more", parts.SDXL_XINSIR,
        trained_on="MiDaS and Zoe depth, near white", control_strength=1.0,
    ),
    replace(
        _like(
            _SDXL, "sdxl-union", "SDXL with xinsir's union of control networks, for --also without another",
            parts.SDXL_UNION, trained_on="MiDaS and Zoe depth, near white", control_strength=1.0,
        ),
        also=parts.SDXL_UNION_ALSO,
        unchecked="the size of the control network, which is what its layout comes to; what depth it saw",
    ),
    _like(
        _SDXL, "sdxl-t2i-adapter", "SDXL with a T2I-Adapter: depth costs next to nothing, and binds less",
        parts.SDXL_ADAPTER, control_strength=1.0,
    ),
    replace(
        _SDXL, habits=usual_habits(
            "sdxl-turbo", 512, 32, **(_FEW | {"sampler": "euler-ancestral"}), control_strength=0.5
        ),
        base=parts.SDXL_TURBO, summary="SDXL-Turbo in 4 steps, 512x512",
        unchecked=_UNTRIED.format("SDXL"),
    ),
    _fast(_SDXL, "sdxl-lcm", "LCM-LoRA", parts.SDXL_LCM, sampler="lcm"),
    _fast(_SDXL, "sdxl-lightning", "SDXL-Lightning", parts.SDXL_LIGHTNING),
    _fast(_SDXL, "sdxl-hyper", "Hyper-SD", parts.SDXL_HYPER, _HYPER, sampler="ddim"),
)  # fmt: skip

PRESETS: dict[str, Preset] = {preset.habits.name: preset for preset in _ROWS}
