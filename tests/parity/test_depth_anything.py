"""Depth Anything by our loading and preprocessing, beside transformers' own, with random weights."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_estimator import save_tiny

from depthpaint.core.errors import ErrorCode, ModelError, OutOfMemory
from depthpaint.depth.depth_map import DepthMap, DepthReading
from depthpaint.engine import Engine
from depthpaint.models.estimators.estimator import FAMILIES
from depthpaint.models.estimators.registry import load_estimator
from depthpaint.record.result import record_of
from depthpaint.record.run_record import RunRecord
from depthpaint.request import Request
from fake_painter import FakePainter, offering

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("shape", [(61, 97), (300, 1000), (901, 700)])
def test_it_is_what_transformers_makes_of_it(folder: Path, shape: tuple[int, int]) -> None:
    """The published processor's settings in transformers' own processor; enlarged linearly, not cubically."""
    from transformers import AutoModelForDepthEstimation
    from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

    photo = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    processor = DPTImageProcessorPil(
        do_resize=True, size={"height": 518, "width": 518}, keep_aspect_ratio=True, ensure_multiple_of=14,
        resample=Image.Resampling.BICUBIC, do_rescale=True, rescale_factor=1 / 255, do_normalize=True,
        image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225], do_pad=False,
    )  # fmt: skip
    inputs = processor(Image.fromarray(photo), return_tensors="pt")
    with torch.inference_mode():
        answer = AutoModelForDepthEstimation.from_pretrained(folder)(**inputs).predicted_depth
    expected = torch.nn.functional.interpolate(answer[:, None], shape, mode="bilinear")[0, 0].numpy()
    found = load_estimator(str(folder)).estimate(photo)
    assert found.shape == shape
    assert found.dtype == np.float32
    assert np.ptp(expected) > 0
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (640, 480, (686, 518)), (518, 518, (518, 518)), (97, 61, (518, 322)), (4000, 3000, (686, 518)),
        (1000, 1, (518, 14)), (4000, 400, (2072, 518)),
    ],
)  # fmt: skip
def test_the_size_that_the_network_sees(width: int, height: int, size: tuple[int, int]) -> None:
    assert FAMILIES["depth_anything"].network_size(width, height) == size


@pytest.mark.parametrize("shape", [(8, 900), (900, 8), (8, 8), (1, 1000), (400, 6000)])
def test_odd_photos_are_seen_too(folder: Path, shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    values = load_estimator(str(folder)).estimate(picture)
    assert values.shape == shape
    assert np.isfinite(values).all()


def test_loaded_again_it_sees_the_same(folder: Path, photo: np.ndarray) -> None:
    one, other = (load_estimator(str(folder)) for _ in range(2))
    assert np.array_equal(one.estimate(photo), other.estimate(photo))
    assert one.weights_sha256 == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert (one.name, one.revision, one.quantity) == ("depth-anything", "", "disparity")


def test_weights_in_shards_are_the_same_weights(folder: Path, tmp_path: Path, photo: np.ndarray) -> None:
    shards = save_tiny(tmp_path / "shards", shard="100KB")
    files = sorted(shards.glob("*.safetensors"))
    assert len(files) > 1
    estimator = load_estimator(str(shards))
    assert np.array_equal(estimator.estimate(photo), load_estimator(str(folder)).estimate(photo))
    together = b"".join(file.read_bytes() for file in files)
    assert estimator.weights_sha256 == hashlib.sha256(together).hexdigest()


def test_half_weights_are_counted_with_in_full(tmp_path: Path, photo: np.ndarray) -> None:
    half = save_tiny(tmp_path / "half", half=True)
    full = tmp_path / "full"
    shutil.copytree(half, full)
    tensors = {name: tensor.float() for name, tensor in load_file(half / "model.safetensors").items()}
    save_file(tensors, full / "model.safetensors", {"format": "pt"})
    seen = [load_estimator(str(path)).estimate(photo) for path in (half, full)]
    assert np.array_equal(*seen)


def read(folder: Path, path: Path) -> DepthMap:
    return Engine().read(path, DepthReading(from_photo=str(folder)))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "1"])
def test_a_photo_becomes_depth_and_says_by_whom(
    folder: Path, tmp_path: Path, photo: np.ndarray, mode: str
) -> None:
    Image.fromarray(photo).convert(mode).save(tmp_path / "photo.png")
    depth = read(folder, tmp_path / "photo.png")
    source = depth.source
    assert (source.estimator, source.near, source.kind) == ("depth-anything", "white", "disparity")
    assert len(source.estimator_sha256) == 64
    assert any("estimated from a photo" in note for note in source.notes)
    again = read(folder, tmp_path / "photo.png")
    assert np.array_equal(again.values, depth.values)
    near = source.finding("near")
    assert near is not None
    assert near.confidence == 1
    assert "depth-anything" in near.evidence


def test_a_network_that_sees_metres_is_turned_round(tmp_path: Path, photo: np.ndarray) -> None:
    folder = save_tiny(tmp_path / "metric", depth_estimation_type="metric", max_depth=20)
    tensors = load_file(folder / "model.safetensors")
    tensors["head.conv3.weight"] *= 1e7  # random weights alone see one distance everywhere
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    Image.fromarray(photo).save(tmp_path / "photo.png")
    source = (depth := read(folder, tmp_path / "photo.png")).source
    assert (source.kind, source.near, source.metres) == ("distance", "black", 1.0)
    metres = load_estimator(str(folder)).estimate(photo)
    assert np.ptp(metres) > 0.1
    assert np.corrcoef(metres.ravel(), depth.values.ravel())[0, 1] < -0.5


@pytest.mark.parametrize("relative", [False, True])
def test_a_record_names_no_folder_of_a_person(
    folder: Path, tmp_path: Path, photo: np.ndarray, relative: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(photo).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    told = os.path.relpath(folder) if relative else str(folder)
    asked = Request(depth=Path("photo.png"), prompt="p", num_inference_steps=1, from_photo=told)
    record = record_of(Engine(find=offering(FakePainter())).paint(asked), 0)
    assert folder.parent.name not in record.to_json()
    assert record.settings.reading.from_photo == "depth-anything"
    assert record.depth.estimator_sha256 == load_estimator(told).weights_sha256
    assert record.request(Path("photo.png"), {"from_photo": told}).from_photo == told
    assert RunRecord.from_json(record.to_json()) == record


MODEL = "model.safetensors"
INCOMPATIBLE, TRUNCATED = ErrorCode.MODEL_INCOMPATIBLE, ErrorCode.MODEL_TRUNCATED


def lose(path: Path, part: str) -> None:
    tensors = load_file(path / MODEL)
    save_file({name: t for name, t in tensors.items() if part not in name}, path / MODEL, {"format": "pt"})


def reshape(path: Path) -> None:
    tensors = load_file(path / MODEL)
    tensors["head.conv1.weight"] = tensors["head.conv1.weight"][:, :4].contiguous()
    save_file(tensors, path / MODEL, {"format": "pt"})


def only_pickle(path: Path) -> None:
    (path / MODEL).unlink()
    (path / "pytorch_model.bin").write_bytes(b"\x80\x02.")


def index(path: Path, name: str) -> None:
    (path / MODEL).unlink()
    (path / f"{MODEL}.index.json").write_text(json.dumps({"weight_map": {"head.conv1.weight": name}}))


def configure(path: Path, **changes: object) -> None:
    document = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(document | changes))


SPOILS: dict[str, tuple[Callable[[Path], object], ErrorCode, str]] = {
    "empty": (lambda path: [file.unlink() for file in path.iterdir()], INCOMPATIBLE, "no model.safetensors"),
    "pickle": (only_pickle, ErrorCode.PICKLE_REFUSED, "never read"),
    "renamed pickle": (lambda path: (path / MODEL).write_bytes(b"\x80\x02."), TRUNCATED, "not a safetensors"),
    "no weights in it": (lambda path: (path / MODEL).write_bytes(b""), TRUNCATED, "damaged"),
    "cut": (lambda path: (path / MODEL).write_bytes((path / MODEL).read_bytes()[:-1]), TRUNCATED, "damaged"),
    "pointer": (
        lambda path: (path / MODEL).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0"),
        TRUNCATED, "git lfs pull",
    ),
    "no config": (lambda path: (path / "config.json").unlink(), INCOMPATIBLE, "config.json"),
    "not JSON": (lambda path: (path / "config.json").write_text("{"), INCOMPATIBLE, "not JSON"),
    "a list": (lambda path: (path / "config.json").write_text("[]"), INCOMPATIBLE, "not contain an object"),
    "deep JSON": (lambda path: (path / "config.json").write_text("[" * 99_999), INCOMPATIBLE, "not JSON"),
    "other family": (lambda path: configure(path, model_type="dinov2"), INCOMPATIBLE, "dinov2"),
    "other type": (lambda path: configure(path, depth_estimation_type="x"), INCOMPATIBLE, "unknown type"),
    "other sizes": (lambda path: configure(path, fusion_hidden_size=24), INCOMPATIBLE, ""),
    "head lost": (lambda path: lose(path, "head"), INCOMPATIBLE, "lack 6 tensors"),
    "one lost": (lambda path: lose(path, "head.conv1.bias"), INCOMPATIBLE, "head.conv1.bias"),
    "reshaped": (reshape, INCOMPATIBLE, ""),
    "shard gone": (lambda path: index(path, "model-00001-of-00001.safetensors"), TRUNCATED, "not all"),
    "shard outside": (lambda path: index(path, f"../depth-anything/{MODEL}"), TRUNCATED, "not all"),
}  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILS)
def test_what_cannot_be_loaded_is_one_sentence(folder: Path, tmp_path: Path, spoil: str) -> None:
    target = tmp_path / "spoilt"
    shutil.copytree(folder, target)
    deed, code, words = SPOILS[spoil]
    deed(target)
    with pytest.raises(ModelError) as refused:
        load_estimator(str(target))
    assert refused.value.code is code
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.remedy


def test_what_only_training_needs_may_be_missing(folder: Path, tmp_path: Path, photo: np.ndarray) -> None:
    shutil.copytree(folder, tmp_path / "trained")
    lose(tmp_path / "trained", "mask_token")
    seen = [load_estimator(str(path)).estimate(photo) for path in (folder, tmp_path / "trained")]
    assert np.array_equal(*seen)


@pytest.mark.parametrize("name", ["nobody", "no/such/folder", "a\0b"])
def test_an_estimator_that_is_not_there(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="depth-anything-v2-small"):
        load_estimator(name)


def test_weights_that_hold_no_numbers(folder: Path, tmp_path: Path, photo: np.ndarray) -> None:
    shutil.copytree(folder, tmp_path / "nan")
    tensors = {name: tensor * float("nan") for name, tensor in load_file(folder / MODEL).items()}
    save_file(tensors, tmp_path / "nan" / MODEL, {"format": "pt"})
    with pytest.raises(ModelError, match="not a depth map") as refused:
        load_estimator(str(tmp_path / "nan")).estimate(photo)
    assert refused.value.code is INCOMPATIBLE


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_too_little_memory_is_said(folder: Path, photo: np.ndarray, error: Exception) -> None:
    estimator = load_estimator(str(folder))

    def greedy(**inputs: object) -> None:
        raise error

    estimator._network = greedy
    with pytest.raises(OutOfMemory, match="photo smaller"):
        estimator.estimate(photo)


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_without_the_extra_it_says_what_to_install(
    folder: Path, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "depthpaint.models.estimators.published", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModelError, match=r"\[sd\]") as refused:
        load_estimator(str(folder))
    assert package in str(refused.value)
