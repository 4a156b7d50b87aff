"""Files on the hub: found in the local cache, downloaded on request, licences shown once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from depthpaint.core.errors import ErrorCode, ModelError, OutputError
from depthpaint.core.files import sha256_of, write_atomic
from depthpaint.models.hub_download import with_retries
from depthpaint.models.hub_files import CONFIGURATIONS, UNSTATED, HubPart, Listing, require_sound_environment

OTHERWISE = "name a copied folder instead"
"""The alternative to a download, for remedies."""


def local_folder(what: str, part: HubPart, otherwise: str) -> Path:
    """The folder of `part` in the hub's cache, without a connection. Raises ModelError offline_missing.

    `what` is its name in messages, `otherwise` an alternative to a download, for the remedy.
    """
    require_sound_environment()
    from huggingface_hub import snapshot_download  # pyright: ignore[reportUnknownVariableType]
    from huggingface_hub.errors import LocalEntryNotFoundError

    # For a pattern it is not known which of its files were downloaded.
    named = all("*" not in name for name in part.weights)
    try:
        root = snapshot_download(
            part.repository, revision=part.revision, local_files_only=True,
            allow_patterns=part.patterns if named else list(CONFIGURATIONS),
        )  # fmt: skip
    except (LocalEntryNotFoundError, OSError) as error:
        raise _missing(what, part, otherwise) from error
    folder = Path(root) / part.subfolder
    # An interrupted download is treated as missing.
    if part.missing_in(folder):
        raise _missing(what, part, otherwise)
    return folder


def pull(what: str, part: HubPart, otherwise: str, *, bars: bool = False) -> Path:
    """Download `part`; existing files are kept, and interrupted downloads are resumed.

    Raises ModelError: hub_unreachable, hub_auth_required, hub_gated, model_not_found, offline_missing (where
    HF_HUB_OFFLINE forbids it), model_hash_mismatch; OutputError if the files cannot be stored.
    """
    require_sound_environment()
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return _local_at_least(what, part, otherwise)
    folder = with_retries(what, part, otherwise, lambda: _fetched(part), bars=bars)
    require_pinned(folder, part)
    return folder


def part_on_hub(what: str, repository: str, otherwise: str, revision: str | None = None) -> HubPart:
    """Ask the hub which files of a repository are needed. Raises ModelError as pull and Listing do."""
    require_sound_environment()
    from huggingface_hub import constants

    whole = HubPart(repository, 0, UNSTATED, revision=revision)
    if constants.HF_HUB_OFFLINE:
        _local_at_least(what, whole, otherwise)
        return whole
    listing = with_retries(what, whole, otherwise, lambda: _listed(repository, revision))
    return replace(listing.part, revision=revision)


def require_pinned(folder: Path, part: HubPart) -> None:
    """Raise ModelError model_hash_mismatch unless the files in `folder` have the expected digests."""
    for name, digest in part.sha256.items():
        actual = sha256_of(folder / name)
        if actual != digest:
            raise ModelError(
                f"{name} of {part.repository} has sha256 {actual[:10]}…, expected {digest[:10]}…",
                code=ErrorCode.MODEL_HASH_MISMATCH,
                remedy="delete it from the hub's cache and pull it again; or give a folder of other weights",
                value=actual,
                limit=digest,
            )


def _listed(repository: str, revision: str | None) -> Listing:
    from huggingface_hub import HfApi

    info = HfApi().model_info(repository, revision=revision, files_metadata=True)
    files = tuple((file.rfilename, file.size or 0) for file in info.siblings or ())
    licence = info.card_data.get("license") if info.card_data is not None else None
    return Listing(repository, files, str(licence) if licence else UNSTATED)


def _fetched(part: HubPart) -> Path:
    from huggingface_hub import snapshot_download  # pyright: ignore[reportUnknownVariableType]

    root = snapshot_download(part.repository, revision=part.revision, allow_patterns=part.patterns)
    folder = Path(root) / part.subfolder
    # If the hub is down, the library may return an incomplete download.
    if lacking := part.missing_in(folder):
        raise ModelError(
            f"the hub did not send {lacking} of {part.repository}",
            code=ErrorCode.HUB_UNREACHABLE,
            remedy="try again; if it fails again, the file was moved: give a folder instead",
            value=lacking,
        )
    return folder


def _local_at_least(what: str, part: HubPart, otherwise: str) -> Path:
    try:
        return local_folder(what, part, otherwise)
    except ModelError as error:
        raise ModelError(
            f"{what} is not on this machine, and HF_HUB_OFFLINE forbids downloading it",
            code=ErrorCode.OFFLINE_MISSING,
            remedy=f"unset HF_HUB_OFFLINE, or {otherwise}",
            value=part.repository,
        ) from error


def _missing(what: str, part: HubPart, otherwise: str) -> ModelError:
    size = f"{part.megabytes} MB, " if part.megabytes else ""
    return ModelError(
        f"{what} is not on this machine",
        code=ErrorCode.OFFLINE_MISSING,
        remedy=f"depthpaint models pull {what.rpartition(' ')[2]} downloads it ({size}{part.licence}); "
        f"without a connection, {otherwise}",
        value=part.repository,
    )


FILE = "depthpaint-licences.json"
"""Licences already shown, by repository; beside the hub's cache, so that they share its lifetime."""
LONGEST = 1_000_000


def is_new(part: HubPart) -> bool:
    """Whether this licence of the repository has not been shown yet, also after a change of licence."""
    return part.licence not in _shown().get(part.repository, [])


def remember(parts: Sequence[HubPart]) -> None:
    """Store that the licences were shown. If that fails they are shown again, which is not an error."""
    shown = _shown()
    for part in parts:
        known = shown.setdefault(part.repository, [])
        known += [] if part.licence in known else [part.licence]
    file = _file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, json.dumps(shown, indent=1, sort_keys=True).encode(), overwrite=True)
    except (OSError, OutputError):
        return


def _shown() -> dict[str, list[str]]:
    try:
        with _file().open(encoding="utf-8") as stream:
            document: object = json.loads(stream.read(LONGEST))
    # Missing, not text, not JSON, or nested too deeply: nothing was shown.
    except (OSError, ValueError, RecursionError):
        return {}
    known = cast("dict[str, object]", document) if isinstance(document, dict) else {}
    lists = {name: cast("list[object]", value) for name, value in known.items() if isinstance(value, list)}
    return {name: [str(licence) for licence in licences] for name, licences in lists.items()}


def _file() -> Path:
    require_sound_environment()
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).parent / FILE
