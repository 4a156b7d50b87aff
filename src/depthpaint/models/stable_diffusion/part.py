"""One part of a folder in diffusers' layout: a module with its weights, or a tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from depthpaint.models.folder_json import incompatible, read_configuration, require_readable
from depthpaint.models.folder_weights import require_backed
from depthpaint.models.library_errors import library_errors
from depthpaint.models.stable_diffusion.safety_parts import CHECKER, IMAGE_PROCESSOR
from depthpaint.models.weights import weight_files

CONFIGURATIONS = ("config.json", "preprocessor_config.json", "generation_config.json")


def load_part(folder: Path, kind: str, device: str, dtype: torch.dtype) -> Any:
    """What is in `folder`, of a class that is allowed.

    Raises ModelError where it cannot be built, or a weight of it is missing.
    """
    import diffusers

    module = _library_of(kind)
    build = getattr(module, kind).from_pretrained
    _require_sound(folder)
    with library_errors(folder, short=f"to load {folder.name}"):
        if kind.startswith(IMAGE_PROCESSOR) or "Tokenizer" in kind:
            return build(str(folder), local_files_only=True)
        name = "torch_dtype" if module is diffusers else "dtype"
        files = weight_files(folder)
        variant = "fp16" if ".fp16." in files[0].name else None
        require_backed(folder, files, _empty(getattr(module, kind), folder))
        part, told = build(
            str(folder), local_files_only=True, use_safetensors=True, variant=variant,
            output_loading_info=True, **{name: dtype},
        )  # fmt: skip
    if told["missing_keys"]:
        # The libraries would put chance in its place.
        raise incompatible(folder, f"its {min(told['missing_keys'])[:80]} is missing")
    return part.to(device).eval().requires_grad_(False)


def _require_sound(folder: Path) -> None:
    """Look at the texts that the libraries will read, before they do."""
    require_readable(folder)
    for name in CONFIGURATIONS:
        if (folder / name).exists():
            read_configuration(folder / name)


def _empty(kind: Any, folder: Path) -> Any:
    """A module as its folder describes it, without memory."""
    with torch.device("meta"):
        if hasattr(kind, "from_config"):
            return kind.from_config(dict(read_configuration(folder / "config.json")))
        return kind(kind.config_class.from_pretrained(str(folder), local_files_only=True))


def _library_of(kind: str) -> Any:
    import diffusers
    import transformers

    if kind == CHECKER:
        from diffusers.pipelines.stable_diffusion import safety_checker

        return safety_checker
    return diffusers if hasattr(diffusers, kind) else transformers
