"""From file to control tensor: every level arrives, whatever the format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.geometry import Extent
from depthpaint.depth.depth_map import DepthReading
from depthpaint.depth.read import read_depth
from depthpaint.engine import Engine
from depthpaint.formats.exr_lines import write_exr_depth
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.picture import control_map, known_map
from depthpaint.plan import Sizes, plan_sizes
from depthpaint.request import request_from
from fake_painter import FakePainter, offering

RAMP = np.arange(65_536, dtype=np.uint16).reshape(256, 256)


def by_pillow(kind: str) -> Callable[[NDArray[Any]], bytes]:
    def write(values: NDArray[Any]) -> bytes:
        stream = BytesIO()
        Image.fromarray(values).save(stream, kind)
        return stream.getvalue()

    return write


def as_npy(values: NDArray[Any]) -> bytes:
    stream = BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def as_pfm(values: NDArray[Any]) -> bytes:
    height, width = values.shape
    return b"Pf\n%d %d\n-1\n" % (width, height) + values[::-1].astype("<f4").tobytes()


def as_exr(values: NDArray[Any]) -> bytes:
    return write_exr_depth(values.astype(np.float32))


FORMATS: dict[str, Callable[[NDArray[Any]], bytes]] = {
    "png": by_pillow("PNG"), "tiff": by_pillow("TIFF"), "npy": as_npy, "pfm": as_pfm, "exr": as_exr,
}  # fmt: skip


def sizes_of(side: int) -> Sizes:
    """Sizes that change nothing: the canvas is the map."""
    extent = Extent(side, side)
    sizes = plan_sizes(
        extent,
        replace(DIORAMA, smallest_area=1),
        size=extent,
        aspect=None,
    )
    return sizes


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("near", ["white", "black"])
def test_65536_levels_arrive_strictly_in_order(tmp_path: Path, name: str, near: str) -> None:
    if name == "exr":
        pytest.importorskip("OpenEXR")
    path = tmp_path / f"ramp.{name}"
    path.write_bytes(FORMATS[name](RAMP))
    depth = read_depth(path, DepthReading.model_validate({"near": near, "kind": "disparity"}))
    assert depth.source.levels == 65_536
    values = depth.values.ravel()
    assert (np.diff(values if near == "white" else values[::-1]) > 0).all()
    distance = read_depth(
        path, DepthReading.model_validate({"near": near, "kind": "distance"})
    ).values.ravel()
    assert (np.diff(distance if near == "white" else distance[::-1]) > 0).all()


def test_the_control_tensor_keeps_every_level(tmp_path: Path) -> None:
    small = RAMP[:160, :160] * 2  # 25,600 levels, and a canvas of exactly the map's size
    path = tmp_path / "ramp.png"
    path.write_bytes(by_pillow("PNG")(np.sort(small, axis=None).reshape(160, 160)))
    control = control_map(read_depth(path, DepthReading(near="white")), sizes_of(160))
    assert control.shape == (160, 160)
    ordered = np.sort(small, axis=None)
    steps = np.diff(control.ravel())
    assert (steps[np.diff(ordered.astype(int)) > 0] > 0).all()


def test_holes_that_are_left_free_are_left_to_the_sentence(tmp_path: Path) -> None:
    numbers = np.linspace(0, 1, 128 * 128, dtype=np.float32).reshape(128, 128)
    numbers[32:96, 32:96] = np.nan
    np.save(tmp_path / "map.npy", numbers)
    free = read_depth(tmp_path / "map.npy", DepthReading(holes="free"))
    known = known_map(free, sizes_of(128))
    assert known is not None
    assert known[64, 64] == 0
    assert known[8, 8] == 1
    assert known_map(read_depth(tmp_path / "map.npy"), sizes_of(128)) is None

    def paint(holes: str) -> NDArray[np.uint8]:
        request = request_from({
            "depth": tmp_path / "map.npy", "prompt": "p", "num_inference_steps": 2, "holes": holes,
            "size": "depth", "finish": False,
        })  # fmt: skip
        return Engine(find=offering(FakePainter())).paint(request).pictures[0].pixels

    inpainted, left_free = paint("inpaint").astype(int), paint("free").astype(int)
    changed = np.abs(inpainted - left_free).max(axis=-1) > 0
    assert changed[48:80, 48:80].mean() > 0.3
    assert not changed[:24].any()
