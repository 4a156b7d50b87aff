"""What doctor_bench writes holds what its truth says."""

import re
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from depthpaint.formats.decode import decode
from doctor_bench.corpus import STORAGES, make_sample
from doctor_bench.files import Container, encoded
from doctor_bench.scenes import KINDS, make_scene
from doctor_bench.score import rank_correlation

PLACES = {"close": "bust", "inside": "room", "outside": "street", "alone": "object"}


@pytest.mark.parametrize("container", ["png", "tiff", "npy", "npz", "pfm", "exr"])
def test_a_file_gives_its_numbers_back(container: Container):
    numbers = np.linspace(0.5, 9, 12 * 16, dtype=np.float32).reshape(12, 16)
    stored: NDArray[Any] = (numbers * 1000).astype(np.uint16) if container == "png" else numbers
    _, samples = decode("depth", encoded(stored, container))
    assert_array_equal(samples.values, stored)


def test_a_jpeg_is_nearly_the_same():
    stored = np.tile(np.arange(0, 240, 5, dtype=np.uint8), (16, 1))
    _, samples = decode("depth", encoded(stored, "jpeg"))
    assert np.abs(samples.values.astype(int) - stored).max() < 8


@pytest.mark.parametrize("name", STORAGES)
def test_the_truth_of_a_storage_is_that_of_its_numbers(name: str):
    storage = STORAGES[name]
    place = next(place for place in PLACES if getattr(storage, place))
    rng = np.random.default_rng(11)
    scene = make_scene(PLACES[place], rng, upright=True)
    stored = storage.make(scene, KINDS[PLACES[place]].place, rng)
    assert stored.empty.shape == scene.distance.shape
    known = ~stored.empty
    numbers = stored.numbers
    if stored.box is not None:
        left, top, right, bottom = stored.box
        numbers = numbers[top:bottom, left:right]
    assert numbers.shape[:2] == known.shape
    if numbers.ndim == 3:
        return  # colours have no order by themselves
    nearness = np.where(np.isfinite(scene.distance), 1 / scene.distance, 0)[known]
    rank = rank_correlation(nearness, numbers[known].astype(float))
    assert (rank > 0.8) if stored.near_is == "large" else (rank < -0.8)
    if step := re.search(r"1/(\d+) m", name):
        assert stored.metres == 1 / int(step[1])
    if stored.metres is not None and "estimated" not in name:
        found = numbers[known] * stored.metres
        assert np.median(np.abs(found / scene.distance[known] - 1)) < 0.02
    marked = numbers[stored.empty].astype(np.float64)
    if marked.size:
        mark = float(np.finfo(np.float32).max) if stored.mark == "FLT_MAX" else float(stored.mark)
        assert_array_equal(marked, np.full(marked.shape, mark))


def test_a_sample_is_the_same_every_time():
    for number in (1, 2, 19):
        one, other = make_sample(number, 5), make_sample(number, 5)
        assert one.data == other.data and one.storage == other.storage
        assert_array_equal(one.stored.empty, other.stored.empty)
    assert make_sample(1, 5).data != make_sample(1, 6).data
    assert make_sample(1, 5).data != make_sample(17, 5).data


def test_half_of_the_kinds_are_held_out():
    halves = [kind.half for kind in KINDS.values()]
    assert halves.count("chosen") == halves.count("held-out") == 8
    for half in ("chosen", "held-out"):
        assert {kind.place for kind in KINDS.values() if kind.half == half} == set(PLACES)


def test_numpy_reads_the_arrays():
    numbers = np.arange(100, dtype=np.int16).reshape(10, 10) - 16
    assert_array_equal(np.load(BytesIO(encoded(numbers, "npy"))), numbers)
