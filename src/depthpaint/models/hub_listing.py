"""What of somebody's repository on the hub is worth fetching: safetensors, and of twins the smaller one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.hub_part import HubPart
from depthpaint.models.weights import PICKLES

INDEX = "model_index.json"
FOLDERS = frozenset({"unet", "vae", "text_encoder", "text_encoder_2"})
"""Those of diffusers' layout that hold weights which paint."""
UNSTATED = "its page names no licence"


@dataclass(frozen=True, slots=True)
class Listing:
    """A repository's files with their sizes in bytes, and the licence that its page names."""

    repository: str
    files: tuple[tuple[str, int], ...]
    licence: str = UNSTATED

    @property
    def part(self) -> HubPart:
        """What is fetched. Raises ModelError pickle_refused, model_not_found or model_incompatible."""
        names = [name for name, _ in self.files]
        weights = self._weights(names)
        size = sum(bytes_ for name, bytes_ in self.files if name in weights)
        configured = any(PurePosixPath(name).name in (INDEX, "config.json") for name in names)
        return HubPart(
            self.repository, round(size / 1e6), self.licence, tuple(weights), configured=configured
        )

    def _weights(self, names: Sequence[str]) -> list[str]:
        tensors = [name for name in names if ".safetensors" in name]
        if INDEX in names:
            folders = {str(PurePosixPath(name).parent) for name in tensors} & FOLDERS
            chosen = [name for folder in sorted(folders) for name in _of_twins(tensors, folder)]
            if "unet" in folders:
                return chosen
        else:
            chosen = _of_twins(tensors, ".")
            if len(chosen) == 1 or (chosen and "config.json" in names):
                return chosen
        raise self._nothing(names, chosen)

    def _nothing(self, names: Sequence[str], chosen: Sequence[str]) -> ModelError:
        if chosen and INDEX not in names:
            return ModelError(
                f"{self.repository} holds {len(chosen)} files of weights, such as {chosen[0]}",
                code=ErrorCode.MODEL_INCOMPATIBLE,
                remedy="download the one that is meant, and name it by its path",
                value=self.repository,
            )
        pickles = [name for name in names if PurePosixPath(name).suffix.lower() in PICKLES]
        if pickles:
            return ModelError(
                f"{self.repository} holds pickled weights only ({pickles[0]}), which can run code",
                code=ErrorCode.PICKLE_REFUSED,
                remedy="look for a copy in safetensors, or convert them where you trust them",
                value=self.repository,
            )
        return ModelError(
            f"{self.repository} holds no weights of a Stable Diffusion",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy="name a repository in diffusers' layout, or of one control network, autoencoder or LoRA",
            value=self.repository,
        )


def _of_twins(tensors: Sequence[str], folder: str) -> list[str]:
    """The files directly in `folder`: in float16 where they are published so, else the plain ones."""
    here = sorted(name for name in tensors if str(PurePosixPath(name).parent) == folder)
    halves = [name for name in here if ".fp16." in name or ".fp16-" in name]
    plain = [name for name in here if "non_ema" not in name and name not in halves]
    return halves or plain
