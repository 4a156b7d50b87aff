"""ONNX graphs that hold no weights: each points into a safetensors file beside it.

The weights exist once, as float16. A graph's initializers are external tensors at their offset in the
safetensors file, cast to float32 (ONNX Runtime folds the casts when it loads).
"""

from __future__ import annotations

import json
import logging
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper
from onnx_ir.passes.common import CommonSubexpressionEliminationPass
from onnxscript import ir, optimizer
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Graph:
    """A network to export: an example of each input by name, which axes may vary, and the outputs' names."""

    module: nn.Module
    inputs: dict[str, Tensor]
    dynamic: dict[str, dict[int, object]]
    outputs: list[str]


def write_graph(graph: Graph, path: Path, weights: Path) -> None:
    """Write the ONNX graph to `path`; `weights`, beside it, already holds the network's tensors by name."""
    # The exporter tells of every operator of torchvision that is not there.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            graph.module.eval(), (), kwargs=graph.inputs, dynamo=True, optimize=False, verbose=False,
            dynamic_shapes=graph.dynamic, input_names=list(graph.inputs), output_names=graph.outputs,
        )  # fmt: skip
    if program is None:
        raise RuntimeError(f"the exporter returned nothing for {path.stem}")
    _simplify(program.model, frozenset(graph.module.state_dict()))
    model = program.model_proto
    _point_into(model, weights)
    _strip(model)
    onnx.save(model, path)


def _simplify(model: ir.Model, learned: frozenset[str]) -> None:
    """Compute ahead what neither inputs nor the weights named `learned` have a say in, and nothing twice.

    ONNX Runtime would do it whenever it loads, and takes three times as long. What is computed from weights
    would stand in the graph and go stale; the optimizer as a whole also joins weights that are equal.
    """

    def may_fold(node: ir.Node) -> bool | None:
        """None leaves it to sizes."""
        return False if any(value and value.name in learned for value in node.inputs) else None

    optimizer.inline(model)
    optimizer.fold_constants_ir(model, onnx_shape_inference=True, should_fold=may_fold)
    CommonSubexpressionEliminationPass()(model)
    optimizer.remove_unused_nodes(model)


def _point_into(model: onnx.ModelProto, weights: Path) -> None:
    """Replace every large initializer by its float16 twin in the safetensors file and a cast to float32."""
    with weights.open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
    casts: list[onnx.NodeProto] = []
    kept: list[TensorProto] = []
    for initializer in model.graph.initializer:
        entry = header.get(initializer.name)
        if entry is None:
            kept.append(initializer)
            continue
        begin, end = entry["data_offsets"]
        half = f"{initializer.name}.float16"
        outside = TensorProto(name=half, data_type=TensorProto.FLOAT16, dims=entry["shape"])
        outside.data_location = TensorProto.EXTERNAL
        for key, value in (
            ("location", weights.name),
            ("offset", 8 + length + begin),
            ("length", end - begin),
        ):
            outside.external_data.add(key=key, value=str(value))
        kept.append(outside)
        casts.append(helper.make_node("Cast", [half], [initializer.name], to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend([*casts, *nodes])


def _strip(model: onnx.ModelProto) -> None:
    """Drop stack traces and value notes: they are most of the file and name the exporting machine's paths."""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        del value.metadata_props[:]
    del model.graph.value_info[:], model.graph.metadata_props[:], model.metadata_props[:]
    for function in model.functions:
        for node in function.node:
            del node.metadata_props[:]
