"""The fields of the web UI's requests, and what its names of samplers and schedules mean."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from depthpaint.core.errors import DepthpaintError, ErrorCode
from depthpaint.record.infotext import SAMPLER_NAMES, SCHEDULE_NAMES

UNIVERSAL_STEPS = 20
"""What every client of this interface sends if its user says nothing."""
SIDE = 512
"""Width and height of requests that give none."""
MOST = 100
_MOST_SEED = 2**53


class TextToImage(BaseModel):
    """What a client may send; null is as absent. Fields of the web UI without effect here are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)

    prompt: str | None = Field("", max_length=32_000)
    negative_prompt: str | None = Field("", max_length=32_000)
    seed: int | None = Field(-1, ge=-1, le=_MOST_SEED)
    steps: int | None = Field(UNIVERSAL_STEPS, ge=1, le=1000)
    cfg_scale: float | None = Field(7.0, ge=0, le=100)
    width: int | None = Field(None, ge=8, le=8192, description=f"Default: {SIDE}.")
    height: int | None = Field(None, ge=8, le=8192, description=f"Default: {SIDE}.")
    batch_size: int | None = Field(1, ge=1, le=MOST)
    n_iter: int | None = Field(1, ge=1, le=MOST)
    sampler_name: str | None = None
    sampler_index: str | None = None
    scheduler: str | None = None
    override_settings: dict[str, Any] | None = None
    alwayson_scripts: dict[str, Any] | None = None
    send_images: bool | None = True
    script_name: str | None = None


_ALIASES = {
    **{name.lower(): ours for ours, name in SAMPLER_NAMES.items()},
    **{ours: ours for ours in SAMPLER_NAMES},
    "k_euler": "euler", "k_euler_a": "euler-ancestral", "k_euler_ancestral": "euler-ancestral",
    "euler ancestral": "euler-ancestral", "k_heun": "heun", "k_dpmpp_2m": "dpm++-2m", "dpm++ 2m": "dpm++-2m",
    "k_lcm": "lcm",
}  # fmt: skip
_SCHEDULES = {
    **{name.lower(): ours for ours, name in SCHEDULE_NAMES.items()},
    "sgm_uniform": "trailing", "sgm uniform": "trailing", "simple": "trailing", "normal": "linspace",
    "uniform": "linspace", "ddim_uniform": "leading", "ddim uniform": "leading", "karras": "karras",
    "exponential": "exponential",
}  # fmt: skip


def sampler_of(name: str | None) -> tuple[str | None, str | None]:
    """Our sampler and schedule of the web UI's name; None is the model's own. Raises DepthpaintError."""
    if not name:
        return None, None
    lower, schedule = name.lower().strip(), None
    for suffix in ("karras", "exponential"):
        if lower.endswith((f" {suffix}", f"_{suffix[:2]}")):
            schedule = suffix
            lower = lower.removesuffix(f" {suffix}").removesuffix(f"_{suffix[:2]}")
    if lower not in _ALIASES:
        raise DepthpaintError(
            f"Sampler not found: '{name[:60]}'", code=ErrorCode.SAMPLER_NOT_FOUND,
            remedy=f"choose one of {', '.join(SAMPLER_NAMES.values())}",
        )  # fmt: skip
    return _ALIASES[lower], schedule


def schedule_of(name: str | None) -> str | None:
    """Our schedule of the web UI's name; None is the model's own. Raises DepthpaintError."""
    if not name or name.lower() == "automatic":
        return None
    if name.lower() not in _SCHEDULES:
        raise DepthpaintError(
            f"Scheduler not found: '{name[:60]}'", code=ErrorCode.SCHEDULER_NOT_FOUND,
            remedy=f"choose one of automatic, {', '.join(sorted(set(_SCHEDULES)))}",
        )  # fmt: skip
    return _SCHEDULES[name.lower()]
