"""A folder as a sequence: one range for all frames, decided by all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from depthpaint.core.errors import DepthError
from depthpaint.depth.depth_map import DepthReading
from depthpaint.depth.export import frames_of, read_sequence, sequence_reading
from depthpaint.depth.read import read_depth
from made_depth import smooth


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Ten frames in which a ball comes nearer; the floor stays where it is."""
    for k in range(10):
        depth = smooth(48, 64) * 3 + 1
        depth[10:20, 10:20] = 4 + 0.5 * k
        np.save(tmp_path / f"frame{k}.npy", depth.astype(np.float32))
    return tmp_path


def test_the_floor_does_not_flicker(film: Path) -> None:
    frames = frames_of(film)
    reading = sequence_reading(frames)
    together = [depth.values for depth in read_sequence(frames, reading)]
    alone = [read_depth(frame).values for frame in frames]
    floor = (slice(30, 48), slice(0, 64))
    assert np.ptp([values[floor] for values in together], axis=0).max() < 1e-6
    assert np.ptp([values[floor] for values in alone], axis=0).max() > 0.1, "each by itself does"
    assert max(values.max() for values in together) == 1
    assert min(values.min() for values in together) == 0


def test_frames_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("f10.npy", "f9.npy", "f1.npy", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in frames_of(tmp_path)] == ["f1.npy", "f9.npy", "f10.npy"]


def test_one_doubtful_frame_does_not_turn_its_own_way(film: Path) -> None:
    upside = np.load(film / "frame3.npy")[::-1]
    np.save(film / "frame3.npy", upside)  # a frame that seen alone has its near end elsewhere
    assert read_depth(film / "frame3.npy").source.near == "black"
    assert sequence_reading(frames_of(film)).near == "white"


def test_what_was_told_stays(film: Path) -> None:
    reading = sequence_reading(frames_of(film), DepthReading(range=(0, 10), near="black", kind="disparity"))
    assert (reading.range, reading.kind) == ((0, 10), "disparity")
    assert reading.near == "black"


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DepthError, match="no depth map"):
        frames_of(tmp_path)
    with pytest.raises(DepthError, match="cannot read"):
        frames_of(tmp_path / "nowhere")
