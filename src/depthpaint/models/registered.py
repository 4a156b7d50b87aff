"""A model that is known by name: how it is listed, shown, checked and downloaded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from depthpaint.core.errors import ErrorCode, ModelError, not_installed
from depthpaint.model_choice import ModelChoice
from depthpaint.models import hub
from depthpaint.models.hub_files import HubPart, require_sound_environment
from depthpaint.models.painter import ModelEntry
from depthpaint.models.weights import require_whole

Kind = Literal["model", "estimator"]


@dataclass(frozen=True, slots=True)
class Checked:
    """The state of a model's files: how many, and whole, missing, or damaged and `why`."""

    name: str
    state: Literal["whole", "missing", "damaged"]
    why: str = ""
    files: int = 0


@dataclass(frozen=True, slots=True)
class Details:
    """What is shown of one model: lines of text and titled columns; `document` holds all of it for JSON."""

    document: Mapping[str, object] = field(default_factory=dict[str, object])
    lines: Sequence[str] = ()
    sections: Mapping[str, Mapping[str, object] | Sequence[str]] = field(
        default_factory=dict[str, Mapping[str, object] | Sequence[str]]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredModel:
    """One model with a name. Its `parts` are downloaded; one without parts is in the package.

    `heading` is the group in which it is listed, `line` its description there, `row` what JSON adds to it.
    `require_sound` checks a part's downloaded folder beyond the digests of its files.
    `otherwise` is an alternative to a download, for remedies. `check` replaces the check of `parts`.
    """

    name: str
    kind: Kind
    heading: str
    summary: str
    line: str
    licence: str
    parts: Sequence[HubPart] = ()
    otherwise: str = hub.OTHERWISE
    row: Mapping[str, object] = field(default_factory=dict[str, object])
    details: Callable[[], Details] = Details
    require_sound: Callable[[Path], object] | None = None
    check: Callable[[], Checked] | None = None

    @property
    def megabytes(self) -> int:
        """Size of the download."""
        return sum(part.megabytes for part in self.parts)

    def facts(self) -> dict[str, object]:
        """Its row in the list, for JSON."""
        plain = {
            "name": self.name, "summary": self.summary, "licence": self.licence, "megabytes": self.megabytes,
            "here": self.is_here(),
        }  # fmt: skip
        return plain | dict(self.row)

    def is_here(self) -> bool:
        """Whether all parts are in the hub's cache; False without huggingface_hub."""
        return are_here(self.parts)

    def checked(self) -> Checked:
        """Check every file of the weights. Raises ModelError if huggingface_hub is missing."""
        return check_parts(self.name, self.parts) if self.check is None else self.check()

    def pull(self, parts: Sequence[HubPart], *, bars: bool = False) -> list[Path]:
        """Download `parts`, and return their folders. Raises what hub.pull and `require_sound` raise."""
        what = f"the {self.kind} {self.name}"
        folders = [hub.pull(what, part, self.otherwise, bars=bars) for part in parts]
        if self.require_sound is not None:
            for folder in folders:
                self.require_sound(folder)
        return folders


def _finds_none(choice: ModelChoice) -> ModelEntry | None:
    del choice


@dataclass(frozen=True, slots=True)
class ModelFamily:
    """The models of one folder: their `names`, and what is registered under each.

    `find` returns the painter's entry that a choice names, None if it is not one of this family, which
    estimators never are. It raises ModelError if the choice cannot be used.
    """

    names: Collection[str]
    registered: Callable[[str], RegisteredModel]
    find: Callable[[ModelChoice], ModelEntry | None] = _finds_none


def check_shipped(name: str, files: int, require: Callable[[], object]) -> Checked:
    """The state of a model in the package: `require` raises ModelError unless all its `files` are whole."""
    try:
        require()
    except ModelError as error:
        return Checked(name, "damaged", str(error))
    return Checked(name, "whole", files=files)


def are_here(parts: Sequence[HubPart]) -> bool:
    """Whether all of `parts` are in the hub's cache; False without huggingface_hub."""
    if not parts:
        return True
    require_sound_environment()
    try:
        from huggingface_hub.constants import HF_HUB_CACHE
    except ModuleNotFoundError:
        return False
    # The library's own check takes a third of a second to import, which a list without a cache does not need.
    folders = [Path(HF_HUB_CACHE) / f"models--{part.repository.replace('/', '--')}" for part in parts]
    try:
        return all(folder.is_dir() for folder in folders) and all(_local(part).is_dir() for part in parts)
    except ModelError:
        return False


def check_parts(name: str, parts: Sequence[HubPart]) -> Checked:
    """Check every weights file of `parts`. Raises ModelError if huggingface_hub is missing."""
    files = 0
    try:
        for part in parts:
            folder = _local(part)
            for file in sorted(folder.rglob("*.safetensors")):
                require_whole(file)
                files += 1
            hub.require_pinned(folder, part)
    except ModuleNotFoundError as error:
        raise not_installed(ModelError, error, "the hub", "sd") from error
    except ModelError as error:
        if error.code is ErrorCode.OFFLINE_MISSING:
            return Checked(name, "missing")
        return Checked(name, "damaged", str(error), files)
    return Checked(name, "whole", files=files)


def _local(part: HubPart) -> Path:
    return hub.local_folder(f"the model {part.name}", part, hub.OTHERWISE)
