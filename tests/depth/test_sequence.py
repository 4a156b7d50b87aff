"""A folder as a sequence: one range for all frames, decided by all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.colour_map import colours_of
from depthpaint.depth.depth_map import DepthReading, DepthSource
from depthpaint.depth.read import read_depth, read_source
from depthpaint.depth.sequence import frames_of, read_sequence, read_together
from made_depth import bone, smooth


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
    together = [depth.values for depth in read_sequence(frames, read_together(frames))]
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
    assert read_together(frames_of(film)).reading.near == "white"


def test_what_was_given_stays(film: Path) -> None:
    reading = read_together(
        frames_of(film), DepthReading(range=(0, 10), near="black", kind="disparity")
    ).reading
    assert (reading.range, reading.kind) == ((0, 10), "disparity")
    assert reading.near == "black"


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DepthError, match="no depth map"):
        frames_of(tmp_path)
    with pytest.raises(DepthError, match="cannot read"):
        frames_of(tmp_path / "nowhere")


Draw = Callable[[NDArray[np.float64]], NDArray[np.generic]]


def _eight_bits(depth: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(depth * 255).astype(np.uint8)


def _in_turbo(depth: NDArray[np.float64]) -> NDArray[np.uint8]:
    table = colours_of("turbo")
    place = np.rint(depth * (len(table) - 1)).astype(int)
    return np.rint(table[place]).astype(np.uint8)


def _smaller(depth: NDArray[np.float64]) -> NDArray[np.uint8]:
    return bone(depth[:, :64])


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (_in_turbo, "drawn with the colour map turbo"),
        (_eight_bits, "is gray"),
        (_smaller, "64x64 pixels"),
    ],
)
def test_a_folder_of_bone_maps_with_another_kind_in_it_is_no_sequence(
    tmp_path: Path, draw: Draw, words: str
) -> None:
    depth = smooth(64, 96)
    for k in range(4):
        Image.fromarray(bone(depth)).save(tmp_path / f"{k}.png")
    read_together(frames_of(tmp_path))
    Image.fromarray(draw(depth)).save(tmp_path / "2.png")
    with pytest.raises(DepthError, match="is not one sequence") as refused:
        read_together(frames_of(tmp_path))
    assert refused.value.code is ErrorCode.DEPTH_BAD_SHAPE
    assert "0.png" in str(refused.value)
    assert "2.png" in str(refused.value)
    assert words in str(refused.value)


def test_bits_make_a_kind(tmp_path: Path) -> None:
    depth = smooth(64, 96)
    Image.fromarray(_eight_bits(depth)).save(tmp_path / "a.png")
    Image.fromarray(np.rint(depth * 60_000 + 300).astype(np.uint16)).save(tmp_path / "b.png")
    with pytest.raises(DepthError, match=r"a\.png is PNG with 8 bits, b\.png is PNG with 16 bits"):
        read_together(frames_of(tmp_path))


def _as_sure(confidences: list[float]) -> Callable[[Path, DepthReading], DepthSource]:
    """A reader whose frames are so sure that white is near; negative numbers: that black is."""

    def look(path: Path, reading: DepthReading) -> DepthSource:
        sure = confidences[int(path.stem)]
        if reading.near != "auto":
            return read_source(path, reading)
        source = read_source(path, reading.model_copy(update={"near": "white" if sure > 0 else "black"}))
        found = [replace(each, confidence=abs(sure), evidence="cues") if each.aspect == "near" else each
                 for each in source.findings]  # fmt: skip
        return replace(source, findings=tuple(found))

    return look


@pytest.mark.parametrize(
    ("confidences", "near", "expected"),
    [
        ([0.8] * 4, "white", 0.8),
        ([-0.9] * 4 + [0.999] * 4, "white", 0.914),
        ([0.999, -0.8, -0.8], "white", 0.797),
        ([-1.0, -1.0], "black", 1.0),
    ],
)
def test_frames_that_resemble_each_other_are_no_surer_than_one(
    tmp_path: Path, confidences: list[float], near: str, expected: float
) -> None:
    for k in range(len(confidences)):
        np.save(tmp_path / f"{k}.npy", smooth(32, 32))
    together = read_together(frames_of(tmp_path), look=_as_sure(confidences))
    found = next(read_sequence(frames_of(tmp_path), together)).source.finding("near")
    assert found is not None
    assert (found.value, found.confidence) == (near, pytest.approx(expected, abs=2e-3))


def test_a_sequence_of_doubtful_frames_is_asked_about(tmp_path: Path) -> None:
    for k in range(4):
        np.save(tmp_path / f"{k}.npy", smooth(32, 32))
    with pytest.raises(DepthError, match="which end of its 4 frames is near") as refused:
        read_together(frames_of(tmp_path), look=_as_sure([0.6] * 4))
    assert refused.value.code is ErrorCode.DEPTH_AMBIGUOUS
    assert "--near white" in str(refused.value)


def test_what_was_concluded_is_not_called_given(film: Path) -> None:
    together = read_together(frames_of(film))
    source = next(read_sequence(frames_of(film), together)).source
    assert {found.aspect for found in source.findings} >= {"near", "kind", "range"}
    assert not [found for found in source.findings if "given" in found.evidence or "specif" in found.evidence]


def test_previews_are_no_frames(film: Path) -> None:
    (film / "frame3-understood.png").write_bytes(b"")
    assert len(frames_of(film)) == 10
