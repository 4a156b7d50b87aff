"""One part of a folder in diffusers' layout: a module with its weights, or a tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from depthpaint.models.folder_json import incompatible
from depthpaint.models.stable_diffusion.safety_parts import CHECKER, IMAGE_PROCESSOR
from depthpaint.models.weights import weight_files


def load_part(folder: Path, kind: str, device: str, dtype: torch.dtype) -> Any:
    """What is in `folder`, of a class that is allowed.

    Raises ModelError where it cannot be built, or a weight of it is missing.
    """
    import diffusers

    module = _library_of(kind)
    build = getattr(module, kind).from_pretrained
    try:
        if kind.startswith(IMAGE_PROCESSOR) or "Tokenizer" in kind:
            return build(str(folder), local_files_only=True)
        name = "torch_dtype" if module is diffusers else "dtype"
        variant = "fp16" if ".fp16." in weight_files(folder)[0].name else None
        part, told = build(
            str(folder), local_files_only=True, use_safetensors=True, variant=variant,
            output_loading_info=True, **{name: dtype},
        )  # fmt: skip
    # Whatever a broken folder makes the libraries raise is a broken folder.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise incompatible(folder, reason) from error
    if told["missing_keys"]:
        # The libraries would put chance in its place.
        raise incompatible(folder, f"its {min(told['missing_keys'])[:80]} is missing")
    return part.to(device).eval().requires_grad_(False)


def _library_of(kind: str) -> Any:
    import diffusers
    import transformers

    if kind == CHECKER:
        from diffusers.pipelines.stable_diffusion import safety_checker

        return safety_checker
    return diffusers if hasattr(diffusers, kind) else transformers
