"""What a hub answers is not taken on trust: the library makes file names of it.

huggingface_hub (2.4.0) calls a downloaded file after the ETag of its answer, the folder after its commit, and
joins both, and the names in a listing, to the cache's path unchecked. A hostile hub or mirror that answers
with "../" would write anywhere. Each answer is looked at here before the library sees it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any, cast

from depthpaint.core.errors import ErrorCode, ModelError

COMMIT, TAG, LINKED_TAG = "x-repo-commit", "etag", "x-linked-etag"
PATHS = frozenset({"path", "rfilename"})
"""Keys of a listing that name files."""
PLAIN = frozenset({"sha", "oid", "sha256", "commit", "blobId", "xetHash", "lastCommit"})
"""Keys of a listing that become parts of file names."""
AUTHORS_OWN = frozenset({"cardData", "config", "model-index", "widgetData", "gguf", "transformersInfo"})
"""Keys of what the authors of a repository wrote, of which no file name is made."""
_PLAIN = re.compile(r"(?!\.)[\w.-]{1,200}", re.ASCII)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]|^[A-Za-z]:")
_DEEPEST = 40


def look_at_answer(response: Any) -> None:
    """Raise ModelError hub_unreachable for an answer whose names would leave the cache.

    It is a hook of the library's HTTP client, which calls it before anybody has the answer.
    """
    for header in (COMMIT, LINKED_TAG, *([TAG] if _names_file(response) else [])):
        value = response.headers.get(header)
        if value is not None and not _PLAIN.fullmatch(_bare(value)):
            raise _distrusted(response, f"the {header} {value[:60]!r}")
    kind = response.headers.get("content-type", "")
    if "/api/" in response.url.path and "html" not in kind and response.request.method != "HEAD":
        _look_at_listing(response)


def _names_file(response: Any) -> bool:
    """Whether the library takes a file's name from this answer: servers of the content are asked with GET."""
    return response.request.method == "HEAD"


def _bare(value: str) -> str:
    """A tag as the library uses it: without the mark of a weak one, and without quotes."""
    return value.lstrip("W/").strip('"')


def _look_at_listing(response: Any) -> None:
    try:
        document: object = json.loads(response.read())
    # What is no JSON is no listing; the library says so.
    except (ValueError, RecursionError):
        return
    for name, value in _texts(document, 0):
        if name in PLAIN and not _PLAIN.fullmatch(value or "none"):
            raise _distrusted(response, f"the {name} {value[:60]!r}")
        if name in PATHS and not _stays_below(value):
            raise _distrusted(response, f"the file name {value[:60]!r}")


def _texts(value: object, depth: int) -> Iterable[tuple[str, str]]:
    """Every text of a document by its key."""
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


def _distrusted(response: Any, what: str) -> ModelError:
    return ModelError(
        f"{response.url.host} answers with {what}, which would lead out of the cache; nothing was written",
        code=ErrorCode.HUB_UNREACHABLE,
        remedy="look at HF_ENDPOINT: this hub or mirror is not to be trusted",
        value=what,
    )
