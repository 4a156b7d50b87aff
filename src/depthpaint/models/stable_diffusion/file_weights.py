"""The tensors of one file put into a module: every weight from the file, and every one of the file's used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from depthpaint.models.folder_json import incompatible

Spell = Callable[[str], str]


class FileWeights:
    """An open safetensors file that remembers which of its tensors were taken."""

    def __init__(self, file: Path, stream: Any) -> None:
        self.file = file
        self.names: frozenset[str] = frozenset(stream.keys())
        self._stream = stream
        self._taken: set[str] = set()

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape, without reading it."""
        return tuple(self._stream.get_slice(name).get_shape())

    def take(self, name: str) -> Tensor:
        """A tensor. Raises ModelError where there is none of that name."""
        if name not in self.names:
            raise incompatible(self.file, f"its {name} is missing")
        self._taken.add(name)
        return self._stream.get_tensor(name)

    def require_all_taken(self, *prefixes: str) -> None:
        """Raise ModelError where a tensor below one of the prefixes was left: then it is another network."""
        left = sorted(name for name in self.names - self._taken if name.startswith(prefixes))
        if left:
            raise incompatible(self.file, f"a network of this kind has no place for its {left[0][:80]}")


def spelled(weights: FileWeights, spell: Spell) -> Callable[[str], Tensor]:
    """Finds a parameter by the name that `spell` gives its module."""

    def find(name: str) -> Tensor:
        module, _, leaf = name.rpartition(".")
        return weights.take(f"{spell(module)}.{leaf}")

    return find


def filled(
    file: Path, empty: nn.Module, find: Callable[[str], Tensor], device: str, dtype: torch.dtype
) -> Any:
    """`empty`, a module without memory, with every weight as `find` finds it; none is left to chance.

    Raises ModelError model_incompatible where one is missing or of another size.
    """
    state = {name: _of_size(file, name, find(name), like) for name, like in empty.state_dict().items()}
    empty.load_state_dict({name: tensor.to(dtype) for name, tensor in state.items()}, assign=True)
    for name, buffer in empty.named_buffers():
        if buffer.is_meta and name.endswith("position_ids"):
            owner: Any = empty.get_submodule(name.rpartition(".")[0])
            owner.position_ids = torch.arange(buffer.shape[-1])[None]
    return empty.to(device).eval().requires_grad_(requires_grad=False)


def _of_size(file: Path, name: str, tensor: Tensor, like: Tensor) -> Tensor:
    """Attention's projections are convolutions of one pixel in some files: the same numbers."""
    if _flat(tensor) != _flat(like):
        sizes = ("x".join(map(str, shape)) for shape in (tensor.shape, like.shape))
        raise incompatible(file, "its {} is {} and should be {}".format(name, *sizes))
    return tensor.reshape(like.shape)


def _flat(tensor: Tensor) -> torch.Size:
    return tensor.shape[:2] if tensor.shape[2:] == (1, 1) else tensor.shape
