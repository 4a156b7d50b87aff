"""diorama as a folder in diffusers' layout: writing it, and recognising it."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from safetensors.numpy import load_file, save  # pyright: ignore[reportUnknownVariableType]

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.files import output_error
from depthpaint.core.regular_file import read_document
from depthpaint.models.diorama.files import FOLDER, OWNER, WEIGHTS, DioramaFiles, open_files
from depthpaint.models.folder_json import read_configuration
from depthpaint.plan import ModelHabits

COMPARED = ("unet", "vae", "adapter")


def is_exported(folder: Path) -> bool:
    """Whether `folder` is diorama as write_diffusers_folder writes it: its networks are of the same shape.

    The weights may be others, such as further trained ones. Raises ModelError for a damaged configuration.
    """
    files = {name: folder / name / "config.json" for name in COMPARED}
    if not all(file.is_file() for file in files.values()):
        return False
    ours = cast("dict[str, dict[str, Any]]", read_document(OWNER, FOLDER)["configurations"])
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
README_NAME = "README.md"
WEIGHT_NAMES = {"text_encoder": "model.safetensors"}

README = """\
# diorama

A small Stable Diffusion that paints rooms, houses, landscapes and things from a depth map and a
prompt, in soft colours. It is the built-in model of depthpaint, written for diffusers. Licence:
Apache-2.0.

depthpaint paints from this folder, as it does from the built-in model:

    depthpaint generate DEPTH "a bedroom with a blue bed" --model FOLDER

In plain diffusers, run this in the folder, with a depth map whose near things are bright as `depth.png`:

```python
import numpy as np
import torch
from diffusers import StableDiffusionAdapterPipeline
from PIL import Image

WIDTH, HEIGHT = 256, 256  # multiples of 32; about as many pixels as 256 x 256


def relief(depth):
    # The four channels that the adapter sees: depth in [0, 1], its two slopes, and its breaks.
    size = (depth.shape[0] * depth.shape[1]) ** 0.5
    around = np.pad(depth, 1, mode="edge")
    left, right, above, below = around[1:-1, :-2], around[1:-1, 2:], around[:-2, 1:-1], around[2:, 1:-1]
    across, down = (right - left) / 2 * size, (below - above) / 2 * size
    breaks = left + right + above + below - 4 * depth
    bounded = [across / (abs(across) + 0.5), down / (abs(down) + 0.5), breaks / (abs(breaks) + 0.01)]
    return np.stack([depth, *bounded]).astype(np.float32)


image = Image.open("depth.png").convert("F").resize((WIDTH, HEIGHT))
depth = np.asarray(image, dtype=np.float32)
depth = (depth - depth.min()) / (depth.max() - depth.min())

pipeline = StableDiffusionAdapterPipeline.from_pretrained(".")
picture = pipeline(
    "photo of a red sphere on a blue floor and a yellow wall, in daylight",
    image=torch.from_numpy(relief(depth))[None],
    height=HEIGHT,
    width=WIDTH,
    timesteps=[999, 799],
    guidance_scale=1.0,
    generator=torch.Generator().manual_seed(12345),
).images[0]
picture.save("picture.png")
```

Name colours in the prompt: of "a bedroom" it paints the mean of all bedrooms. depthpaint adds
colours to short prompts, and draws the picture's edges along the depth map; plain diffusers does
neither.
"""
"""What the exported folder says about itself; its snippet is run by a test."""


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
    (target / README_NAME).write_text(README, encoding="utf-8")
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
