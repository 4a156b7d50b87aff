"""The exported depth network is the trained one, and its files hold nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from depthpaint.core.errors import InternalError
from depthpaint.depth.compare import compare
from depthpaint.models.estimators.diorama_depth import GRAPH, INPUT, WEIGHTS
from depthpaint.models.estimators.registry import DIORAMA_DEPTH, ESTIMATORS, ShippedEntry, load_estimator
from training.depth_export import MOST_BYTES, export_depth
from training.depth_network import DepthNetwork

pytestmark = pytest.mark.full

SHAPES = [(1, 32, 32), (2, 64, 96), (3, 96, 64), (1, 256, 256), (1, 32, 1024)]


@pytest.fixture(scope="module")
def network() -> DepthNetwork:
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(0)
        return DepthNetwork().eval()


@pytest.fixture(scope="module")
def exported(network: DepthNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("somewhere") / "exported"
    export_depth(network, folder, {"steps": 3})
    return folder


def answers(network: nn.Module, exported: Path, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """What ONNX Runtime and torch say of one picture (B, 3, H, W)."""
    batch, height, width = shape
    picture = torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(1))
    session = onnxruntime.InferenceSession(str(exported / GRAPH), providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = network(picture).numpy()
    return np.asarray(session.run(None, {INPUT: picture.numpy()})[0]), expected


@pytest.mark.parametrize("shape", SHAPES)
def test_onnx_runtime_sees_what_torch_sees(
    network: DepthNetwork, exported: Path, shape: tuple[int, int, int]
) -> None:
    found, expected = answers(network, exported, shape)
    assert found.shape == (shape[0], 1, *shape[1:])
    assert np.ptp(expected) > 0.01
    assert np.abs(found - expected).max() < 1e-2


def test_only_the_weights_are_rounded(exported: Path) -> None:
    """With weights that float16 holds, the two agree as float32 does."""
    rounded = DepthNetwork().eval()
    rounded.load_state_dict({name: value.float() for name, value in load_file(exported / WEIGHTS).items()})
    found, expected = answers(rounded, exported, (2, 64, 96))
    assert np.abs(found - expected).max() < 1e-4


def test_the_weights_are_there_once_and_name_no_machine(network: DepthNetwork, exported: Path) -> None:
    tensors = load_file(exported / WEIGHTS)
    assert set(tensors) == set(network.state_dict())
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert (exported / GRAPH).stat().st_size < 200_000
    assert sum(file.stat().st_size for file in exported.iterdir()) <= MOST_BYTES
    outside = [
        entry.value
        for tensor in onnx.load(exported / GRAPH, load_external_data=False).graph.initializer
        for entry in tensor.external_data
        if entry.key == "location"
    ]
    assert len(outside) == len(tensors)
    assert set(outside) == {WEIGHTS}
    for file in exported.iterdir():
        data = file.read_bytes()
        for place in (str(exported.parent), str(Path.cwd()), str(Path(torch.__file__).parent)):
            assert place.encode() not in data


class _Heavy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Conv2d(3, 1, 1)
        self.ballast = nn.Linear(2300, 2300)

    def forward(self, picture: Tensor) -> Tensor:
        return self.look(picture)


def test_what_is_too_heavy_for_the_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="smaller"):
        export_depth(_Heavy(), tmp_path, {})


def test_the_shipped_network_sees_worlds_that_it_was_not_trained_on() -> None:
    entry = ESTIMATORS[DIORAMA_DEPTH]
    assert isinstance(entry, ShippedEntry)
    if not (entry.folder / "model.json").exists():
        pytest.skip("no weights of diorama-depth are shipped yet")
    from training.worlds.families import random_world
    from training.worlds.render import render_worlds
    from training.worlds.shards import HELD_OUT_SEED

    rng = np.random.default_rng(HELD_OUT_SEED)
    estimator = load_estimator(DIORAMA_DEPTH)
    ranks: list[float] = []
    for width, height in [(256, 256), (320, 192), (192, 320), (300, 200)] * 2:
        drawn = render_worlds([random_world(rng, ratio=width / height)], width, height)
        picture = np.rint(drawn.picture[0].numpy() * 255).astype(np.uint8)
        disparity = drawn.disparity[0].numpy()
        wanted = (disparity - disparity.min()) / max(float(np.ptp(disparity)), 1e-9)
        ranks.append(compare(wanted, estimator.estimate(picture)).rank_correlation)
    assert np.median(ranks) > 0.8
