"""From a trained depth network to the files in the package: one ONNX graph and one safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from depthpaint.core.errors import ErrorCode, InternalError
from depthpaint.core.files import sha256_of
from depthpaint.core.regular_file import DOCUMENT, write_document
from depthpaint.models.estimators.diorama_depth import GRAPH, INPUT, LONGEST_SIDE, MULTIPLE, OUTPUT, WEIGHTS
from training.onnx_files import Graph, write_graph

MOST_BYTES = 10_000_000
"""Of everything together: each who installs depthpaint downloads it."""


def export_depth(network: nn.Module, folder: Path, facts: Mapping[str, object]) -> None:
    """Write the package files into `folder`: weights, graph, and model.json with digests and `facts`.

    `network` takes pictures (B, 3, H, W) in [0, 1], sides multiples of 32, to roots of disparity
    (B, 1, H, W). Raises InternalError where the files are larger than MOST_BYTES.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: value.detach().half().contiguous()
        for name, value in network.state_dict().items()
        if value.is_floating_point()
    }
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt", "model": "diorama-depth"})
    batch = torch.export.Dim("batch", min=1, max=64)
    down, across = (
        torch.export.Dim(name, min=1, max=LONGEST_SIDE // MULTIPLE) for name in ("down", "across")
    )
    graph = Graph(
        network,
        {INPUT: torch.rand(2, 3, 4 * MULTIPLE, 6 * MULTIPLE)},
        {INPUT: {0: batch, 2: MULTIPLE * down, 3: MULTIPLE * across}},
        [OUTPUT],
    )
    write_graph(graph, folder / GRAPH, folder / WEIGHTS)
    write_document(folder, {
        "facts": dict(facts), "graph_sha256": sha256_of(folder / GRAPH),
        "weights_sha256": sha256_of(folder / WEIGHTS),
    })  # fmt: skip
    size = sum((folder / name).stat().st_size for name in (GRAPH, WEIGHTS, DOCUMENT))
    if size > MOST_BYTES:
        raise InternalError(
            f"the files of diorama-depth have {size} bytes",
            code=ErrorCode.INTERNAL,
            value=size,
            limit=MOST_BYTES,
            remedy=f"make the network smaller: {MOST_BYTES} bytes may be shipped",
        )


def load_depth_export(folder: Path, network: nn.Module) -> None:
    """Fill `network` from the package files in `folder`. Raises FileNotFoundError where there are none."""
    network.load_state_dict({name: value.float() for name, value in load_file(folder / WEIGHTS).items()})
