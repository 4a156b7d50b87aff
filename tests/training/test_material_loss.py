"""A material that is painted flat is missed, and only where the true picture shows it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from depthpaint.training.material_loss import MaterialReader
from depthpaint.training.worlds.words import MATERIALS

BRICK = list(MATERIALS).index("brick") + 1
WALL = 1


def walls(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Latents (count, 4, 8, 8) of walls, every second one of bricks; their labels, and weights."""
    generator = torch.Generator().manual_seed(seed)
    latents = 0.1 * torch.randn(count, 4, 8, 8, generator=generator)
    latents[:, :3] += torch.randn(count, 3, 1, 1, generator=generator)
    labels = torch.zeros(count, 8, 8, 3, dtype=torch.long)
    labels[..., 0] = WALL
    labels[::2, ..., 2] = BRICK
    rows = torch.arange(8)[None, :] + torch.randint(2, (count, 1), generator=generator)
    latents[::2, 3] += (1 - 2.0 * (rows % 2))[::2, :, None]
    return latents, labels, torch.ones(count, 8, 8)


@pytest.fixture(scope="module")
def reader() -> MaterialReader:
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(0)
        reader = MaterialReader(4)
    optimizer = torch.optim.AdamW(reader.parameters(), lr=2e-3)
    for step in range(60):
        optimizer.zero_grad()
        reader.learning_loss(*walls(16, step), generator).backward()
        optimizer.step()
    return reader


def missed(reader: MaterialReader, found: Tensor, wanted: Tensor, labels: Tensor) -> Tensor:
    weights = torch.ones(labels.shape[:3])
    return reader.missed(found, wanted, labels, weights, torch.Generator().manual_seed(1))


def test_bricks_are_missed_where_they_are_painted_flat(reader: MaterialReader) -> None:
    latents, labels, _ = walls(16, 1000)
    flat = latents.clone()
    flat[:, 3] = 0
    flat.requires_grad_()
    loss = missed(reader, flat, latents, labels)
    assert loss.detach() > 0.35  # half of the walls are of brick
    loss.backward()
    assert flat.grad is not None
    assert float(flat.grad[::2].abs().sum()) > 0


def test_bricks_may_lie_elsewhere_and_smooth_walls_stay_smooth(reader: MaterialReader) -> None:
    latents, labels, _ = walls(16, 1000)
    moved = latents.clone()
    moved[:, 3] *= -1
    assert missed(reader, moved, latents, labels).detach() < 0.05
    patterned = latents.flip(0)
    assert missed(reader, patterned, latents, labels).detach() > 0.7


def test_what_has_no_name_is_not_asked(reader: MaterialReader) -> None:
    latents, labels, _ = walls(4, 1000)
    labels[..., 0] = 0
    assert missed(reader, torch.zeros_like(latents), latents, labels).detach() == 0
