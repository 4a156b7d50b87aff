"""The presets are possible, and docs/how-to/models.md says of them what they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from depthpaint.depth.depth_map import PROFILES
from depthpaint.models.hub_files import HubPart
from depthpaint.models.stable_diffusion.presets import PRESETS, Preset
from depthpaint.plan import noise_schedule
from depthpaint.sampling.samplers import SAMPLERS

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "models.md").read_text(encoding="utf-8")
SIZES = {"sd21": 768, "sdxl-turbo": 512}


def parts_of(preset: Preset) -> list[HubPart]:
    return [*preset.parts, *preset.also.values()]


@pytest.mark.parametrize("name", PRESETS)
def test_habits_are_possible(name: str) -> None:
    preset = PRESETS[name]
    habits = preset.habits
    assert habits.name == name
    assert habits.sampler in SAMPLERS
    assert habits.profile in PROFILES
    assert noise_schedule(habits, habits.schedule, habits.num_inference_steps).levels
    side = SIZES.get(name, 1024 if preset.family == "SDXL" else 512)
    assert habits.trained_area == side * side
    assert habits.multiple == (32 if preset.family == "SDXL" else 64)
    assert habits.smallest_area < habits.trained_area < habits.largest_area
    assert (habits.prediction == "v_prediction") == (name == "sd21")
    assert (habits.guidance_scale == 1) == (habits.num_inference_steps == 4)


@pytest.mark.parametrize("name", PRESETS)
def test_nothing_but_named_safetensors_is_fetched(name: str) -> None:
    preset = PRESETS[name]
    for part in parts_of(preset):
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", part.repository)
        assert part.weights
        assert all(file.endswith(".safetensors") and "*" not in file for file in part.weights)
        assert part.megabytes > 100
        assert part.licence
        assert part.revision is None or re.fullmatch(r"[0-9a-f]{40}", part.revision)
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in part.sha256.values())
    assert (preset.lora is None) or (len(preset.lora.weights), preset.lora.configured) == (1, False)
    assert preset.control is not None or name == "sd2-depth"


def described(preset: Preset) -> str:
    habits = preset.habits
    text = (
        f"{preset.summary}. {preset.megabytes / 1000:.1f} GB; {habits.num_inference_steps} steps, "
        f"guidance {habits.guidance_scale:g}; {preset.licence.replace(' + ', ', ')}."
    )
    return f"{text} Not checked: {preset.unchecked}." if preset.unchecked else text


def test_the_page_has_every_preset_as_it_is() -> None:
    presets = PAGE.split("\n## Presets\n")[1].split("\n## ")[0]
    items = re.findall(r"^\* `([\w-]+)`: (.+(?:\n  .+)*)", presets, flags=re.MULTILINE)
    on_the_page = {name: " ".join(text.split()) for name, text in items}
    assert on_the_page == {name: described(preset) for name, preset in PRESETS.items()}
