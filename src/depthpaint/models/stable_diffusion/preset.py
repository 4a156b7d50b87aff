"""A Stable Diffusion by name, and what it paints best with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from depthpaint.models.hub_part import HubPart
from depthpaint.models.stable_diffusion.habits import LARGEST_SHARE, SMALLEST_SHARE
from depthpaint.plan import ModelHabits

Family = Literal["SD 1.5", "SD 2", "SDXL"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A model with its depth control: `base` is in diffusers' layout; `lora` one file of a repository.

    `trained_on` says what depth the control saw, `also` where the networks of further controls are.
    `unchecked` is what could not be looked up about it, "" where all was.
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
        """All that is downloaded for it."""
        return [part for part in (self.base, self.control, self.lora) if part is not None]

    @property
    def megabytes(self) -> int:
        """To download, without further controls."""
        return sum(part.megabytes for part in self.parts)

    @property
    def licence(self) -> str:
        """Of all parts."""
        return " + ".join(dict.fromkeys(part.licence for part in self.parts))


def usual_habits(name: str, side: int, multiple: int, **settings: Any) -> ModelHabits:
    """Those of a model trained at `side` x `side` pixels, but for `settings`."""
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
