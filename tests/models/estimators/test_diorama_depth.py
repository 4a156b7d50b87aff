"""diorama-depth around its network: sizes, files and refusals, with a network whose answer is known."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.estimators.diorama_depth import GRAPH, WEIGHTS, DioramaDepth, network_size
from depthpaint.models.estimators.registry import DIORAMA_DEPTH, ESTIMATORS, ShippedEntry, load_estimator
from tiny_depth import DARK, save_tiny_depth
from training.worlds.shards import SMALL

SHIPPED = cast("ShippedEntry", ESTIMATORS[DIORAMA_DEPTH])
shipped_only = pytest.mark.skipif(
    not (SHIPPED.folder / "model.json").exists(), reason="no weights of diorama-depth are shipped yet"
)


@pytest.fixture
def copy(tiny_depth: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_depth, tmp_path / "copy")


def gray(brightness: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A picture (H, W, 3) of a brightness in [0, 1]."""
    return np.repeat(np.rint(brightness * 255).astype(np.uint8)[..., None], 3, axis=2)


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.full
@pytest.mark.parametrize(("height", "width"), [(256, 256), (90, 160), (700, 500)])
def test_every_pixel_has_the_depth_of_its_own_place(tiny_depth: Path, height: int, width: int) -> None:
    y, x = np.mgrid[0:height, 0:width]
    brightness = 0.6 * x / width + 0.4 * y / height
    found = DioramaDepth("tiny", tiny_depth).estimate(gray(brightness))
    expected = np.square(np.maximum(brightness - DARK, 0))
    assert found.shape == (height, width)
    assert np.abs(found - expected).max() < 0.02


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (8, 3000), (3000, 8), (1, 5000), (31, 33), (1080, 1920)]
)
def test_a_picture_of_any_size_is_seen(tiny_depth: Path, height: int, width: int) -> None:
    found = DioramaDepth("tiny", tiny_depth).estimate(noise(height, width))
    assert (found.shape, found.dtype) == ((height, width), np.float32)
    assert np.isfinite(found).all()
    assert found.min() >= 0
    assert found.max() <= (1 - DARK) ** 2 + 1e-3


class Steps:
    """Stands for ONNX Runtime's session: a sky, something near, something nearer, whatever it is shown."""

    shown: tuple[int, ...] = ()

    def __init__(self, *arguments: object, **options: object) -> None:
        pass

    def run(self, outputs: list[str], inputs: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        (picture,) = inputs.values()
        type(self).shown = picture.shape
        root = np.full((1, *picture.shape[2:]), -0.1, np.float32)
        third = picture.shape[3] // 3
        root[..., third : 2 * third], root[..., 2 * third :] = 0.5, 0.75
        return [np.stack([root, root[..., ::-1]])]


@pytest.mark.parametrize(
    ("height", "width", "seen"),
    [(64, 64, (128, 128)), (256, 256, (128, 128)), (900, 1600, (96, 160)), (1200, 500, (224, 96))],
)
def test_nothing_rings_beside_an_edge(
    tiny_depth: Path, height: int, width: int, seen: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cubic would draw a line along each edge; below the sky, where its square is near again, too."""
    monkeypatch.setattr("depthpaint.models.onnx_session.onnxruntime.InferenceSession", Steps)
    found = DioramaDepth("tiny", tiny_depth).estimate(noise(height, width))
    assert Steps.shown == (2, 3, *seen)
    assert (found.min(), found.max()) == (0, 0.75**2)
    assert (np.diff(found, axis=1) >= 0).all(), "from far to near without a step back"


@shipped_only
def test_a_mirrored_picture_has_the_mirrored_depth() -> None:
    estimator = load_estimator(DIORAMA_DEPTH)
    picture = noise(128, 160)
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    assert np.allclose(estimator.estimate(mirrored)[:, ::-1], estimator.estimate(picture), atol=1e-4)


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (256, 256, (128, 128)), (128, 128, (128, 128)), (4000, 4000, (128, 128)), (1, 1, (128, 128)),
        (640, 480, (128, 96)), (1920, 1080, (160, 96)), (480, 640, (96, 128)), (192, 64, (192, 64)),
        (900, 600, (192, 128)), (1200, 500, (224, 96)),
        (3000, 8, (1024, 32)), (8, 3000, (32, 1024)),
    ],
)  # fmt: skip
def test_the_size_that_the_network_sees(width: int, height: int, size: tuple[int, int]) -> None:
    assert network_size(width, height) == size


def test_every_size_is_whole_and_about_the_trained_area() -> None:
    for ratio in np.geomspace(1 / 8, 8, 200):
        width, height = network_size(round(1000 * ratio**0.5), round(1000 / ratio**0.5))
        assert width % 32 == height % 32 == 0
        assert 0.49 < width * height / 128**2 < 1.9
        assert 0.87 < width / height / ratio < 1.15


@pytest.mark.parametrize("size", SMALL.sizes)
def test_it_sees_what_it_was_trained_on_as_it_was_trained(size: tuple[int, int]) -> None:
    """Shown at twice the size, things it knows are strangers: 0.939 instead of 0.972 in the median."""
    assert network_size(*size) == size
    assert network_size(4 * size[0], 4 * size[1]) == size


def test_loaded_again_it_sees_the_same(tiny_depth: Path) -> None:
    one, other = (DioramaDepth("tiny", tiny_depth) for _ in range(2))
    picture = noise(120, 200)
    assert np.array_equal(one.estimate(picture), other.estimate(picture))
    assert one.weights_sha256 == hashlib.sha256((tiny_depth / WEIGHTS).read_bytes()).hexdigest()
    assert (one.name, one.revision, one.quantity) == ("tiny", "", "disparity")
    assert one.caution


@pytest.mark.parametrize("name", [GRAPH, WEIGHTS])
def test_a_tampered_file_is_refused(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[-1] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(ModelError, match=f"{name} has sha256") as refused:
        DioramaDepth("tiny", copy)
    assert refused.value.code is ErrorCode.MODEL_HASH_MISMATCH
    assert refused.value.exit_status == 5


@pytest.mark.parametrize("name", [GRAPH, WEIGHTS, "model.json"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ModelError, match=f"the file {name} is missing; reinstall") as refused:
        DioramaDepth("tiny", copy)
    assert refused.value.code is ErrorCode.MODEL_NOT_FOUND


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", ErrorCode.MODEL_TRUNCATED), ("[]", ErrorCode.MODEL_TRUNCATED),
        ("{}", ErrorCode.MODEL_HASH_MISMATCH),
    ],
)  # fmt: skip
def test_a_damaged_document_is_refused(copy: Path, text: str, code: ErrorCode) -> None:
    (copy / "model.json").write_text(text)
    with pytest.raises(ModelError, match="reinstall depthpaint") as refused:
        DioramaDepth("tiny", copy)
    assert refused.value.code is code


@pytest.mark.full
def test_what_is_no_depth_is_said(tmp_path: Path) -> None:
    broken = save_tiny_depth(tmp_path / "nan", dark=float("nan"))
    with pytest.raises(ModelError, match="not a depth map"):
        DioramaDepth("tiny", broken).estimate(noise(64, 64))


def test_the_registry_finds_it_in_the_package(tiny_depth: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ESTIMATORS, DIORAMA_DEPTH, replace(SHIPPED, folder=tiny_depth))
    found = load_estimator(DIORAMA_DEPTH)
    assert (found.name, found.estimate(noise(40, 60)).shape) == (DIORAMA_DEPTH, (40, 60))
    monkeypatch.setitem(ESTIMATORS, DIORAMA_DEPTH, replace(SHIPPED, folder=tiny_depth / "nowhere"))
    with pytest.raises(ModelError, match=r"diorama-depth: the file model\.json is missing"):
        load_estimator(DIORAMA_DEPTH)


def test_seeing_loads_no_torch(tiny_depth: Path) -> None:
    code = (
        "import sys, numpy\nfrom pathlib import Path\n"
        "from depthpaint.models.estimators.diorama_depth import DioramaDepth\n"
        "DioramaDepth('tiny', Path(sys.argv[1])).estimate(numpy.zeros((9, 9, 3), numpy.uint8))\n"
        "sys.stdout.write(','.join({'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny_depth)], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""


@shipped_only
def test_the_shipped_files_are_whole_and_small() -> None:
    found = load_estimator(DIORAMA_DEPTH).estimate(noise(100, 150))
    assert found.shape == (100, 150)
    assert np.ptp(found) > 0
    assert sum(file.stat().st_size for file in SHIPPED.folder.iterdir()) <= 10_000_000
    assert json.loads((SHIPPED.folder / "model.json").read_text())["facts"]
