"""What the doctor makes of a photo, with estimators of a few lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.depth.depth_map import DepthMap, DepthReading
from depthpaint.depth.read import Estimate, estimated, read_depth
from depthpaint.formats.samples import Quantity, Samples

SHAPE = (60, 90)


class Seer:
    """Sees a slope, nearer (or farther, in metres) from the top down; keeps what it was shown."""

    def __init__(self, quantity: Quantity = "disparity") -> None:
        self.quantity: Quantity = quantity
        self.shown: list[tuple[str, NDArray[np.uint8]]] = []

    def __call__(self, name: str, picture: NDArray[np.uint8]) -> Estimate:
        self.shown.append((name, picture))
        height, width = picture.shape[:2]
        values = np.repeat(np.linspace(1, 9, height, dtype=np.float32)[:, None], width, axis=1)
        return Estimate(
            values=values,
            quantity=self.quantity,
            estimator="seer",
            revision="r" * 40,
            weights_sha256="a" * 64,
        )


def pixels() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)


def read(path: Path, seer: Seer, **said: object) -> DepthMap:
    return read_depth(path, DepthReading.model_validate({"from_photo": "seer", **said}), seer)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(pixels()).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_the_estimator_sees_the_photo_as_it_is(photo: Path) -> None:
    seer = Seer()
    depth = read(photo, seer)
    ((name, shown),) = seer.shown
    assert name == "seer"
    assert np.array_equal(shown, pixels())
    assert shown.flags.c_contiguous
    source = depth.source
    assert (source.estimator, source.estimator_revision, source.estimator_sha256) == (
        "seer",
        "r" * 40,
        "a" * 64,
    )
    assert depth.values[-1, 0] > depth.values[0, 0]


@pytest.mark.parametrize(
    ("quantity", "near", "nearest"), [("disparity", "white", -1), ("distance", "black", 0)]
)
def test_what_an_estimator_states_is_certain(
    photo: Path, quantity: Quantity, near: str, nearest: int
) -> None:
    depth = read(photo, Seer(quantity))
    assert (depth.source.near, depth.source.kind) == (near, quantity)
    assert depth.source.metres == (1.0 if quantity == "distance" else None)
    assert depth.values[nearest, 0] == depth.values.max()
    for aspect in ("near", "kind"):
        finding = depth.source.finding(aspect)
        assert finding is not None
        assert finding.confidence == 1
        assert quantity == "distance" or "seer" in finding.evidence


def test_a_gray_photo_is_shown_in_three_channels(tmp_path: Path) -> None:
    Image.fromarray(pixels()[..., 0]).save(tmp_path / "gray.png")
    read(tmp_path / "gray.png", seer := Seer())
    assert np.array_equal(seer.shown[0][1], np.repeat(pixels()[..., :1], 3, axis=2))


def test_sixteen_bits_are_brought_to_eight(tmp_path: Path) -> None:
    Image.fromarray(pixels()[..., 0].astype(np.uint16) * 257).save(tmp_path / "gray.png")
    depth = read(tmp_path / "gray.png", seer := Seer())
    assert np.array_equal(seer.shown[0][1][..., 1], pixels()[..., 0])
    assert any("16 bits are read at 8" in note for note in depth.source.notes)


def test_transparency_is_ignored_and_told(tmp_path: Path) -> None:
    alpha = np.zeros((*SHAPE, 1), np.uint8)
    Image.fromarray(np.concatenate([pixels(), alpha], axis=2)).save(tmp_path / "cut.png")
    depth = read(tmp_path / "cut.png", seer := Seer())
    assert np.array_equal(seer.shown[0][1], pixels())
    assert depth.valid.all()
    assert any("transparency of 100.0%" in note for note in depth.source.notes)


def test_a_photo_on_its_side_is_turned_and_its_loss_is_not_told(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(pixels()).save(tmp_path / "phone.jpg", exif=exif)
    depth = read(tmp_path / "phone.jpg", seer := Seer())
    assert seer.shown[0][1].shape == (*SHAPE[::-1], 3)
    assert depth.values.shape == SHAPE[::-1]
    assert not any("lossy" in note for note in depth.source.notes)
    assert any("upright" in note for note in depth.source.notes)


def test_depth_that_hides_in_a_photo_is_no_photo() -> None:
    samples, seer = Samples(values=pixels(), opaque=None, bits=8, hidden=True), Seer()
    with pytest.raises(DepthError, match="leave --from-photo out") as refused:
        estimated("portrait.jpg", samples, "seer", DepthReading(), seer)
    assert refused.value.code is ErrorCode.INVALID_PARAMETER
    assert seer.shown == []


@pytest.mark.parametrize(("said", "flag"), [({"unit": "m"}, "--unit"), ({"kind": "distance"}, "--kind")])
def test_what_numbers_in_a_file_are_cannot_be_said_of_a_photo(
    photo: Path, said: dict[str, str], flag: str
) -> None:
    with pytest.raises(DepthError, match=f"leave {flag} out") as refused:
        read(photo, Seer(), **said)
    assert refused.value.code is ErrorCode.INVALID_PARAMETER


def test_read_as_it_was_understood_it_is_the_same(photo: Path) -> None:
    for quantity in ("disparity", "distance"):
        first = read(photo, Seer(quantity))
        again = read_depth(photo, first.source.reading, Seer(quantity))
        assert np.array_equal(first.values, again.values)
        assert again.source.reading == first.source.reading


def test_numbers_are_no_photo(tmp_path: Path) -> None:
    np.save(tmp_path / "depth.npy", np.ones(SHAPE, np.float32))
    with pytest.raises(DepthError, match="not a photo"):
        read(tmp_path / "depth.npy", Seer())
