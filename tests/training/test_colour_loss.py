"""A painted colour is read as the name that it would be given."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from depthpaint.models.diorama.files import FOLDER
from training.autoencoder import folded_encoder
from training.colour_loss import ColourLoss
from training.export import load_export
from training.networks import build_networks
from training.worlds.palette import COLOURS
from training.worlds.things import Things

NAMES = list(COLOURS)


@pytest.fixture(scope="module")
def encoder() -> torch.nn.Conv2d:
    networks = build_networks()
    load_export(FOLDER, networks)
    return folded_encoder(networks.autoencoder)


def surface(colour: str, brightness: float = 0.9) -> Tensor:
    return (torch.tensor(COLOURS[colour]) * brightness)[None, :, None, None].expand(1, 3, 32, 32) * 2 - 1


def number(colour: str) -> int:
    return NAMES.index(colour) + 1


def labels(colour: int) -> Tensor:
    return torch.tensor([1, colour, 0]).expand(1, 16, 16, 3).clone()


def mistakes(encoder: torch.nn.Conv2d, found: Tensor, wanted: Tensor, named: Tensor) -> float:
    """Of pixels and of things, each in [0, 1]: their mean."""
    error = encoder(found) - encoder(wanted)
    return float(ColourLoss(encoder).loss(error, wanted, Things.of(named))) / 2


def test_how_colours_change_is_read_from_latents_finer_than_they_are(encoder: torch.nn.Conv2d) -> None:
    coarse = torch.rand(2, 3, 4, 6, generator=torch.Generator().manual_seed(1)) * 2 - 1
    picture = torch.nn.functional.interpolate(coarse, scale_factor=8.0, mode="bilinear")
    change = ColourLoss(encoder).colours(encoder(picture) - encoder(torch.zeros_like(picture)))
    squares = torch.nn.functional.avg_pool2d(picture, 2) / 2
    patches = torch.nn.functional.avg_pool2d(squares, 4)
    assert torch.allclose(torch.nn.functional.avg_pool2d(change, 4), patches, atol=0.01)
    within = torch.nn.functional.interpolate(patches, scale_factor=4.0)
    assert (change - squares).square().mean() < 0.5 * (within - squares).square().mean()


@pytest.mark.parametrize("colour", NAMES)
def test_a_right_colour_costs_nothing_and_another_name_all(encoder: torch.nn.Conv2d, colour: str) -> None:
    wanted, named = surface(colour), labels(number(colour))
    assert mistakes(encoder, wanted, wanted, named) < 0.15
    for other in set(NAMES) - {colour}:
        assert mistakes(encoder, surface(other), wanted, named) > 0.85, other


def test_in_the_shade_a_colour_is_compared_with_others_in_the_shade(encoder: torch.nn.Conv2d) -> None:
    """Half as bright, white looks gray: but under this light gray would look darker still."""
    wanted = surface("white", 0.55)
    assert mistakes(encoder, wanted, wanted, labels(number("white"))) < 0.1


def test_a_frame_thinner_than_a_latent_pixel_is_asked_for_its_own_colour(encoder: torch.nn.Conv2d) -> None:
    wanted, plain, named = surface("white").clone(), surface("white"), labels(0)
    wanted[..., 12:16] = surface("black")[..., 12:16]
    named[:, :, 6:8, 1] = number("black")
    assert mistakes(encoder, wanted, wanted, named) < 0.1
    assert mistakes(encoder, plain, wanted, named) > 0.85


def test_what_has_no_colour_name_is_not_asked(encoder: torch.nn.Conv2d) -> None:
    error = (encoder(surface("red")) - encoder(surface("blue"))).requires_grad_()
    value = ColourLoss(encoder).loss(error, surface("blue"), Things.of(labels(0)))
    value.backward()
    assert float(value.detach()) == 0
    assert float(error.grad.abs().sum()) == 0  # pyright: ignore[reportOptionalMemberAccess]


def test_of_two_names_one_is_decided_for(encoder: torch.nn.Conv2d) -> None:
    """A share of mistakes is least at red where red is likelier, and not between red and green."""
    red, green = surface("red"), surface("green")

    def expected(found: Tensor) -> float:
        if_red, if_green = (
            mistakes(encoder, found, surface(name), labels(number(name))) for name in ("red", "green")
        )
        return 0.6 * if_red + 0.4 * if_green

    assert expected(red) < 0.9 * expected(0.6 * red + 0.4 * green)
    assert expected(red) < 0.9 * expected(green)
