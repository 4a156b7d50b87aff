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
_REFUSED = 400
"""The first status of an answer that is an error."""
LONGEST_ANSWER = 8 << 20
"""Bytes of a listing or of an error; one of a thousand files has 300,000."""
MOST_FILES = 20_000
"""In all listings of one download; large models have a hundred, and are listed twice."""
_listed = 0


def look_at_answer(response: Any) -> None:
    """Raise ModelError hub_unreachable for an answer that is too long, or whose names would leave the cache.

    Files are not looked into: the library writes them to the disk piece by piece. It is a hook of the
    library's HTTP client, which calls it before anybody has the answer.
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
        _look_at_listing(response)


def begin_counting() -> None:
    """The names of files in all answers of one download are counted from here."""
    global _listed  # noqa: PLW0603 - the hook has no other place that lasts from answer to answer
    _listed = 0


def _read(response: Any) -> None:
    """Read a body that the library would hold in memory, whatever its packing; up to LONGEST_ANSWER bytes."""
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > LONGEST_ANSWER:
            response.close()
            raise _too_much(response, f"more than {LONGEST_ANSWER:,} bytes of text")
    # Where read() keeps what it has read: the stream cannot be read twice.
    response._content = bytes(body)


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


def _too_much(response: Any, what: str) -> ModelError:
    return ModelError(
        f"{response.url.host} answers with {what}, which no model has",
        code=ErrorCode.HUB_UNREACHABLE,
        remedy="look at HF_ENDPOINT and at the repository's name, or download the files by other means",
        value=what,
    )


def _distrusted(response: Any, what: str) -> ModelError:
    return ModelError(
        f"{response.url.host} answers with {what}, which would lead out of the cache; nothing was written",
        code=ErrorCode.HUB_UNREACHABLE,
        remedy="look at HF_ENDPOINT: this hub or mirror is not to be trusted",
        value=what,
    )
