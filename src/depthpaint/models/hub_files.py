"""The Hugging Face hub: names of repositories and revisions, the files of a model, their size and licence."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath

from depthpaint.core.errors import ErrorCode, ModelError, ParameterError
from depthpaint.models.weights import PICKLES

SECONDS = ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT", "DIFFUSERS_TIMEOUT_REMOTE_CODE")
MOST_SECONDS = 1_000_000


def require_sound_environment() -> None:
    """Raise ParameterError if a variable is not a number; call it before importing one of the libraries."""
    for name in SECONDS:
        value = os.environ.get(name)
        # huggingface_hub treats an empty one as unset, diffusers does not.
        if value is None or (not value and name.startswith("HF_")):
            continue
        try:
            fits = 0 <= int(value) <= MOST_SECONDS
        except ValueError:
            fits = False
        if not fits:
            raise ParameterError(
                f"the environment variable {name} is {value[:40]!r}",
                code=ErrorCode.INVALID_PARAMETER,
                value=value,
                limit=MOST_SECONDS,
                remedy=f"unset it, or set it to whole seconds, up to {MOST_SECONDS:,}",
            )


_WORD = r"(?!\.)[\w.-]+"
_NAME = re.compile(rf"(?P<repository>{_WORD}/{_WORD})(?:@(?P<revision>{_WORD}(?:/{_WORD})*))?")
LICENCE = "its own licence"


def part_named(name: str) -> HubPart | None:
    """The whole repository with that `name`; None if it is not a hub id.

    A revision is a commit, a tag or a branch; the default is the current "main".
    """
    match = _NAME.fullmatch(name)
    return None if match is None else HubPart(match["repository"], 0, LICENCE, revision=match["revision"])


_REPOSITORY, _SNAPSHOTS = "models--", "snapshots"


def commits_of(places: Iterable[Path]) -> dict[str, str]:
    """The commits by repository (owner/name); files outside the hub's cache have none."""
    commits: dict[str, str] = {}
    for place in places:
        for (folder, below), commit in zip(pairwise(place.parts), place.parts[2:], strict=False):
            if folder.startswith(_REPOSITORY) and below == _SNAPSHOTS:
                commits[folder.removeprefix(_REPOSITORY).replace("--", "/", 1)] = commit
    return commits


_COMMIT = re.compile("[0-9a-f]{40}")
CONFIGURATIONS = ("*.json", "*.txt")
"""Text files: configurations and vocabularies; the hub's `*` also matches in subfolders."""


@dataclass(frozen=True, slots=True)
class HubPart:
    """The part of a repository that a model needs.

    `weights` are names or patterns of its safetensors files; besides them only text files are downloaded,
    never a pickle. All of them are below `subfolder`. `revision` is a commit, tag or branch, None for the
    current "main"; `sha256` are the known digests, hexadecimal, by path below `subfolder`. A LoRA is not
    `configured`: it has no config.json; without `weights` only text files are downloaded.
    """

    repository: str
    megabytes: int
    licence: str
    weights: tuple[str, ...] = ("*.safetensors", "*.safetensors.index.json")
    revision: str | None = None
    sha256: Mapping[str, str] = field(default_factory=dict[str, str])
    subfolder: str = ""
    configured: bool = True

    def __hash__(self) -> int:
        return hash((self.repository, self.weights, self.revision, self.subfolder))

    @property
    def patterns(self) -> list[str]:
        """The patterns of the files to download."""
        texts = CONFIGURATIONS if self.configured else ()
        return [f"{self.subfolder}/{name}" if self.subfolder else name for name in (*texts, *self.weights)]

    @property
    def name(self) -> str:
        """The display name: the repository, and after an @ the pinned revision."""
        return self.repository if self.revision is None else f"{self.repository}@{self.revision}"

    @property
    def page(self) -> str:
        """The repository and revision of the weights and their licence."""
        revision = self.revision or "main"
        return f"{self.repository} at {revision[:10] if _COMMIT.fullmatch(revision) else revision}"

    def missing_in(self, folder: Path) -> str:
        """The first file that `folder` lacks, "" if it is complete.

        Required are every named file, one for each pattern, and a configuration.
        """
        if self.configured and not any(file.is_file() for file in folder.rglob("*.json")):
            return "config.json"
        for name in self.weights:
            if "*" not in name and not (folder / name).is_file():
                return name
        patterns = [name for name in self.weights if "*" in name]
        exists = any(file.is_file() for name in patterns for file in folder.rglob(name))
        return "" if exists or not patterns else patterns[0]


CLIP_WORDS = HubPart("openai/clip-vit-large-patch14", 6, "MIT", ())
"""The tokenizer for single-file checkpoints, which contain none: only text files of this repository."""


INDEX = "model_index.json"
FOLDERS = frozenset({"unet", "vae", "text_encoder", "text_encoder_2"})
"""The folders of diffusers' layout whose weights are needed for painting."""
UNSTATED = "its page names no licence"


@dataclass(frozen=True, slots=True)
class Listing:
    """A repository's files with their sizes in bytes, and the licence that its page names."""

    repository: str
    files: tuple[tuple[str, int], ...]
    licence: str = UNSTATED

    @property
    def part(self) -> HubPart:
        """The files to download. Raises ModelError pickle_refused, model_not_found or model_incompatible."""
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
                f"{self.repository} contains {len(chosen)} weight files, such as {chosen[0]}",
                code=ErrorCode.MODEL_INCOMPATIBLE,
                remedy="download the one you need, and give its path",
                value=self.repository,
            )
        pickles = [name for name in names if PurePosixPath(name).suffix.lower() in PICKLES]
        if pickles:
            return ModelError(
                f"{self.repository} contains only pickled weights ({pickles[0]}), which can run code",
                code=ErrorCode.PICKLE_REFUSED,
                remedy="look for a copy in safetensors, or convert them if you trust them",
                value=self.repository,
            )
        return ModelError(
            f"{self.repository} contains no weights of a Stable Diffusion",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy="give a repository in diffusers' layout, or of one control network, autoencoder or LoRA",
            value=self.repository,
        )


def _of_twins(tensors: Sequence[str], folder: str) -> list[str]:
    """The files directly in `folder`: in float16 if published so, else the plain ones."""
    here = sorted(name for name in tensors if str(PurePosixPath(name).parent) == folder)
    halves = [name for name in here if ".fp16." in name or ".fp16-" in name]
    plain = [name for name in here if "non_ema" not in name and name not in halves]
    return halves or plain
