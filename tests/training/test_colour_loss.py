"""A painted colour is read as the name that it would be given."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from depthpaint.models.diorama.files import FOLDER
from depthpaint.training.autoencoder import folded_encoder
from depthpaint.training.colour_loss import ColourLoss
from depthpaint.training.export import load_export
from depthpaint.training.networks import build_networks
from depthpaint.training.worlds.palette import COLOURS

NAMES = list(COLOURS)
ONES = torch.ones(1, 4, 4)


@pytest.fixture(scope="module")
def encoder() -> torch.nn.Conv2d:
    networks = build_networks()
    load_export(FOLDER, networks)
    return folded_encoder(networks.autoencoder)


def surface(colour: str, brightness: float = 0.9) -> Tensor:
    return (torch.tensor(COLOURS[colour]) * brightness)[None, :, None, None].expand(1, 3, 32, 32) * 2 - 1


def number(colour: str) -> Tensor:
    return torch.full((1, 4, 4), NAMES.index(colour) + 1)


def test_mean_colours_are_read_from_latents(encoder: torch.nn.Conv2d) -> None:
    coarse = torch.rand(2, 3, 4, 6, generator=torch.Generator().manual_seed(1)) * 2 - 1
    picture = torch.nn.functional.interpolate(coarse, scale_factor=8.0, mode="bilinear")
    means = torch.nn.functional.avg_pool2d(picture, 8) / 2 + 0.5
    assert torch.allclose(ColourLoss(encoder).colours(encoder(picture)), means, atol=0.01)


@pytest.mark.parametrize("colour", NAMES)
def test_a_right_colour_costs_nothing_and_another_name_all(encoder: torch.nn.Conv2d, colour: str) -> None:
    loss, wanted = ColourLoss(encoder), encoder(surface(colour))
    assert float(loss.loss(wanted, wanted, number(colour), ONES)) < 0.15
    for other in set(NAMES) - {colour}:
        assert float(loss.loss(encoder(surface(other)), wanted, number(colour), ONES)) > 0.85, other


def test_in_the_shade_a_colour_is_compared_with_others_in_the_shade(encoder: torch.nn.Conv2d) -> None:
    """Half as bright, white looks gray: but under this light gray would look darker still."""
    loss, wanted = ColourLoss(encoder), encoder(surface("white", 0.55))
    assert float(loss.loss(wanted, wanted, number("white"), ONES)) < 0.1


def test_what_has_no_colour_name_is_not_asked(encoder: torch.nn.Conv2d) -> None:
    loss, found = ColourLoss(encoder), encoder(surface("red")).requires_grad_()
    value = loss.loss(found, encoder(surface("blue")), torch.zeros(1, 4, 4, dtype=torch.long), ONES)
    value.backward()
    assert float(value.detach()) == 0
    assert float(found.grad.abs().sum()) == 0  # pyright: ignore[reportOptionalMemberAccess]


def test_of_two_names_one_is_decided_for(encoder: torch.nn.Conv2d) -> None:
    """A share of mistakes is least at red where red is likelier, and not between red and green."""
    loss, red, green = ColourLoss(encoder), encoder(surface("red")), encoder(surface("green"))

    def mistakes(found: Tensor) -> float:
        otherwise = [
            loss.loss(found, encoder(surface(name)), number(name), ONES) for name in ("red", "green")
        ]
        return float(0.6 * otherwise[0] + 0.4 * otherwise[1])

    assert mistakes(red) < 0.9 * mistakes(0.6 * red + 0.4 * green)
    assert mistakes(red) < 0.9 * mistakes(green)
