"""What diorama-depth learns from: pictures at the area it sees, with the depth of their own place."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from depthpaint.training.depth_examples import PAINTED, depth_batches
from depthpaint.training.depth_network import depth_loss
from depthpaint.training.worlds import shards
from depthpaint.training.worlds.shards import LARGE, SMALL, make_shard, render_shard


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
