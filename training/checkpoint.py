"""Everything a run needs to go on where it was, in safetensors files that are replaced whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer


@dataclass
class Progress:
    """How far a run has come. `seconds` counts training only, so that a pause costs nothing of the budget."""

    steps: int = 0
    samples: int = 0
    seconds: float = 0.0


def save_checkpoint(
    folder: Path, modules: dict[str, nn.Module], optimizers: dict[str, Optimizer], progress: Progress
) -> None:
    """Write weights, optimizer moments and progress.

    The progress file comes last and names a complete set.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        tensors |= {
            f"module/{name}/{key}": value.detach().contiguous() for key, value in module.state_dict().items()
        }
    for name, optimizer in optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {
                f"optimizer/{name}/{index}/{key}": torch.as_tensor(value).clone()
                for key, value in state.items()
            }
    weights = folder / f"step-{progress.steps:07d}.safetensors"
    partial = weights.with_suffix(".partial")
    save_file(tensors, partial)
    partial.replace(weights)
    note = folder / "progress.partial"
    note.write_text(json.dumps(asdict(progress) | {"weights": weights.name}), encoding="utf-8")
    note.replace(folder / "progress.json")
    for old in sorted(folder.glob("step-*.safetensors"))[:-2]:
        old.unlink()


def load_checkpoint(
    folder: Path, modules: dict[str, nn.Module], optimizers: dict[str, Optimizer]
) -> Progress:
    """Fill `modules` and `optimizers` from the last checkpoint; a new run's progress when there is none."""
    note = folder / "progress.json"
    if not note.exists():
        return Progress()
    values = json.loads(note.read_text(encoding="utf-8"))
    tensors = load_file(folder / values.pop("weights"))
    for name, module in modules.items():
        prefix = f"module/{name}/"
        module.load_state_dict(
            {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        )
    for name, optimizer in optimizers.items():
        prefix = f"optimizer/{name}/"
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith(prefix):
                index, field = key.removeprefix(prefix).split("/")
                state.setdefault(int(index), {})[field] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return Progress(**values)
