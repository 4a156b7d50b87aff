"""Downloads from a hub: checked responses, one error for failures, time limits."""

from __future__ import annotations

import errno
import json
import logging
import re
import time
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import Any, TypeVar, cast

from depthpaint.core.errors import DepthpaintError, ErrorCode, ModelError, OutputError
from depthpaint.core.files import is_full
from depthpaint.models.hub_files import HubPart

BUSY = frozenset({408, 429, 500, 502, 503, 504})
_NO_ENTRY = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EEXIST})
_UNAUTHORIZED, _FORBIDDEN = 401, 403


def is_temporary(error: Exception) -> bool:
    """Whether a retry may succeed: the hub is busy, or the connection broke."""
    from huggingface_hub.errors import (
        LocalTokenNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, RepositoryNotFoundError | RevisionNotFoundError | LocalTokenNotFoundError):
        return False
    if isinstance(error, OSError) and (is_full(error) or error.errno in _NO_ENTRY):
        return False
    status = _status(error)
    return status in BUSY if status is not None else True


def refusal(what: str, part: HubPart, otherwise: str, error: Exception) -> DepthpaintError:
    """The error for `what` that could not be downloaded because of `error`."""
    from huggingface_hub import constants

    number = error.errno if isinstance(error, OSError) else None
    full = is_full(error)
    if full or number in _NO_ENTRY:
        size = f"{part.megabytes} MB are needed; " if part.megabytes else ""
        return OutputError(
            f"cannot store {what} in {constants.HF_HUB_CACHE}: {'the disk is full' if full else error}",
            code=ErrorCode.DISK_FULL if full else ErrorCode.OUTPUT_NOT_WRITABLE,
            remedy=f"{size}set HF_HOME to use another folder",
            value=constants.HF_HUB_CACHE,
        )
    code, why, remedy = _reason(part, error)
    return ModelError(
        f"cannot download {what} from {part.repository}: {why}",
        code=code,
        remedy=f"{remedy}, or {otherwise}",
        value=part.repository,
    )


def _reason(part: HubPart, error: Exception) -> tuple[ErrorCode, str, str]:
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        GatedRepoError,
        LocalTokenNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, GatedRepoError):
        page = f"accept the terms at {constants.ENDPOINT}/{part.repository} and set your token as HF_TOKEN"
        return ErrorCode.HUB_GATED, "its authors require that you accept their terms", page
    if isinstance(error, RevisionNotFoundError):
        revision = part.revision or "main"
        return ErrorCode.MODEL_NOT_FOUND, f"it has no revision {revision} on the hub", "check HF_ENDPOINT"
    status = _status(error)
    token = "set a valid token as HF_TOKEN"
    if isinstance(error, LocalTokenNotFoundError):
        return ErrorCode.HUB_AUTH_REQUIRED, "the hub requires a token", token
        # The hub responds with 401 for private and for missing repositories.
    if isinstance(error, RepositoryNotFoundError):
        if status == _UNAUTHORIZED:
            return ErrorCode.HUB_AUTH_REQUIRED, "the hub does not have it, or it is private", token
        return ErrorCode.MODEL_NOT_FOUND, "the hub does not have it", "check the name and HF_ENDPOINT"
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return ErrorCode.HUB_AUTH_REQUIRED, f"the hub denies access to it ({status})", token
    answer = "the hub does not respond" if status is None else f"the hub responds with {status}"
    return ErrorCode.HUB_UNREACHABLE, answer, "check the connection and HF_ENDPOINT, try again"


def _status(error: BaseException | None) -> int | None:
    """The HTTP status of an error, or of its cause."""
    while error is not None:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
        error = error.__cause__
    return None


COMMIT, TAG, LINKED_TAG = "x-repo-commit", "etag", "x-linked-etag"
PATHS = frozenset({"path", "rfilename"})
"""Keys of a listing whose values are file names."""
PLAIN = frozenset({"sha", "oid", "sha256", "commit", "blobId", "xetHash", "lastCommit"})
"""Keys of a listing whose values become parts of file names."""
AUTHORS_OWN = frozenset({"cardData", "config", "model-index", "widgetData", "gguf", "transformersInfo"})
"""Keys for texts of a repository's authors, which are not used in file names."""
_PLAIN = re.compile(r"(?!\.)[\w.-]{1,200}", re.ASCII)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]|^[A-Za-z]:")
_DEEPEST = 40
_REFUSED = 400
"""The lowest HTTP status that is an error."""
LONGEST_ANSWER = 8 << 20
"""The longest listing or error in bytes; a listing of a thousand files has 300,000."""
MOST_FILES = 20_000
"""The most files in all listings of one download; large models have a hundred, listed twice."""
_listed = 0


def check_response(response: Any) -> None:
    """Raise ModelError hub_unreachable for a response that is too long, or has names outside the cache.

    File contents are not checked: the library streams them to the disk. This is a hook of the library's
    HTTP client, which calls it before it uses the response.
    """
    for header in (COMMIT, LINKED_TAG, *([TAG] if _names_file(response) else [])):
        value = response.headers.get(header)
        if value is not None and not _PLAIN.fullmatch(_bare(value)):
            raise _distrusted(response, f"the {header} {value[:60]!r}")
    if _names_file(response):
        return
    about = "/api/" in response.url.path
    if about or response.status_code >= _REFUSED:
        _read(response)
    if about and "html" not in response.headers.get("content-type", ""):
        _check_listing(response)


def begin_counting() -> None:
    """Reset the count of file names for a new download."""
    global _listed  # noqa: PLW0603 - the hook has no other state between responses
    _listed = 0


def _read(response: Any) -> None:
    """Read a body that the library would hold in memory, after decompression; up to LONGEST_ANSWER bytes."""
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > LONGEST_ANSWER:
            response.close()
            raise _too_much(response, f"more than {LONGEST_ANSWER:,} bytes of text")
    # read() keeps the content here: the stream cannot be read twice.
    response._content = bytes(body)


def _names_file(response: Any) -> bool:
    """Whether the library takes a file name from this response: content servers are queried with GET."""
    return response.request.method == "HEAD"


def _bare(value: str) -> str:
    """An ETag as the library uses it: without the weak mark, and without quotes."""
    return value.lstrip("W/").strip('"')


def _check_listing(response: Any) -> None:
    try:
        document: object = json.loads(response.read())
    # Invalid JSON is not a listing; the library reports it.
    except (ValueError, RecursionError):
        return
    for name, value in _texts(document, 0):
        if name in PLAIN and not _PLAIN.fullmatch(value or "none"):
            raise _distrusted(response, f"the {name} {value[:60]!r}")
        if name in PATHS:
            _count(response)
            if not _stays_below(value):
                raise _distrusted(response, f"the file name {value[:60]!r}")


def _count(response: Any) -> None:
    global _listed  # noqa: PLW0603
    _listed += 1
    if _listed > MOST_FILES:
        raise _too_much(response, f"a list of more than {MOST_FILES:,} files")


def _texts(value: object, depth: int) -> Iterable[tuple[str, str]]:
    """Every string of a document with its key."""
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for name, each in cast("dict[str, object]", value).items():
            if isinstance(each, str):
                yield name, each
            elif name not in AUTHORS_OWN:
                yield from _texts(each, depth + 1)
    elif isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _texts(each, depth + 1)


def _stays_below(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and not _UNSAFE.search(name)


def _too_much(response: Any, what: str) -> ModelError:
    return ModelError(
        f"{response.url.host} responds with {what}, which no model has",
        code=ErrorCode.HUB_UNREACHABLE,
        remedy="check HF_ENDPOINT and the repository's name, or download the files by other means",
        value=what,
    )


def _distrusted(response: Any, what: str) -> ModelError:
    return ModelError(
        f"{response.url.host} responds with {what}, which points outside the cache; nothing was written",
        code=ErrorCode.HUB_UNREACHABLE,
        remedy="check HF_ENDPOINT: do not trust this hub or mirror",
        value=what,
    )


T = TypeVar("T")
PAUSES = (1.0, 3.0)
"""Seconds before each retry, if the hub is busy or the connection broke; downloaded data is kept."""


def with_retries(
    what: str, part: HubPart, otherwise: str, action: Callable[[], T], *, bars: bool = False
) -> T:
    """The result of `action`, retried after temporary errors."""
    _silence(bars=bars)
    pauses = iter(PAUSES)
    while True:
        _harden()
        begin_counting()
        try:
            return action()
        except DepthpaintError:
            raise
        # The library, its HTTP client and its download backends raise no fixed set of classes.
        except Exception as error:
            pause = next(pauses, None)
            if pause is None or not is_temporary(error):
                raise refusal(what, part, otherwise, error) from error
            time.sleep(pause)


def _harden() -> None:
    """Set a time limit on every request, since the library has none on some, and check every response."""
    from huggingface_hub import get_session

    hooks = get_session().event_hooks
    if _limit_time not in hooks["request"]:
        hooks["request"].append(_limit_time)
        # Inserted first: the library's own hooks come after it.
        hooks["response"].insert(0, check_response)


def _limit_time(request: Any) -> None:
    from huggingface_hub import constants

    limits = request.extensions.get("timeout", {})
    seconds = constants.HF_HUB_ETAG_TIMEOUT
    kinds = ("connect", "read", "write", "pool")
    request.extensions["timeout"] = {kind: limits.get(kind) or seconds for kind in kinds}


def _silence(*, bars: bool) -> None:
    from huggingface_hub import constants
    from huggingface_hub.utils import disable_progress_bars, enable_progress_bars

    # It logs every attempt; we report the last one.
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
    # HF_HUB_DISABLE_PROGRESS_BARS set by the user takes precedence, and the library would warn.
    if constants.HF_HUB_DISABLE_PROGRESS_BARS is None:
        (enable_progress_bars if bars else disable_progress_bars)()
