"""What a single checkpoint says of its noise: whether it predicts the noise or the velocity.

The weights' names and shapes are the same for both, so it is told by marks: empty tensors that the web UIs
read (AUTOMATIC1111's pull request 16567), the header's texts (Stability AI's ModelSpec), and the settings
that AUTOMATIC1111 reads from NAME.yaml beside NAME.safetensors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any, Literal

Prediction = Literal["epsilon", "v_prediction"]
VELOCITY, ZERO_SNR = "v_pred", "ztsnr"
_WORDS: dict[str, Prediction] = {
    "v": "v_prediction", "v_prediction": "v_prediction", "v-prediction": "v_prediction",
    "epsilon": "epsilon", "eps": "epsilon",
}  # fmt: skip
_IN_YAML = re.compile(r"^\s*parameterization\s*:\s*[\"']?(\w+)", re.MULTILINE)
_ARCHITECTURES: dict[str, Prediction] = {
    "stable-diffusion-v2-768-v": "v_prediction", "stable-diffusion-v2-512": "epsilon",
}  # fmt: skip
_LONGEST_YAML = 100_000


def prediction_told(file: Path, names: Set[str], texts: Mapping[str, str]) -> Prediction | None:
    """What a checkpoint's tensor `names`, its header's `texts` or NAME.yaml say; None where none does."""
    if VELOCITY in names:
        return "v_prediction"
    said = _WORDS.get(texts.get("modelspec.prediction_type", "").lower())
    return said or _ARCHITECTURES.get(texts.get("modelspec.architecture", "").lower()) or _beside(file)


def scheduler_told(prediction: Prediction | None, names: Set[str]) -> dict[str, Any]:
    """What differs from the family's scheduler."""
    told: dict[str, Any] = {} if prediction is None else {"prediction_type": prediction}
    return told | ({"rescale_betas_zero_snr": True} if ZERO_SNR in names else {})


def _beside(file: Path) -> Prediction | None:
    settings = file.with_suffix(".yaml")
    # A pipe of that name would be waited for.
    if not settings.is_file():
        return None
    try:
        with settings.open(encoding="utf-8", errors="replace") as stream:
            text = stream.read(_LONGEST_YAML)
    except OSError:
        return None
    found = _IN_YAML.search(text)
    if found is not None:
        return _WORDS.get(found[1].lower())
    # The published settings of the models that predict noise leave it out.
    return "epsilon" if "ldm." in text else None
