"""diorama's files inside the package, and their export as a diffusers folder."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from safetensors.numpy import load_file, save  # pyright: ignore[reportUnknownVariableType]

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.files import output_error
from depthpaint.core.regular_file import read_document, require_digest, require_digests
from depthpaint.models.folder_json import read_configuration
from depthpaint.plan import ModelHabits

FOLDER = Path(__file__).parent / "weights"
WEIGHTS, TOKENIZER = "diorama.safetensors", "tokenizer.json"
GRAPHS: tuple[str, ...] = ("text_encoder", "adapter", "unet", "decoder")
SMALL_FILES: tuple[str, ...] = (*(f"{name}.onnx" for name in GRAPHS), TOKENIZER)
"""All files but the weights and the document."""
DIGESTS = "sha256"
"""The document's key for the digests of SMALL_FILES, by name."""
_OWNER = "the built-in model"


@dataclass(frozen=True, slots=True)
class DioramaFiles:
    """The folder of the files, their facts, and the digest of the weights."""

    folder: Path
    configurations: dict[str, dict[str, Any]]
    facts: dict[str, Any]
    weights_sha256: str

    def graph(self, name: str) -> Path:
        """The ONNX graph `name`: text_encoder, adapter, unet or decoder."""
        return self.folder / f"{name}.onnx"

    @property
    def tokenizer(self) -> Path:
        """The tokenizer's file."""
        return self.folder / TOKENIZER


def diorama_facts(folder: Path = FOLDER) -> dict[str, Any]:
    """How the shipped weights were made and their scores, without reading the weights."""
    return cast("dict[str, Any]", read_document(_OWNER, folder)["facts"])


def open_files(folder: Path = FOLDER) -> DioramaFiles:
    """Find and check the files. Raises ModelError: model_not_found, model_truncated, model_hash_mismatch."""
    document = read_document(_OWNER, folder)
    require_digests(_OWNER, folder, _digests(document))
    digest = require_digest(_OWNER, folder / WEIGHTS, document.get("weights_sha256"))
    return DioramaFiles(folder, document["configurations"], document["facts"], digest)


def tokenizer_file(folder: Path = FOLDER) -> Path:
    """The tokenizer's file alone, checked as by open_files, without reading the weights."""
    digests = _digests(read_document(_OWNER, folder))
    require_digest(_OWNER, folder / TOKENIZER, digests[TOKENIZER])
    return folder / TOKENIZER


def _digests(document: dict[str, Any]) -> dict[str, object]:
    digests = cast("dict[str, object]", document.get(DIGESTS, {}))
    return {name: digests.get(name) for name in SMALL_FILES}


COMPARED = ("unet", "vae", "adapter")


def is_exported(folder: Path) -> bool:
    """Whether `folder` is diorama as write_diffusers_folder writes it: its networks are of the same shape.

    The weights may be others, such as further trained ones. Raises ModelError for a damaged configuration.
    """
    files = {name: folder / name / "config.json" for name in COMPARED}
    if not all(file.is_file() for file in files.values()):
        return False
    ours = cast("dict[str, dict[str, Any]]", read_document(_OWNER, FOLDER)["configurations"])
    # Libraries add names that begin with "_", such as their versions.
    return all(
        all(its.get(key) == value for key, value in ours[name].items() if not key.startswith("_"))
        for name, its in ((name, read_configuration(file)) for name, file in files.items())
    )


MODULES: dict[str, tuple[str, str]] = {
    "text_encoder": ("transformers", "CLIPTextModel"),
    "tokenizer": ("transformers", "PreTrainedTokenizerFast"),
    "unet": ("diffusers", "UNet2DConditionModel"),
    "vae": ("diffusers", "AutoencoderTiny"),
    "adapter": ("diffusers", "T2IAdapter"),
    "scheduler": ("diffusers", "DPMSolverMultistepScheduler"),
}
WEIGHT_NAMES = {"text_encoder": "model.safetensors"}


def write_diffusers_folder(target: Path, habits: ModelHabits) -> Path:
    """Write every module with its configuration and float32 weights into the empty or new folder `target`.

    `StableDiffusionAdapterPipeline.from_pretrained(target)` loads it. Raises OutputError if `target` contains
    files, or cannot be written; then nothing is left behind.
    """
    try:
        taken = target.exists() and (not target.is_dir() or any(target.iterdir()))
    except OSError as error:
        raise output_error(target, error) from error
    if taken:
        raise OutputError(
            f"{target} is not an empty folder",
            code=ErrorCode.OUTPUT_EXISTS,
            value=str(target),
            remedy="name a new folder",
        )
    files = open_files()
    # Renamed at the end, so that `target` is never incomplete. An existing folder may be a mount point, or
    # the only writable place.
    name = f".tmp-{secrets.token_hex(8)}"
    unfinished = target / name if target.exists() else target.parent / name
    try:
        unfinished.mkdir(parents=True)
        _write_all(unfinished, files, habits)
        if unfinished.parent == target:
            for part in unfinished.iterdir():
                part.rename(target / part.name)
        else:
            unfinished.rename(target)
    except OSError as error:
        raise output_error(target, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _write_all(target: Path, files: DioramaFiles, habits: ModelHabits) -> None:
    tensors = load_file(files.folder / WEIGHTS)
    index: dict[str, object] = {
        "_class_name": "StableDiffusionAdapterPipeline",
        "_diffusers_version": "0.40.0",
    }
    index |= {name: list(kind) for name, kind in MODULES.items()}
    index |= {
        "safety_checker": [None, None],
        "feature_extractor": [None, None],
        "requires_safety_checker": False,
    }
    _write_json(target / "model_index.json", index)
    for name, configuration in files.configurations.items():
        folder = target / name
        folder.mkdir()
        _write_json(folder / "config.json", configuration)
        own = {
            key.removeprefix(f"{name}."): np.ascontiguousarray(value, dtype=np.float32)
            for key, value in tensors.items()
            if key.startswith(f"{name}.")
        }
        weights = folder / WEIGHT_NAMES.get(name, "diffusion_pytorch_model.safetensors")
        # save_file raises its own error without an errno if the disk is full.
        weights.write_bytes(save(own, metadata={"format": "pt"}))
    (target / "scheduler").mkdir()
    _write_json(target / "scheduler" / "scheduler_config.json", scheduler_configuration(habits))
    length = int(files.configurations["text_encoder"]["max_position_embeddings"])
    _write_tokenizer(target / "tokenizer", files.tokenizer, length)


def scheduler_configuration(habits: ModelHabits) -> dict[str, Any]:
    """The scheduler configuration with which diffusers takes the same steps as depthpaint."""
    return {
        "_class_name": "DPMSolverMultistepScheduler",
        "num_train_timesteps": 1000,
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "prediction_type": habits.prediction,
        "rescale_betas_zero_snr": habits.zero_terminal_snr,
        # diffusers does not have this schedule; the configured one starts at the same level.
        "timestep_spacing": "trailing",
        "algorithm_type": "dpmsolver++",
        "solver_order": 2,
        "solver_type": "midpoint",
        "final_sigmas_type": "zero",
    }


def _write_tokenizer(folder: Path, source: Path, length: int) -> None:
    folder.mkdir()
    (folder / "tokenizer.json").write_bytes(source.read_bytes())
    _write_json(folder / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": length, "padding_side": "right",
        "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>",
        "unk_token": "<|unknown|>",
    })  # fmt: skip


def _write_json(path: Path, document: Mapping[str, object]) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
