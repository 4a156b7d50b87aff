"""Large pictures are compared at a bounded size, small ones as they are."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.geometry import Extent
from depthpaint.depth.compare import COMPARED_AREA, compared_size
from depthpaint.engine import Engine
from depthpaint.request import Request, request_from
from depthpaint.verification.agreement import agreement, error_map
from fake_painter import FakeEstimator, FakePainter, offering


@pytest.fixture
def engine() -> Engine:
    return Engine(find=offering(FakePainter()), load_estimator=FakeEstimator)


@pytest.fixture
def request_of_ramp(tmp_path: Path) -> Request:
    """A request whose map is a slope with a box on it, and a hole that nothing is known of."""
    depth = np.tile(np.linspace(0.1, 0.6, 96, dtype=np.float32)[:, None], (1, 96))
    depth[30:60, 20:50] = 1.0
    depth[:12, :30] = np.nan
    np.save(tmp_path / "depth.npy", depth)
    said = {"near": "white", "kind": "disparity", "range": "full", "holes": "free", "fit": "stretch"}
    return request_from({"depth": tmp_path / "depth.npy", "prompt": "", **said})


def picture(width: int, height: int) -> NDArray[np.uint8]:
    shown = np.tile(np.linspace(30, 160, 96, dtype=np.float32)[:, None], (1, 96))
    shown[30:60, 20:50] = 250
    gray = Image.fromarray(shown.astype(np.uint8)).resize((width, height), Image.Resampling.NEAREST)
    return np.repeat(np.asarray(gray)[..., None], 3, axis=2)


@pytest.mark.parametrize(
    ("size", "compared"),
    [
        ((1024, 1024), (1024, 1024)), ((2048, 512), (2048, 512)), ((8192, 8192), (1024, 1024)),
        ((8192, 2048), (2048, 512)), ((8_388_608, 8), (131_072, 8)), ((8, 8_388_608), (8, 131_072)),
    ],
)  # fmt: skip
def test_a_size_is_kept_up_to_an_area_and_then_reduced_to_it(
    size: tuple[int, int], compared: tuple[int, int]
) -> None:
    assert compared_size(Extent(*size)) == compared


def test_a_small_picture_is_compared_as_it_is(engine: Engine, request_of_ramp: Request) -> None:
    pixels = picture(300, 200)
    found = agreement(engine, request_of_ramp, pixels, "fake")
    assert found.picture is pixels
    assert found.expected.shape == found.estimated.shape == found.valid.shape == (200, 300)


@pytest.mark.full
def test_a_large_picture_costs_no_more_than_a_small_one_and_scores_the_same(
    engine: Engine, request_of_ramp: Request
) -> None:
    small = agreement(engine, request_of_ramp, picture(1024, 1024), "fake")
    pixels = picture(4096, 4096)
    tracemalloc.start()
    large = agreement(engine, request_of_ramp, pixels, "fake")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 200 * COMPARED_AREA, "at full size it is 16 times that"
    assert large.expected.shape == large.valid.shape == (1024, 1024)
    assert 0 < np.count_nonzero(~large.valid) == np.count_nonzero(~small.valid), "holes stay out"
    assert large.likeness.rank_correlation == pytest.approx(small.likeness.rank_correlation, abs=0.01)
    assert large.likeness.detail_correlation == pytest.approx(small.likeness.detail_correlation, abs=0.01)
    drawn = error_map(large)
    assert drawn.shape == (1024, 4096, 3)
    assert np.array_equal(drawn[:, :1024], large.picture)
    assert (drawn[:, 3072:][~large.valid] == 128).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
def test_a_preview_of_one_pixel_is_compared(
    engine: Engine, request_of_ramp: Request, shape: tuple[int, int]
) -> None:
    found = agreement(engine, request_of_ramp, np.full((*shape, 3), 9, np.uint8), "fake")
    assert -1 <= found.likeness.rank_correlation <= 1
    assert 0 <= found.edge_f_score <= 1
