"""Whatever numbers a file holds and whatever is said of them: depth in [0, 1], or a typed refusal."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ParameterError
from depthpaint.depth.depth_map import DepthReading
from depthpaint.depth.understand import understand
from depthpaint.formats.samples import Samples

EXAMPLES = int(os.environ.get("DEPTHPAINT_EXAMPLES", "300"))
SECONDS = 20.0
DTYPES = ["u1", "i1", "<u2", ">u2", "i2", "u4", "i8", "u8", "f2", "<f4", ">f4", "f8", "?"]
SPECIAL = [0, 1, -1, np.nan, np.inf, -np.inf, 1e10, 65504.0, 3.4e38, 1e-45, 255, 65535]


@st.composite
def planes(draw: st.DrawFn) -> NDArray[Any]:
    """Numbers of any type; a few marks of the kind that files hold are strewn in."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(st.tuples(st.integers(8, 40), st.integers(8, 40)))
    if draw(st.booleans()):
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        scale = 10.0 ** draw(st.integers(-3, 12))
        with np.errstate(all="ignore"):
            values = (np.linspace(0, scale, shape[0])[:, None] + rng.normal(0, scale / 9, shape)).astype(
                dtype
            )
    else:
        values = draw(arrays.arrays(dtype, shape, fill=st.nothing() if dtype.kind == "b" else None))
    for mark in draw(st.lists(st.sampled_from(SPECIAL), max_size=3)):
        if dtype.kind == "f" or (np.isfinite(mark) and dtype.kind != "b" and mark >= 0 and mark < 100):
            rows = draw(st.integers(0, shape[0] - 1))
            with np.errstate(all="ignore"):
                values[rows : rows + draw(st.integers(1, 6))] = mark
    return values


@st.composite
def samples(draw: st.DrawFn) -> Samples:
    values = draw(planes())
    if draw(st.integers(0, 4)) == 0:
        values = np.stack([values, values[::-1], values[:, ::-1]], axis=-1)
    opaque = draw(st.none() | arrays.arrays(np.bool_, values.shape[:2]))
    return Samples(
        values=values, opaque=opaque, bits=values.dtype.itemsize * 8, lossy=draw(st.booleans()),
        quantity=draw(st.sampled_from([None, "distance", "disparity"])),
        hint=draw(st.sampled_from([None, "distance", "disparity"])),
        metres=draw(st.sampled_from([None, 1.0, 1e-3])),
        empty=draw(st.sampled_from([None, 0.0, -9999.0, np.nan])),
    )  # fmt: skip


READINGS = st.fixed_dictionaries(
    {},
    optional={
        "near": st.sampled_from(["auto", "white", "black"]),
        "kind": st.sampled_from(["auto", "disparity", "distance"]),
        "unit": st.sampled_from(["auto", "mm", "kitti", 0.0001, 1e-12, 1e9]),
        "colour_map": st.sampled_from(["auto", "gray", "jet", "rgb24"]),
        "holes": st.sampled_from(["far", "inpaint", "free"]),
        "empty": st.sampled_from(["auto", "none", "0", "0,255"]),
        "range": st.sampled_from(["auto", "full", "0:1", "-5:1e9"]),
        "frame": st.sampled_from(["auto", "keep"]),
        "deband": st.booleans(),
        "alpha_mask": st.booleans(),
        "allow_constant": st.booleans(),
    },
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    derandomize=EXAMPLES < 1000,
)
@given(samples(), READINGS)
def test_any_samples_are_depth_or_a_typed_refusal(given_samples: Samples, said: dict[str, object]) -> None:
    started = time.process_time()
    try:
        depth = understand("map", given_samples, DepthReading.model_validate(said))
        values = depth.values
    except (DepthError, ParameterError) as error:
        assert error.remedy
        assert "\n" not in str(error)
        return
    assert time.process_time() - started < SECONDS
    assert values.dtype == np.float32
    assert values.shape == depth.valid.shape
    assert np.isfinite(values).all()
    assert values.min() >= 0
    assert values.max() <= 1
    assert all(0 <= found.confidence <= 1 for found in depth.findings)
    assert depth.levels >= 1
    assert np.isfinite(depth.used_range).all() or given_samples.values.dtype.itemsize >= 4
