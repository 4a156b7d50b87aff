"""Names on the Hugging Face hub: repositories, revisions, files worth fetching, their size and licence."""

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
    """Raise ParameterError where a variable is no number; call it before one of the libraries is imported."""
    for name in SECONDS:
        value = os.environ.get(name)
        # huggingface_hub takes an empty one for an unset one, diffusers does not.
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
    """All of the repository that `name` means; None where it is no hub id.

    A revision is a commit, a tag or a branch; without one it is whatever "main" is.
    """
    said = _NAME.fullmatch(name)
    return None if said is None else HubPart(said["repository"], 0, LICENCE, revision=said["revision"])


_REPOSITORY, _SNAPSHOTS = "models--", "snapshots"


def commits_of(places: Iterable[Path]) -> dict[str, str]:
    """The commits by repository (owner/name); what lies outside the hub's cache has none."""
    found: dict[str, str] = {}
    for place in places:
        for (folder, below), commit in zip(pairwise(place.parts), place.parts[2:], strict=False):
            if folder.startswith(_REPOSITORY) and below == _SNAPSHOTS:
                found[folder.removeprefix(_REPOSITORY).replace("--", "/", 1)] = commit
    return found


_COMMIT = re.compile("[0-9a-f]{40}")
CONFIGURATIONS = ("*.json", "*.txt")
"""Texts: configurations, and the words of tokenizers; the hub's `*` goes into folders, too."""


@dataclass(frozen=True, slots=True)
class HubPart:
    """One repository's share of a model.

    `weights` are names or patterns of its safetensors files, and nothing else but texts is fetched: never a
    pickle. All of them are below `subfolder`. `revision` is the commit, tag or branch that is taken, None for
    whatever "main" is; `sha256` are digests, hexadecimal, of files by their path below `subfolder`, as far as
    they are known. A LoRA is not `configured`: it comes without a config.json; without `weights` only texts
    are meant.
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
        """What is fetched."""
        texts = CONFIGURATIONS if self.configured else ()
        return [f"{self.subfolder}/{name}" if self.subfolder else name for name in (*texts, *self.weights)]

    @property
    def name(self) -> str:
        """What people call it: its repository, and after an @ the revision that it is pinned to."""
        return self.repository if self.revision is None else f"{self.repository}@{self.revision}"

    @property
    def page(self) -> str:
        """Where the weights and their licence are."""
        revision = self.revision or "main"
        return f"{self.repository} at {revision[:10] if _COMMIT.fullmatch(revision) else revision}"

    def missing_in(self, folder: Path) -> str:
        """The first thing that `folder` lacks of it, "" where it is whole.

        That is every file which is named, one that a pattern means, and a configuration.
        """
        if self.configured and not any(file.is_file() for file in folder.rglob("*.json")):
            return "config.json"
        for name in self.weights:
            if "*" not in name and not (folder / name).is_file():
                return name
        patterns = [name for name in self.weights if "*" in name]
        found = any(file.is_file() for name in patterns for file in folder.rglob(name))
        return "" if found or not patterns else patterns[0]


CLIP_WORDS = HubPart("openai/clip-vit-large-patch14", 6, "MIT", ())
"""The tokenizer for checkpoints in one file, which bring none: the texts of this repository alone."""


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
