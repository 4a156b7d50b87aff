"""Depth Anything by our loading and preprocessing, beside transformers' own, with random weights."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.depth.depth_map import DepthMap
from depthpaint.engine import Engine
from depthpaint.inputs.depth_reading import DepthReading
from depthpaint.models.estimators import hub, registry
from depthpaint.models.estimators.depth_anything import DepthAnything, network_size
from depthpaint.models.estimators.registry import DEFAULT, ESTIMATORS, load_estimator

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Depth Anything in miniature, saved as its publishers save it."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    torch.random.default_generator.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=518, patch_size=14,
        reshape_hidden_states=False, apply_layernorm=True,
        **{"out_features": ["stage1", "stage2"]},
    )  # fmt: skip
    configuration = DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=32, neck_hidden_sizes=[8, 16],
        fusion_hidden_size=16, head_hidden_size=8, reassemble_factors=[4, 2],
    )  # fmt: skip
    target = tmp_path_factory.mktemp("depth-anything")
    DepthAnythingForDepthEstimation(configuration).save_pretrained(target)
    return target


@pytest.fixture
def photo() -> np.ndarray:
    y, x = np.mgrid[0:61, 0:97]
    return np.stack([2 * y, x * 2, (x + y) % 256], axis=-1).astype(np.uint8)


def test_it_is_what_transformers_makes_of_it(folder: Path, photo: np.ndarray) -> None:
    """The published processor's settings in transformers' own processor; enlarged linearly, not cubically."""
    from transformers import AutoModelForDepthEstimation
    from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

    processor = DPTImageProcessorPil(
        do_resize=True, size={"height": 518, "width": 518}, keep_aspect_ratio=True, ensure_multiple_of=14,
        resample=Image.Resampling.BICUBIC, do_rescale=True, rescale_factor=1 / 255, do_normalize=True,
        image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225], do_pad=False,
    )  # fmt: skip
    inputs = processor(Image.fromarray(photo), return_tensors="pt")
    with torch.inference_mode():
        answer = AutoModelForDepthEstimation.from_pretrained(folder)(**inputs).predicted_depth
    expected = torch.nn.functional.interpolate(answer[:, None], photo.shape[:2], mode="bilinear")[
        0, 0
    ].numpy()
    found = DepthAnything("tiny", folder).estimate(photo)
    assert found.shape == photo.shape[:2]
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(640, 480, (686, 518)), (518, 518, (518, 518)), (97, 61, (518, 322)), (4000, 3000, (686, 518))],
)
def test_the_size_that_the_network_sees(width: int, height: int, size: tuple[int, int]) -> None:
    assert network_size(width, height) == size


@pytest.mark.parametrize("shape", [(8, 900), (900, 8), (8, 8)])
def test_odd_photos_are_seen_too(folder: Path, shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert DepthAnything("tiny", folder).estimate(picture).shape == shape


def read(folder: Path, path: Path) -> DepthMap:
    return Engine().read(path, DepthReading(from_photo=str(folder)))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_a_photo_becomes_depth_and_says_by_whom(
    folder: Path, tmp_path: Path, photo: np.ndarray, mode: str
) -> None:
    Image.fromarray(photo).convert(mode).save(tmp_path / "photo.png")
    depth = read(folder, tmp_path / "photo.png")
    assert (depth.source.estimator, depth.source.near, depth.source.kind) == (
        str(folder),
        "white",
        "disparity",
    )
    assert len(depth.source.estimator_sha256) == 64
    assert any("estimated from a photo" in note for note in depth.source.notes)
    again = read(folder, tmp_path / "photo.png")
    assert np.array_equal(again.values, depth.values)
    near = depth.source.finding("near")
    assert near is not None
    assert str(folder) in near.evidence


@pytest.mark.parametrize("spoil", ["empty", "pickle", "no config", "cut", "not there"])
def test_what_cannot_be_loaded_is_one_sentence(folder: Path, tmp_path: Path, spoil: str) -> None:
    target = tmp_path / "spoilt"
    if spoil != "not there":
        target.mkdir()
    weights = (folder / "model.safetensors").read_bytes()
    if spoil in ("pickle", "cut"):
        (target / "config.json").write_text((folder / "config.json").read_text())
    if spoil == "pickle":
        (target / "pytorch_model.bin").write_bytes(b"\x80\x02.")
    if spoil in ("no config", "cut"):
        (target / "model.safetensors").write_bytes(weights[:1000] if spoil == "cut" else weights)
    with pytest.raises(ModelError) as refused:
        load_estimator(str(target))
    expected = ErrorCode.MODEL_NOT_FOUND if spoil == "not there" else ErrorCode.MODEL_INCOMPATIBLE
    assert refused.value.code is expected
    assert "\n" not in str(refused.value)
    assert refused.value.remedy


def test_weights_that_are_not_here_are_never_fetched_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sockets are forbidden in this suite: a connection would be another error."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="models pull") as refused:
        load_estimator(DEFAULT)
    assert refused.value.code is ErrorCode.OFFLINE_MISSING


class _Hub(BaseHTTPRequestHandler):
    """As much of a hub as a download needs."""

    folder: Path
    asked: list[str]
    commit = "0123456789abcdef0123456789abcdef01234567"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self, *, with_body: bool) -> None:
        self.asked.append(self.path)
        path = self.path.partition("?")[0]
        names = [*(file.name for file in self.folder.iterdir()), "pytorch_model.bin"]
        if "/tree/" in path:
            listed = [{"type": "file", "path": name, "size": 1, "oid": "0" * 40} for name in names]
            body = json.dumps(listed).encode()
        elif path.startswith("/api/models/"):
            files = [{"rfilename": name} for name in names]
            body = json.dumps({"id": "x", "sha": self.commit, "siblings": files}).encode()
        else:
            file = self.folder / path.rpartition("/")[2]
            if not file.exists():
                self.send_error(404)
                return
            body = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{len(body):040d}"')
        self.send_header("X-Repo-Commit", self.commit)
        self.end_headers()
        if with_body:
            self.wfile.write(body)


@pytest.fixture
def loopback(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Hub]]:
    """A hub on this machine, and an empty cache."""
    handler = type("Hub", (_Hub,), {"folder": folder, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hub, "snapshot_download", _with(hub.snapshot_download, tmp_path, endpoint))
    yield handler
    server.shutdown()
    server.server_close()


def _with(download: Any, cache: Path, endpoint: str) -> Any:
    def at_home(*arguments: Any, **options: Any) -> Any:
        return download(*arguments, **options, cache_dir=str(cache), endpoint=endpoint)

    return at_home


@pytest.mark.enable_socket
def test_pull_fetches_safetensors_and_nothing_pickled(loopback: type[_Hub], photo: np.ndarray) -> None:
    pulled = hub.pull(DEFAULT, ESTIMATORS[DEFAULT])
    assert sorted(path.name for path in pulled.iterdir()) == ["config.json", "model.safetensors"]
    assert not any("pytorch_model.bin" in path for path in loopback.asked)
    count = len(loopback.asked)
    assert load_estimator(DEFAULT).estimate(photo).shape == photo.shape[:2]
    assert len(loopback.asked) == count, "loading asks nobody"


@pytest.mark.enable_socket
def test_a_hub_that_does_not_answer_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        hub, "snapshot_download", _with(hub.snapshot_download, tmp_path, "http://127.0.0.1:9")
    )
    with pytest.raises(ModelError) as refused:
        hub.pull(DEFAULT, registry.ESTIMATORS[DEFAULT])
    assert refused.value.code is ErrorCode.HUB_UNREACHABLE
    assert "\n" not in str(refused.value)
