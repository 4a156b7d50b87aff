"""What is called the same in one picture is one thing."""

from __future__ import annotations

import torch

from training.worlds.things import Things


def test_names_and_areas_and_means_are_by_thing_and_picture() -> None:
    labels = torch.zeros(2, 2, 4, 3, dtype=torch.uint8)
    labels[0, :, :2] = torch.tensor([5, 2, 3])
    labels[1, 0, 0] = torch.tensor([5, 2, 3])
    values = torch.arange(16.0).view(2, 1, 2, 4)
    things = Things.of(labels)
    assert things.names.tolist() == [[0, 0, 0], [5, 2, 3], [0, 0, 0], [5, 2, 3]]
    assert things.areas.tolist() == [0.5, 0.5, 0.875, 0.125]
    expected = [values[0, 0, :, 2:].mean(), values[0, 0, :, :2].mean(), values[1].sum() / 7 - 8 / 7, 8.0]
    assert torch.allclose(things.means(values)[:, 0], torch.tensor(expected))
    assert things.at[1, 0].tolist() == [3, 2, 2, 2]


def test_a_small_thing_weighs_as_the_root_of_its_area_asks_and_pictures_weigh_the_same() -> None:
    labels = torch.zeros(2, 10, 10, 3, dtype=torch.uint8)
    labels[0, :2, :2] = torch.tensor([3, 5, 0])
    labels[0, 4, 4] = torch.tensor([3, 6, 0])
    weights = Things.of(labels).rarity()
    assert torch.allclose(weights.mean((1, 2)), torch.ones(2))
    assert torch.allclose(weights[1], torch.ones(10, 10)), "one name fills it"
    same_noun_other_colour = weights[0, 4, 4] / weights[0, 0, 0]
    assert torch.isclose(same_noun_other_colour, torch.tensor(2.0))
    assert torch.isclose(weights[0, 4, 4] / weights[0, 9, 9], torch.tensor(95.0).sqrt())
