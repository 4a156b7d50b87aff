"""What diorama-depth learns from: pictures at the area it sees, with the depth of their own place."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file

from depthpaint.core.regular_file import read_document
from depthpaint.models.estimators.diorama_depth import DioramaDepth
from depthpaint.models.estimators.registry import DIORAMA_DEPTH, ESTIMATORS, ShippedEntry
from training.command import train_depth_estimator, with_earlier
from training.depth_examples import PAINTED, depth_batches
from training.depth_network import depth_loss
from training.painted_shards import paint_shard, painted_file
from training.scores.picture import squared_error
from training.worlds import shards
from training.worlds.shards import LARGE, SMALL, make_shard, render_shard, shard_file

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("worlds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "make_shard", partial(make_shard, count=4))
        for area in (SMALL, LARGE):
            render_shard(folder, 1, area)
    return folder


def test_batches_are_of_the_small_area_whatever_they_come_from(folder: Path) -> None:
    batches = depth_batches(folder, 4, 0)
    for _ in range(6):
        picture, root = next(batches)
        assert picture.shape == (4, 3, 96, 160)
        assert root.shape == (4, 1, 96, 160)
        assert (float(root.amin((1, 2, 3)).max()), float(root.amax((1, 2, 3)).min())) == (0.0, 1.0)
        assert float(picture.min()) >= 0
        assert float(picture.max()) <= 1


def test_depth_goes_where_its_picture_goes(tmp_path: Path) -> None:
    """Mirrored, zoomed, reduced: where a picture is bright, its depth is near."""
    near = torch.zeros(4, 192, 320, dtype=torch.int32)
    near[:, 60:150, 40:170] = 65535
    picture = (near // 257).to(torch.uint8)[..., None].expand(-1, -1, -1, 3).contiguous()
    save_file({"picture": picture, "depth": near.to(torch.uint16)}, tmp_path / "large-00000.safetensors")
    batches = depth_batches(tmp_path, 4, 0)
    for _ in range(20):
        shown, root = next(batches)
        apart = ((shown.mean(1, keepdim=True) > 0.45) != (root > 0.7)).float().mean()
        assert float(apart) < 0.06


def test_painted_worlds_are_learned_from_too(tmp_path: Path) -> None:
    one = {
        "picture": torch.zeros(2, 64, 64, 3, dtype=torch.uint8),
        "depth": torch.zeros(2, 64, 64, dtype=torch.uint16),
    }
    save_file(one, tmp_path / f"{PAINTED}-00000.safetensors")
    assert next(depth_batches(tmp_path, 2, 0))[0].shape == (2, 3, 64, 64)


def test_nothing_to_learn_from_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="render worlds first"):
        next(depth_batches(tmp_path, 2, 0))


def test_the_loss_wants_the_ranks_of_a_wall_that_takes_little_of_the_range() -> None:
    """Nine tenths of the picture lie in a hundredth of its range: turned around, they cost as ranks do."""
    wall = torch.linspace(0.50, 0.51, 900)
    root = torch.cat([wall, torch.linspace(0.9, 1.0, 100)]).view(1, 1, 40, 25)
    turned = torch.cat([wall.flip(0), torch.linspace(0.9, 1.0, 100)]).view(1, 1, 40, 25)
    assert float(depth_loss(root, root)) == pytest.approx(0, abs=1e-5)
    assert float(depth_loss(turned, root)) > 0.3
    found = turned.clone().requires_grad_()
    depth_loss(found, root).backward()
    assert found.grad is not None
    assert torch.isfinite(found.grad).all()


def test_a_shard_is_painted_once_at_the_area_that_is_learned_from(folder: Path) -> None:
    paint_shard(folder, 1)
    painted, rendered = load_file(painted_file(folder, 1)), load_file(shard_file(folder, 1, LARGE))
    assert painted["picture"].shape == (4, 96, 160, 3)
    depth = (
        rendered["depth"].to(torch.int32).float().unflatten(1, (96, 2)).unflatten(3, (160, 2)).mean((2, 4))
    )
    assert float((painted["depth"].to(torch.int32) - depth).abs().max()) < 2
    likeness = [
        psnr_of(one.numpy(), np.asarray(Image.fromarray(render.numpy()).reduce(2)))
        for one, render in zip(painted["picture"], rendered["picture"], strict=True)
    ]
    assert np.median(likeness) > 12, "what is painted are these worlds"
    before = painted_file(folder, 1).stat().st_mtime_ns
    paint_shard(folder, 1)
    assert painted_file(folder, 1).stat().st_mtime_ns == before


def psnr_of(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return 10 * float(np.log10(255**2 / squared_error(one, other)))


def test_the_estimator_is_trained_and_exported_by_one_command(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "worlds").symlink_to(folder)
    start = cast("ShippedEntry", ESTIMATORS[DIORAMA_DEPTH]).folder

    def rendered_already(*given: object) -> None:
        pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.command.render", rendered_already)
        patch.setattr("training.depth_recipe.BATCH", 2)
        train_depth_estimator(tmp_path, 0.02, 2, start)
    facts, earlier = (
        read_document(DIORAMA_DEPTH, where)["facts"] for where in (tmp_path / DIORAMA_DEPTH, start)
    )
    assert facts["pictures"] > earlier["pictures"]
    found = DioramaDepth("new", tmp_path / DIORAMA_DEPTH).estimate(np.full((64, 64, 3), 99, np.uint8))
    assert found.shape == (64, 64)


def test_what_made_a_model_is_added_up() -> None:
    facts = with_earlier(
        {"samples": 3, "minutes": 0.5, "date": "now"}, {"samples": 4, "minutes": 1.25, "date": "then"}
    )
    assert facts == {"samples": 7, "minutes": 1.8, "date": "now"}
    assert with_earlier({"samples": 3}, {}) == {"samples": 3}
    assert with_earlier({"large_worlds": 256}, {"large_worlds": 512}) == {"large_worlds": 512}, (
        "the same ones"
    )
