"""CLIP as a judge: how well a picture matches its prompt, and its quality.

CLIPScore: Hessel et al. 2104.08718. CLIP-IQA: Wang et al. 2207.12396.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.core.files import is_folder
from depthpaint.models import hub
from depthpaint.models.folder_json import read_configuration, require_readable
from depthpaint.models.hub_files import part_named, require_sound_environment
from depthpaint.models.weights import digest_of, library_errors, require_backed, require_finite, require_whole

MEAN = np.array((0.48145466, 0.4578275, 0.40821073), np.float32)
SPREAD = np.array((0.26862954, 0.26130258, 0.27577711), np.float32)
"""Mean and standard deviation of colours in [0, 1] for the published weights."""
GOOD, BAD = "Good photo.", "Bad photo."
SHARPNESS = 100.0
"""The factor for similarities before CLIP-IQA weighs one text against the other."""
OTHERWISE = "name a copied folder with --clip"


@dataclass(frozen=True, slots=True)
class ClipScores:
    """`text` is 100 times the cosine between picture and prompt, 0 or more; None without a prompt.

    `quality` in [0, 1] is how much better the picture matches "good photo" than "bad photo".
    """

    text: float | None
    quality: float


class ClipJudge:
    """Any CLIP in transformers' layout, in float32, on the GPU where there is one."""

    def __init__(self, name: str) -> None:
        """Load from a folder, or from the hub's cache by owner/name; does not download.

        Raises ModelError: offline_missing, model_not_found, model_incompatible.
        """
        require_sound_environment()
        folder = self._folder = _folder(name)
        self.name = folder.name if is_folder(Path(name)) else name
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        network, self._tokenizer = _loaded(folder)
        self._network: Any = network.to(self._device).eval()
        self._side = int(network.config.vision_config.image_size)
        self.weights_sha256 = digest_of(_weights(folder))

    def scores(self, picture: NDArray[np.uint8], prompt: str | None) -> ClipScores:
        """Judge a picture (H, W, 3); the prompt is cut to 77 tokens."""
        with library_errors(
            self._folder, _unusable, part="its network", short="to judge", remedy="name a smaller CLIP"
        ):
            return self._scores(picture, prompt)

    @torch.inference_mode()
    def _scores(self, picture: NDArray[np.uint8], prompt: str | None) -> ClipScores:
        texts = [GOOD, BAD, *([] if prompt is None else [prompt])]
        words: Any = self._tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        output: Any = self._network(
            pixel_values=self._shown(picture),
            input_ids=words["input_ids"].to(self._device),
            attention_mask=words["attention_mask"].to(self._device),
        )
        cosines: torch.Tensor = (output.image_embeds @ output.text_embeds.T)[0].float().cpu()
        good, bad = cosines[:2].tolist()
        quality = 1 / (1 + np.exp(SHARPNESS * (bad - good)))
        return ClipScores(None if prompt is None else max(0.0, 100 * float(cosines[2])), float(quality))

    def _shown(self, picture: NDArray[np.uint8]) -> torch.Tensor:
        """The centre of the picture, its short side at the trained size, as the published processor does."""
        image, side = Image.fromarray(picture), self._side
        size = [int(side * length / min(image.size)) for length in image.size]
        image = image.resize((size[0], size[1]), Image.Resampling.BICUBIC)
        left, top = (size[0] - side) // 2, (size[1] - side) // 2
        colours = np.asarray(image.crop((left, top, left + side, top + side)), np.float32) / 255
        pixels = ((colours - MEAN) / SPREAD).transpose(2, 0, 1)[None]
        return torch.from_numpy(np.ascontiguousarray(pixels)).to(self._device)


def _folder(name: str) -> Path:
    if is_folder(Path(name)):
        return Path(name).resolve()
    part = part_named(name)
    if part is None:
        raise ModelError(
            f"there is no CLIP '{name}'",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy="name its folder, or pull one, such as openai/clip-vit-large-patch14, and name that",
            value=name,
        )
    return hub.local_folder(f"the CLIP {name}", part, OTHERWISE)


def _weights(folder: Path) -> list[Path]:
    files = sorted(file for file in folder.glob("*.safetensors") if file.is_file())
    for file in files:
        require_whole(file)
    return files


def _loaded(folder: Path) -> tuple[Any, Any]:
    require_readable(folder, _unusable)
    read_configuration(folder / "config.json", refuse=_unusable)
    files = _weights(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import CLIPConfig, CLIPModel, CLIPTokenizer
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        with library_errors(folder, _unusable, short="to load the judge", remedy="name a smaller CLIP"):
            with torch.device("meta"):
                empty = CLIPModel(CLIPConfig.from_pretrained(str(folder), local_files_only=True))
            require_backed(folder, files, empty, _unusable)
            tokenizer: Any = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
            network, info = CLIPModel.from_pretrained(  # pyright: ignore[reportGeneralTypeIssues]
                str(folder), local_files_only=True, use_safetensors=True, dtype=torch.float32,
                output_loading_info=True,
            )  # fmt: skip
    # transformers fills missing tensors with random numbers, which would make the scores random.
    if missing := sorted(info["missing_keys"]):
        raise _unusable(folder, f"its weights lack {len(missing)} tensors, such as {missing[0]}")
    require_finite(folder, network, _unusable)
    return network, tokenizer


def _unusable(folder: Path, why: str) -> ModelError:
    return ModelError(
        f"{folder} is not a usable CLIP: {why}",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="name a folder with config.json, model.safetensors and the tokenizer's files",
        value=str(folder),
    )
