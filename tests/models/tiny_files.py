"""Weights files and folders of nearly nothing, whole and in every state of disrepair."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

CANARY = "canary-that-nobody-may-sing"


def safetensors_bytes(values: int = 4) -> bytes:
    """One float32 tensor, as safetensors writes it."""
    return with_header(
        {"a": {"dtype": "F32", "shape": [values], "data_offsets": [0, 4 * values]}}, 4 * values
    )


def with_header(header: dict[str, Any] | str, size: int) -> bytes:
    text = header if isinstance(header, str) else json.dumps(header)
    raw = text.encode()
    return len(raw).to_bytes(8, "little") + raw + bytes(size)


class _Canary:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def pickled(folder: Path) -> bytes:
    """A pickle that makes the file CANARY in `folder` when it is loaded."""
    return pickle.dumps(_Canary(folder / CANARY))


def zipped(folder: Path) -> bytes:
    """The same in a ZIP, as torch.save writes it."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(folder))
    return memory.getvalue()


def save_layout(folder: Path, *, xl: bool = False, width: int = 768) -> Path:
    """A model's folder without weights: what planning and comparing reads."""
    unet: dict[str, Any] = {
        "sample_size": 64,
        "block_out_channels": [1, 2, 3, 4],
        "cross_attention_dim": width,
    }
    if xl:
        unet |= {
            "sample_size": 128, "block_out_channels": [1, 2, 3], "cross_attention_dim": 2048,
            "addition_embed_type": "text_time",
        }  # fmt: skip
    files: dict[str, dict[str, Any]] = {
        "model_index.json": {"_class_name": "StableDiffusionPipeline"},
        "unet/config.json": unet,
        "vae/config.json": {"block_out_channels": [1, 2, 3, 4]},
        "scheduler/scheduler_config.json": {"prediction_type": "epsilon"},
    }
    for name, document in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(document))
    return folder


def save_network(folder: Path, **configuration: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(configuration))
    return folder
