"""A map on a size: no ringing, no stretching, rims that repeat the edge."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.cli.interactive import INVALID, SHADES, terminal_preview
from depthpaint.core.errors import InternalError
from depthpaint.core.geometry import Box, Extent, Fit, place
from depthpaint.depth.depth_map import DepthMap, DepthReading, DepthSource
from depthpaint.depth.resize import fit_depth, pad_to
from made_depth import smooth


def depth_of(values: NDArray[np.float64], valid: NDArray[np.bool_] | None = None) -> DepthMap:
    source = DepthSource(
        path="map.png", sha256="", format="png", size=Extent(values.shape[1], values.shape[0]),
        container_bits=8,
        bits_used=8, levels=256, colour_map="gray",
        near="white", kind="disparity", metres=None, raw_range=(0, 255),
        used_range=(0, 255), far_over_near=10,
        findings=(), reading=DepthReading(),
        invalid_share=0,
    )  # fmt: skip
    everywhere = np.ones(values.shape, dtype=np.bool_)
    return DepthMap(
        values=values.astype(np.float32), valid=everywhere if valid is None else valid, source=source
    )


def fitted(values: NDArray[np.float64], target: Extent, fit: Fit) -> NDArray[np.float32]:
    depth = depth_of(values)
    result, valid = fit_depth(depth, place(depth.source.size, target, fit), target)
    assert result.shape == valid.shape == (target.height, target.width)
    assert result.dtype == np.float32
    assert valid.all()
    return result


@pytest.mark.parametrize("fit", Fit)
@pytest.mark.parametrize("shape", [(168, 168), (564, 940), (177, 177), (8, 512), (101, 64)])
@pytest.mark.parametrize("target", [Extent(256, 256), Extent(331, 199), Extent(8, 8), Extent(1, 300)])
def test_every_size_comes_out_in_range(fit: Fit, shape: tuple[int, int], target: Extent) -> None:
    step = np.zeros(shape)
    step[:, shape[1] // 2 :] = 1  # an edge, which a filter with negative lobes would overshoot
    result = fitted(0.25 + step / 2, target, fit)
    assert result.min() >= 0.25 - 1e-6
    assert result.max() <= 0.75 + 1e-6


def test_the_same_size_changes_nothing() -> None:
    values = smooth(37, 53)
    for fit in Fit:
        assert np.array_equal(fitted(values, Extent(53, 37), fit), values.astype(np.float32))


def test_fine_steps_survive() -> None:
    ramp = np.linspace(0, 1, 65_536).reshape(256, 256)
    assert len(np.unique(fitted(ramp, Extent(512, 512), Fit.PAD))) > 65_536


def test_on_the_way_down_every_pixel_counts() -> None:
    board = np.indices((64, 64)).sum(axis=0) % 2.0
    assert np.abs(fitted(board, Extent(8, 8), Fit.PAD) - 0.5).max() < 0.02


def test_pad_repeats_the_edge_and_crop_keeps_the_middle() -> None:
    values = smooth(60, 100)
    padded = fitted(values, Extent(100, 100), Fit.PAD)
    assert np.array_equal(padded[20:80], values.astype(np.float32))
    assert (padded[:20] == padded[20]).all()
    assert (padded[80:] == padded[79]).all()
    cropped = fitted(values, Extent(60, 60), Fit.CROP)
    assert np.array_equal(cropped, values[:, 20:80].astype(np.float32))
    stretched = fitted(np.tile(np.linspace(0, 1, 100), (60, 1)), Extent(60, 60), Fit.STRETCH)
    assert stretched[30, 30] == pytest.approx(0.5, abs=0.02)


def test_holes_stay_holes() -> None:
    valid = np.ones((64, 64), dtype=np.bool_)
    valid[:, :16] = False
    depth = depth_of(smooth(64, 64), valid)
    _, result = fit_depth(depth, place(depth.source.size, Extent(32, 32), Fit.PAD), Extent(32, 32))
    assert not result[:, :7].any()
    assert result[:, 9:].all()


def test_a_content_on_a_canvas() -> None:
    content = smooth(10, 12).astype(np.float32)
    canvas = pad_to(content, Extent(16, 16), Box(2, 3, 14, 13))
    assert np.array_equal(canvas[3:13, 2:14], content)
    assert np.array_equal(canvas[0, 2:14], content[0])
    assert (canvas[15, 14:] == content[-1, -1]).all()
    with pytest.raises(InternalError):
        pad_to(content, Extent(16, 16), Box(0, 0, 16, 16))
    with pytest.raises(InternalError):
        pad_to(content, Extent(8, 8), Box(-2, 0, 10, 10))


def test_the_preview_shows_near_far_and_holes() -> None:
    valid = np.ones((60, 60), dtype=np.bool_)
    valid[:, 40:] = False
    text = terminal_preview(depth_of(np.linspace(0, 1, 3600).reshape(60, 60), valid), columns=24)
    lines = text.split("\n")
    assert [len(line) for line in lines] == [24] * 12
    assert (lines[0][0], lines[-1][0], lines[5][-1]) == (SHADES[0], SHADES[-1], INVALID)
    tall = terminal_preview(depth_of(smooth(4096, 8)))
    assert 0 < tall.count("\n") < 60


@pytest.mark.parametrize("target", [Extent(37, 41), Extent(64, 64), Extent(200, 140), Extent(640, 512)])
def test_no_halo_beside_a_jump(target: Extent) -> None:
    """A filter with negative lobes rings: it makes the wall behind a thing dip and the thing's rim bulge."""
    depth = np.full((100, 100), 0.3)
    depth[30:70, 40:60] = 0.8
    values = fitted(depth, target, Fit.STRETCH)
    assert values.min() >= np.float32(0.3) - 1e-6
    assert values.max() <= np.float32(0.8) + 1e-6
    # Beyond one pixel of the coarser grid on either side of the jump, both depths are exactly what they were.
    row = values[target.height // 2]
    reach = int(np.ceil(max(1, target.width / 100))) + 1
    left, right = round(0.4 * target.width), round(0.6 * target.width)
    assert np.allclose(row[: left - reach], 0.3, atol=1e-6)
    assert np.allclose(row[left + reach : right - reach], 0.8, atol=1e-6)
    assert np.allclose(row[right + reach :], 0.3, atol=1e-6)
