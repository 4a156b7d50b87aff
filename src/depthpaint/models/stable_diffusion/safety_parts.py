"""Where a model has its safety checker, if it brings one; without torch."""

from __future__ import annotations

from pathlib import Path

from depthpaint.core.errors import ErrorCode, ModelError

CHECKER, PART, EYES = "StableDiffusionSafetyChecker", "safety_checker", "feature_extractor"
IMAGE_PROCESSOR = "CLIPImageProcessor"


def require_checker(model: Path) -> None:
    """Raise ModelError model_not_found unless a model's folder brings a safety checker."""
    if not all((model / part).is_dir() for part in (PART, EYES)):
        raise ModelError(
            f"{model} brings no safety checker",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"name a folder that holds {PART} and {EYES}, or leave out --safety-checker",
            value=str(model),
        )
