"""docs/explanation/sizes.md has the numbers of the models, and its examples are plans."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from depthpaint.core.geometry import Extent
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.models.stable_diffusion.presets import PRESETS
from depthpaint.plan import ModelHabits, plan_sizes

PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "sizes.md").read_text(encoding="utf-8")
ROWS = {
    "diorama": [DIORAMA],
    "SD 1.5, SD 2 with depth, SD Turbo": [
        PRESETS[name].habits for name in ("sd15", "sd15-lcm", "sd2-depth", "sd-turbo")
    ],
    "SD 2.1": [PRESETS["sd21"].habits],
    "SDXL": [PRESETS[name].habits for name in ("sdxl", "sdxl-small", "sdxl-lightning")],
    "SDXL Turbo": [PRESETS["sdxl-turbo"].habits],
}


@pytest.mark.parametrize("title", ROWS)
def test_the_table_has_the_areas_of_the_models(title: str) -> None:
    (row,) = re.findall(rf"^\| {re.escape(title)} \|(.*)\|$", PAGE, flags=re.M)
    for habits in ROWS[title]:
        areas = (habits.trained_area, habits.smallest_area, habits.largest_area)
        sides = [round(area**0.5) for area in areas]
        assert [cell.strip() for cell in row.split("|")] == [
            *(f"{side} x {side}" for side in sides),
            str(habits.multiple),
        ]


@pytest.mark.parametrize(
    ("habits", "output"), [(DIORAMA, Extent(940, 564)), (PRESETS["sd15"].habits, Extent(1280, 720))]
)
def test_the_examples_are_what_is_planned(habits: ModelHabits, output: Extent) -> None:
    sizes = plan_sizes(Extent(640, 480), habits, size=output)
    (shown,) = [block for block in PAGE.split("```") if f"output_size          {output}" in block]
    for name in ("depth_size", "content_size", "canvas_size", "latent_size"):
        assert re.search(rf"^{name} +{getattr(sizes, name)}$", shown, flags=re.M)
    assert f"content_box          {', '.join(map(str, sizes.content_box))}\n" in shown
    assert f"painted at {sizes.content_size}, the area {habits.name} was trained for" in shown
