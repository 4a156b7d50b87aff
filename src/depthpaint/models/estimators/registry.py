"""The estimators by name: the source of their weights, and their licence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from depthpaint.core.errors import ErrorCode, ModelError, not_installed, require_packages
from depthpaint.core.files import is_folder
from depthpaint.core.regular_file import read_document
from depthpaint.models import hub
from depthpaint.models.estimators.estimator import WEIGHTS, Estimator, EstimatorFolder, open_folder
from depthpaint.models.hub_files import HubPart, require_sound_environment
from depthpaint.models.registered import Checked, Details, ModelFamily, RegisteredModel, check_shipped

DIORAMA_DEPTH, DEPTH_ANYTHING = "diorama-depth", "depth-anything-v2-small"
DEFAULT = DIORAMA_DEPTH
"""The default estimator for --from-photo."""
OTHERWISE = "name a copied folder with --estimator"


@dataclass(frozen=True, slots=True)
class HubEntry:
    """An estimator on the Hugging Face hub: its repository, download size and licence.

    `revision` is a commit, None for the current "main"; `sha256` the expected digest of the weights, None if
    not known.
    """

    repository: str
    megabytes: int
    licence: str
    revision: str | None = None
    sha256: str | None = None

    @property
    def part(self) -> HubPart:
        """The files to download."""
        pinned = {} if self.sha256 is None else {WEIGHTS: self.sha256}
        return HubPart(self.repository, self.megabytes, self.licence, revision=self.revision, sha256=pinned)

    @property
    def summary(self) -> str:
        """A description in one line."""
        return f"{self.repository} at {(self.revision or 'main')[:10]}, {self.megabytes} MB to download"


@dataclass(frozen=True, slots=True)
class ShippedEntry:
    """An estimator inside the package, in `folder`."""

    folder: Path
    licence: str
    summary: str


ESTIMATORS: dict[str, HubEntry | ShippedEntry] = {
    DIORAMA_DEPTH: ShippedEntry(
        Path(__file__).parent / "weights", "Apache-2.0",
        "Built in: can be trusted with pictures like diorama's own, its rooms, things, houses and "
        "landscapes, and not with photos of the world.",
    ),
    DEPTH_ANYTHING: HubEntry(
        "depth-anything/Depth-Anything-V2-Small-hf", 99, "Apache-2.0",
        revision="5426e4f0f36572d16453bbda7a8389317b1bef99",
        sha256="3152477ce0d8d6978d76b995120de97cb5b928701fd0f817769f59e249a16b70",
    ),
    "depth-anything-v2-base": HubEntry("depth-anything/Depth-Anything-V2-Base-hf", 390, "CC-BY-NC-4.0"),
    "dpt-large": HubEntry(
        "Intel/dpt-large", 1370, "Apache-2.0", revision="bc15f29aa3a80d532f2ed650b5e16ac48d8958f9"
    ),
    "depth-anything-v2-large": HubEntry("depth-anything/Depth-Anything-V2-Large-hf", 1341, "CC-BY-NC-4.0"),
}  # fmt: skip


def load_estimator(name: str) -> Estimator:
    """Load a registered estimator, or one from a folder in transformers' layout; does not download.

    Raises ModelError: model_not_found, offline_missing, model_hash_mismatch, and what open_folder raises.
    """
    entry = ESTIMATORS.get(name)
    if isinstance(entry, ShippedEntry):
        # The import is late so that listing estimators costs no ONNX Runtime.
        from depthpaint.models.estimators.diorama_depth import DioramaDepth

        return DioramaDepth(name, entry.folder)
    require_sound_environment()
    if entry is not None:  # a folder's own faults come first
        require_packages(("torch", "transformers"), "this estimator", "sd")
    try:
        return _from_hub(name, entry) if entry is not None else _from_folder(name)
    except ModuleNotFoundError as error:
        raise not_installed(ModelError, error, "this estimator", "sd") from error


def _from_hub(name: str, entry: HubEntry) -> Estimator:
    path = local_folder(name, entry)
    folder = open_folder(path)
    require_pinned(name, entry, folder.weights_sha256)
    return _published(name, folder, path.name)


def _from_folder(name: str) -> Estimator:
    path = Path(name)
    if not is_folder(path):
        raise ModelError(
            f"there is no estimator '{name}'",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"choose one of {', '.join(ESTIMATORS)}, or name a folder with --estimator",
            value=name,
        )
    # The folder's own name only: pictures are shared, and a full path would reveal a user's folders.
    return _published(path.resolve().name, open_folder(path), "")


def _published(name: str, folder: EstimatorFolder, revision: str) -> Estimator:
    # The import is late because it loads torch, which only an extra brings.
    from depthpaint.models.estimators.published import Published

    return Published(name, folder, revision)


def require_pinned(name: str, entry: HubEntry, digest: str) -> None:
    """Raise ModelError model_hash_mismatch unless the weights have the digest of the entry."""
    if entry.sha256 not in (None, digest):
        raise ModelError(
            f"the weights of {name} have sha256 {digest[:10]}…, expected {entry.sha256[:10]}…",
            code=ErrorCode.MODEL_HASH_MISMATCH,
            remedy="delete them from the hub's cache and pull them again; "
            "to use other weights, name their folder with --estimator",
            value=digest,
            limit=entry.sha256,
        )


def local_folder(name: str, entry: HubEntry) -> Path:
    """The estimator's folder in the hub's cache, without a connection. Raises ModelError offline_missing."""
    return hub.local_folder(f"the estimator {name}", entry.part, OTHERWISE)


def _registered(name: str) -> RegisteredModel:
    entry = ESTIMATORS[name]
    default = ", the default" if name == DEFAULT else ""
    line = f"{entry.summary} ({entry.licence}{default})"
    heading = "depth estimators, for --from-photo and verify"
    if isinstance(entry, ShippedEntry):
        return RegisteredModel(
            name=name, kind="estimator", heading=heading, summary=entry.summary, line=line,
            licence=entry.licence, check=lambda: _checked(name, entry.folder),
            details=lambda: _details(name, entry.folder), row={"repository": None, "revision": None},
        )  # fmt: skip
    place = {"repository": entry.repository, "revision": entry.revision or "main"}
    return RegisteredModel(
        name=name, kind="estimator", heading=heading, summary=entry.summary, line=line, licence=entry.licence,
        parts=(entry.part,), otherwise=OTHERWISE, row=place, require_sound=open_folder,
        details=lambda: Details({"facts": {}}),
    )  # fmt: skip


def _details(name: str, folder: Path) -> Details:
    facts = read_document(name, folder)["facts"]
    return Details({"facts": facts}, sections={"how it was made": facts})


def _checked(name: str, folder: Path) -> Checked:
    # The import is late so that listing models does not load ONNX Runtime.
    from depthpaint.models.estimators.diorama_depth import require_files

    return check_shipped(name, 3, lambda: require_files(name, folder))


ESTIMATOR_FAMILY = ModelFamily(ESTIMATORS, _registered)
