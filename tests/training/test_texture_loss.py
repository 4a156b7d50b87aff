"""How rough a thing is counts, and not where its pattern lies."""

from __future__ import annotations

import torch

from training.picture_loss import BASE_CHANNELS
from training.texture_loss import texture_loss
from training.worlds.things import Things

STRIPES = torch.ones(1, 16, 8, 8)
STRIPES[..., ::2] = -1
FLAT = torch.zeros(1, 16, 8, 8)
ONE = Things.of(torch.zeros(1, 8, 8, 3))


def test_a_pattern_elsewhere_is_as_good_and_none_is_not() -> None:
    assert float(texture_loss(STRIPES.roll(1, -1), STRIPES, ONE)) == 0
    assert float(texture_loss(FLAT, STRIPES, ONE)) > 0.9
    assert float(texture_loss(STRIPES, FLAT, ONE)) > 0.9


def test_mean_colours_are_no_texture() -> None:
    shaded = STRIPES.clone()
    shaded[:, :BASE_CHANNELS] *= 3
    assert float(texture_loss(shaded, STRIPES, ONE)) == 0


def test_each_thing_is_asked_for_its_own_roughness() -> None:
    """A rough wall beside a smooth floor is not a smooth wall beside a rough floor, though the sums agree."""
    labels = torch.zeros(1, 8, 8, 3)
    labels[:, 4:, :, 0] = 1
    wall, floor = STRIPES.clone(), STRIPES.clone()
    wall[:, :, 4:], floor[:, :, :4] = 0, 0
    assert float(texture_loss(floor, wall, Things.of(labels))) > 0.9
    assert float(texture_loss(wall, wall, Things.of(labels))) == 0


def test_the_slope_leads_from_flat_to_rough() -> None:
    faint = (0.2 * STRIPES).requires_grad_()
    texture_loss(faint, STRIPES, ONE).backward()
    assert faint.grad is not None
    assert (faint.grad * STRIPES)[:, BASE_CHANNELS:].max() < 0
