"""Noise: equal to torch's, and to golden numbers where there is no torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.core.errors import ParameterError
from depthpaint.core.noise import NoiseDraws, NoiseStream, standard_normal

SEEDS = (0, 1, 12345, 2**32 - 1, 2**33 + 7)
SHAPES = [(16,), (17,), (31,), (4, 8, 8), (4, 64, 64), (1, 4, 33, 47), (100,), (3, 5, 7)]
SMALL_SHAPES = [(1,), (15,), (2, 3), (7,), (0,), ()]


def close(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> bool:
    limit = 2.4e-7 * np.maximum(1.0, np.abs(theirs))
    return ours.shape == theirs.shape and bool(np.all(np.abs(ours - theirs) <= limit))


def drawn_by_torch(generator: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    torch: Any = pytest.importorskip("torch")
    return torch.randn(shape, generator=generator).numpy()


def torch_generator(seed: int) -> Any:
    torch: Any = pytest.importorskip("torch")
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", SHAPES + SMALL_SHAPES)
def test_equals_torch(shape: tuple[int, ...], seed: int) -> None:
    assert close(standard_normal(shape, seed), drawn_by_torch(torch_generator(seed), shape))


def test_another_seed_is_not_close() -> None:
    assert not close(standard_normal((4, 8, 8), 1), drawn_by_torch(torch_generator(2), (4, 8, 8)))


def test_successive_draws_equal_torch_with_its_spare_value() -> None:
    generator, stream = torch_generator(3), NoiseStream(3)
    for shape in [(3,), (20,), (2,), (16,), (5,), (1,), (4, 8, 8)]:
        assert close(stream.draw(shape), drawn_by_torch(generator, shape))


def test_golden_numbers_from_torch_2_13() -> None:
    latents = standard_normal((4, 64, 64), 0)
    assert latents.dtype == np.float32
    np.testing.assert_allclose(
        latents.ravel()[[0, 1, -1]],
        [-1.1258398294448853, -1.152360200881958, -1.0782079696655273],
        atol=2.4e-7,
    )
    np.testing.assert_allclose(
        standard_normal((4,), 12345),
        [1.4271304607391357, -1.8700891733169556, -1.1962103843688965, -2.0439512729644775],
        atol=2.4e-7,
    )
    np.testing.assert_allclose(
        standard_normal((20,), 12345)[[0, 3, 4, 15, 19]],
        [
            -1.479807734489441,
            0.4438551962375641,
            -1.0148309469223022,
            -0.4450281262397766,
            0.15422208607196808,
        ],
        atol=2.4e-7,
    )


def test_is_standard_normal() -> None:
    noise = standard_normal((4, 128, 128), 7)
    assert abs(float(noise.mean())) < 0.01
    assert abs(float(noise.std()) - 1.0) < 0.01


def test_numbered_draws_do_not_depend_on_the_order_of_asking() -> None:
    shape, stream = (4, 5, 5), NoiseStream(9)
    expected = [stream.draw(shape) for _ in range(4)]
    draws = NoiseDraws(shape, 9)
    for number in (0, 1, 3, 2, 2, 0):
        assert np.array_equal(draws(number), expected[number])
    assert np.array_equal(expected[0], standard_normal(shape, 9))


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_refuses_impossible_seeds(seed: int) -> None:
    with pytest.raises(ParameterError, match=str(seed)):
        standard_normal((16,), seed)


def test_refuses_a_negative_draw_number() -> None:
    with pytest.raises(ParameterError):
        NoiseDraws((16,), 0)(-1)
