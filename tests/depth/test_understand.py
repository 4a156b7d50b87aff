"""From stored numbers to [0, 1]: extremes, holes, infinities, outliers, flat maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.depth_map import DepthReading
from depthpaint.depth.understand import Understood, understand
from depthpaint.formats.samples import Samples
from made_depth import smooth


def understood(numbers: NDArray[Any], opaque: NDArray[np.bool_] | None = None, **said: Any) -> Understood:
    """As the gate does it; near is white unless `said`."""
    samples = Samples(values=numbers, opaque=opaque, bits=numbers.dtype.itemsize * 8)
    depth = understand("map", samples, DepthReading.model_validate({"near": "white", **said}))
    assert depth.values.dtype == np.float32
    assert np.isfinite(depth.values).all()
    assert depth.values.min() >= 0
    assert depth.values.max() <= 1
    return depth


def finding(depth: Understood, aspect: str) -> str:
    return next((found.value for found in depth.findings if found.aspect == aspect), "")


UNIT = smooth(20, 30)
F32, F64 = np.finfo(np.float32), np.finfo(np.float64)


@pytest.mark.parametrize(
    "numbers",
    [
        (UNIT * 1e-38).astype(np.float32),
        ((UNIT * 2 - 1) * float(F32.max)).astype(np.float32),
        (UNIT * 2 - 1) * 1e300,
        (UNIT * 2 - 1) * float(F64.max),
        UNIT * 1e-300,
        UNIT * 38.8 - 1.4,
        -UNIT - 5,
    ],
    ids=["tiny", "float32 max", "1e300", "float64 max", "1e-300", "mixed signs", "all negative"],
)
def test_any_range_is_stretched(numbers: NDArray[Any]) -> None:
    expected = 1 - UNIT if numbers.max() < -4 else UNIT
    assert np.abs(understood(numbers).values - expected).max() < 1e-6


def test_denormals_keep_their_steps() -> None:
    numbers = np.arange(64, dtype=np.float64).reshape(8, 8) * 5e-324
    assert np.allclose(understood(numbers).values.ravel(), np.arange(64) / 63)
    single = (np.arange(64, dtype=np.float32).reshape(8, 8) * np.float32(1e-45)).astype(np.float32)
    assert np.allclose(understood(single).values.ravel(), np.arange(64) / 63)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_huge_integers_keep_their_steps(dtype: Any) -> None:
    numbers = (np.arange(64).reshape(8, 8) + 2**62).astype(dtype)
    assert np.allclose(understood(numbers).values.ravel(), np.arange(64) / 63)


def test_the_ends_of_an_integer_type_do_not_wrap() -> None:
    for dtype in (np.int8, np.int64, np.uint64):
        ends = np.iinfo(dtype)
        numbers = np.full((8, 8), ends.min, dtype=dtype)
        numbers[4:] = ends.max
        numbers[0, 0] = ends.max // 2 + ends.min // 2
        values = understood(numbers).values
        assert values[0, 0] == pytest.approx(0.5, abs=0.01)
        assert (values[4:] == 1).all()


def test_a_few_holes_are_filled_and_told() -> None:
    for near in ("white", "black"):
        numbers = UNIT.copy()
        numbers[3, 4] = np.nan
        for holes in ("far", "inpaint", "free"):
            depth = understood(numbers, near=near, kind="disparity", holes=holes)
            around = depth.values[3, 3]
            assert depth.values[3, 4] == (0 if holes == "far" else pytest.approx(around, abs=0.05))
            assert not depth.valid[3, 4]
            assert depth.valid.sum() == 599
            assert finding(depth, "holes").startswith("0.2% unknown")


def test_up_to_half_is_filled_and_more_is_the_background_of_a_thing() -> None:
    numbers = UNIT.copy()
    numbers[:10] = np.nan
    half = understood(numbers)
    assert (half.valid.mean(), half.fill) == (0.5, "inpaint")
    assert (half.values[:10] > 0).all()
    numbers[10, 0] = np.nan
    more = understood(numbers)
    assert (more.fill, more.values[:10].max()) == ("far", 0)
    assert finding(more, "holes") == "50.2% unknown, put at the far plane"
    assert understood(numbers, holes="inpaint").fill == "inpaint"
    scattered = np.where(np.random.default_rng(0).random(UNIT.shape) < 0.6, np.nan, UNIT)
    assert understood(scattered).fill == "inpaint", "surfaces go on between points"


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("near", ["white", "black"])
def test_infinity_is_the_far_plane_and_its_negative_is_unknown(value: float, near: str) -> None:
    numbers = UNIT.copy()
    numbers[:5] = value
    depth = understood(numbers, near=near, kind="disparity")
    rest = numbers[5:]
    stretched = (rest - rest.min()) / (rest.max() - rest.min())
    assert np.allclose(depth.values[5:], stretched if near == "white" else 1 - stretched, atol=1e-6)
    assert depth.raw_range == (rest.min(), rest.max())
    if value > 0:
        assert (depth.values[:5] == 0).all()
        assert depth.valid.all()
    else:
        assert not depth.valid[:5].any()


@pytest.mark.parametrize("fill", [np.nan, np.inf, -np.inf])
def test_nothing_finite_is_no_depth(fill: float) -> None:
    for allowed in (False, True):
        with pytest.raises(DepthError) as refused:
            understood(np.full((8, 8), fill), allow_constant=allowed)
        assert refused.value.code is ErrorCode.DEPTH_NOT_FINITE
    mixed = np.full((8, 8), fill)
    mixed[:2] = np.nan
    with pytest.raises(DepthError):
        understood(mixed)


@pytest.mark.parametrize("numbers", [
    np.zeros((8, 8), np.uint8), np.ones((8, 8), bool), np.full((8, 8), 65_535, np.uint16), np.full((8, 8),
    1e30),
    np.full((8, 8), float(F64.max)),
])  # fmt: skip
def test_a_flat_map_needs_permission(numbers: NDArray[Any]) -> None:
    with pytest.raises(DepthError, match="--allow-constant") as refused:
        understood(numbers)
    assert refused.value.code is ErrorCode.DEPTH_CONSTANT
    depth = understood(numbers, allow_constant=True)
    assert (depth.values == 0.5).all()
    assert depth.levels == 1


def test_one_outlier_is_told_and_two_values_are_not() -> None:
    numbers = smooth(64, 64)
    numbers[7, 7] = 1e9
    depth = understood(numbers)
    assert finding(depth, "range")
    assert depth.raw_range[1] == 1e9
    assert depth.used_range[1] < 1.01
    elsewhere = numbers < 2
    assert np.abs(depth.values - numbers / depth.used_range[1])[elsewhere].max() < 0.01
    assert depth.values[7, 7] == 1
    assert not finding(understood(UNIT), "range")
    assert understood(numbers, range="full").values[8, 8] < 1e-6
    assert understood(numbers, range=(0, 0.5)).values[8, 8] == pytest.approx(2 * numbers[8, 8], abs=1e-6)
    two = np.zeros((64, 64), np.uint8)
    two[0, 0] = 9
    assert not finding(understood(two), "range")


def test_masked_pixels_do_not_count() -> None:
    numbers = np.rint(UNIT * 100).astype(np.uint8)
    numbers[0] = 255
    mask = np.ones(numbers.shape, dtype=np.bool_)
    mask[0] = False
    depth = understood(numbers, opaque=mask, alpha_mask=True)
    assert depth.raw_range[1] <= 100
    assert (depth.values[0] == 0).all()
    assert not depth.valid[0].any()


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.int64, ">f4", np.float16])
def test_levels_are_distinct_values(dtype: Any) -> None:
    numbers = (np.arange(600).reshape(20, 30) % 100 - 20 * (np.dtype(dtype).kind != "u")).astype(dtype)
    assert understood(numbers).levels == 100, "0 is no heap where as many pixels have every other number"


def test_a_signalling_nan_is_a_hole_like_any_other() -> None:
    numbers = UNIT.astype(np.float32)
    numbers.view(np.uint32)[3, 4] = 0x7F800001
    assert not understood(numbers, near="auto").valid[3, 4]
    assert not understood(numbers, deband=True).valid[3, 4]
