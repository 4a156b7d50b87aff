"""What the distance of two pictures asks of what is painted."""

from __future__ import annotations

import torch

from training.picture_loss import picture_loss


def test_a_doubtful_colour_is_decided_and_not_averaged() -> None:
    """Red in three of five cases, else blue: red is a better answer than what lies between."""
    red, blue = torch.zeros(1, 16, 8, 8), torch.zeros(1, 16, 8, 8)
    red[:, 0], blue[:, 0] = 1.0, -1.0
    weights = torch.ones(1, 1, 8, 8)

    def expected(found: torch.Tensor) -> float:
        return float(0.6 * picture_loss(found, red, weights) + 0.4 * picture_loss(found, blue, weights))

    assert expected(red) < min(expected(share * red) for share in (0.2, 0.5, 1.2))
    assert expected(red) < expected(blue)
    squares = [0.6 * (share - 1) ** 2 + 0.4 * (share + 1) ** 2 for share in (0.2, 1.0)]
    assert squares[0] < squares[1], "squared errors would have it gray"


def test_a_wrong_light_costs_more_than_as_many_wrong_pixels() -> None:
    wanted, weights = torch.zeros(1, 16, 8, 8), torch.ones(1, 1, 8, 8)
    darker = torch.zeros(1, 16, 8, 8)
    darker[:, 0] = 0.5
    mottled = darker * (torch.arange(64).view(8, 8) % 2 * 2 - 1)
    assert float(picture_loss(darker, wanted, weights)) > 1.05 * float(picture_loss(mottled, wanted, weights))
    assert float(picture_loss(wanted, wanted, weights)) < 0.6
