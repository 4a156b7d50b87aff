"""One step of learning: what the network is shown, and what is asked of its answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from depthpaint.models.diorama.files import FOLDER
from training import learner as steps
from training import recipe
from training.course import DECIDING, Moment
from training.diffusion import alphas_cumprod
from training.examples import Examples
from training.worlds.shards import SMALL

pytestmark = pytest.mark.full


def test_the_painter_learns_to_name_what_it_paints(data: Path, tmp_path: Path) -> None:
    (tmp_path / "worlds").symlink_to(data / "worlds")
    learner, _ = recipe._begin(tmp_path, "cpu", 0, None)  # pyright: ignore[reportPrivateUsage]
    examples = Examples(tmp_path / "worlds")
    examples.refresh(1)
    generator = torch.Generator().manual_seed(0)
    naming = [
        learner.painter_step(examples.batch(4, SMALL, generator), Moment(1e-3, DECIDING, step), generator)[1]
        for step in range(40)
    ]
    assert sum(naming[-5:]) < 0.75 * sum(naming[:5])
    assert "labeller" in learner.modules(), "a run that goes on has to find it"
    assert "labeller" not in learner.trained().painters(), "what is exported has no use for it"


def test_a_painted_batch_shows_the_network_what_it_made_itself(data: Path, tmp_path: Path) -> None:
    """Pure noise first, then DDIM's step from there: no picture of the data is ever seen."""
    (tmp_path / "worlds").symlink_to(data / "worlds")
    examples = Examples(tmp_path / "worlds")
    examples.refresh(1)
    batch = examples.batch(2, SMALL, torch.Generator().manual_seed(0))
    learner, _ = recipe._begin(tmp_path, "cpu", 0, FOLDER)  # pyright: ignore[reportPrivateUsage]
    seen: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []

    def look(_: torch.nn.Module, given: tuple[torch.Tensor, ...], answer: object) -> None:
        seen.append((given[0].detach(), given[1], answer.sample.detach()))  # pyright: ignore

    learner.networks.unet.register_forward_hook(look)
    learner.painter_step(batch, Moment(0.0, DECIDING, 0, painted=True), torch.Generator().manual_seed(1))
    (noise, first, velocity), (noisy, second, _) = seen
    assert first.tolist() == [999, 999]
    assert 0.9 < float(noise.std()) < 1.1
    assert bool(((second >= 500) & (second < 900)).all())
    kept = alphas_cumprod()[second][:, None, None, None]
    assert torch.allclose(noisy, kept.sqrt() * -velocity + (1 - kept).sqrt() * noise, atol=1e-4)


@pytest.mark.parametrize("weight", ["COLOURS_NAMED", "ROUGHNESS"])
def test_names_of_colours_and_strength_of_textures_are_asked_for(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weight: str
) -> None:
    (tmp_path / "worlds").symlink_to(data / "worlds")
    examples = Examples(tmp_path / "worlds")
    examples.refresh(1)
    batch = examples.batch(4, SMALL, torch.Generator().manual_seed(0))
    learner, _ = recipe._begin(tmp_path, "cpu", 0, FOLDER)  # pyright: ignore[reportPrivateUsage]

    def asked() -> float:
        moment = Moment(0.0, DECIDING, 0, painted=True)
        return learner.painter_step(batch, moment, torch.Generator().manual_seed(1))[0]

    whole = asked()
    assert asked() == pytest.approx(whole, abs=1e-4), "at a rate of nothing nothing is learned"
    monkeypatch.setattr(steps, weight, 0.0)
    assert asked() < whole - 0.01
