"""The error contract: an error has a stable code, a message, a remedy, an exit status and an HTTP status."""

from __future__ import annotations

import errno
import re
import signal
import sys
from collections.abc import Iterable
from enum import StrEnum
from importlib.util import find_spec
from types import MappingProxyType
from typing import TypeVar

if sys.platform != "win32":
    import resource

# Control characters, direction marks and overrides, line separators, byte-order marks and lone surrogates:
# what can move a cursor, forge a line or show text in another order. Joiners stay, because emoji need them.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


LONGEST_PART = 2_000
"""Characters of a message or a remedy that are shown."""


class ErrorCode(StrEnum):
    """Stable names of everything that can go wrong; they are part of the interface."""

    INVALID_PARAMETER = "invalid_parameter"
    DEPTH_UNREADABLE = "depth_unreadable"
    DEPTH_TRUNCATED = "depth_truncated"
    DEPTH_UNSUPPORTED_FORMAT = "depth_unsupported_format"
    DEPTH_BAD_SHAPE = "depth_bad_shape"
    DEPTH_BAD_DTYPE = "depth_bad_dtype"
    DEPTH_NOT_FINITE = "depth_not_finite"
    DEPTH_CONSTANT = "depth_constant"
    DEPTH_AMBIGUOUS = "depth_ambiguous"
    DEPTH_TOO_LARGE = "depth_too_large"
    DEPTH_MISSING = "depth_missing"
    PICKLE_REFUSED = "pickle_refused"
    MODEL_NOT_FOUND = "model_not_found"
    MODEL_TRUNCATED = "model_truncated"
    MODEL_HASH_MISMATCH = "model_hash_mismatch"
    MODEL_INCOMPATIBLE = "model_incompatible"
    HUB_UNREACHABLE = "hub_unreachable"
    HUB_AUTH_REQUIRED = "hub_auth_required"
    HUB_GATED = "hub_gated"
    OFFLINE_MISSING = "offline_missing"
    SAMPLER_NOT_FOUND = "sampler_not_found"
    SCHEDULER_NOT_FOUND = "scheduler_not_found"
    SCRIPT_NOT_FOUND = "script_not_found"
    MODULE_NOT_FOUND = "module_not_found"
    NOT_FOUND = "not_found"
    UNAUTHORIZED = "unauthorized"
    HOST_NOT_ALLOWED = "host_not_allowed"
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    QUEUE_FULL = "queue_full"
    NOT_READY = "not_ready"
    DRAINING = "draining"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    OUT_OF_MEMORY = "out_of_memory"
    DISK_FULL = "disk_full"
    OUTPUT_NOT_WRITABLE = "output_not_writable"
    OUTPUT_EXISTS = "output_exists"
    OUTPUT_LOCKED = "output_locked"
    OUTPUT_PATH_ESCAPE = "output_path_escape"
    PICTURE_REFUSED = "picture_refused"
    PICTURE_UNREADABLE = "picture_unreadable"
    RECORD_MISSING = "record_missing"
    RECORD_DAMAGED = "record_damaged"
    INTERNAL = "internal"


# code -> (exit status, HTTP status). The command line, the server and the ledger all read this table.
STATUSES = MappingProxyType(
    {
        ErrorCode.INVALID_PARAMETER: (2, 422),
        ErrorCode.DEPTH_UNREADABLE: (3, 422),
        ErrorCode.DEPTH_TRUNCATED: (3, 422),
        ErrorCode.DEPTH_UNSUPPORTED_FORMAT: (3, 422),
        ErrorCode.DEPTH_BAD_SHAPE: (3, 422),
        ErrorCode.DEPTH_BAD_DTYPE: (3, 422),
        ErrorCode.DEPTH_NOT_FINITE: (3, 422),
        ErrorCode.DEPTH_CONSTANT: (3, 422),
        ErrorCode.DEPTH_AMBIGUOUS: (3, 422),
        ErrorCode.DEPTH_TOO_LARGE: (3, 413),
        ErrorCode.DEPTH_MISSING: (3, 422),
        ErrorCode.PICKLE_REFUSED: (5, 422),
        ErrorCode.MODEL_NOT_FOUND: (5, 404),
        ErrorCode.MODEL_TRUNCATED: (5, 503),
        ErrorCode.MODEL_HASH_MISMATCH: (5, 503),
        ErrorCode.MODEL_INCOMPATIBLE: (5, 503),
        ErrorCode.HUB_UNREACHABLE: (7, 503),
        ErrorCode.HUB_AUTH_REQUIRED: (7, 503),
        ErrorCode.HUB_GATED: (7, 503),
        ErrorCode.OFFLINE_MISSING: (7, 503),
        ErrorCode.SAMPLER_NOT_FOUND: (2, 404),
        ErrorCode.SCHEDULER_NOT_FOUND: (2, 404),
        ErrorCode.SCRIPT_NOT_FOUND: (2, 422),
        ErrorCode.MODULE_NOT_FOUND: (2, 422),
        ErrorCode.NOT_FOUND: (2, 404),
        ErrorCode.UNAUTHORIZED: (2, 401),
        ErrorCode.HOST_NOT_ALLOWED: (2, 403),
        ErrorCode.ORIGIN_NOT_ALLOWED: (2, 403),
        ErrorCode.METHOD_NOT_ALLOWED: (2, 405),
        ErrorCode.BODY_TOO_LARGE: (2, 413),
        ErrorCode.UNSUPPORTED_MEDIA_TYPE: (2, 415),
        ErrorCode.QUEUE_FULL: (6, 429),
        ErrorCode.NOT_READY: (6, 503),
        ErrorCode.DRAINING: (6, 503),
        ErrorCode.TIMEOUT: (6, 504),
        ErrorCode.CANCELLED: (130, 499),
        ErrorCode.OUT_OF_MEMORY: (6, 503),
        ErrorCode.DISK_FULL: (6, 507),
        ErrorCode.OUTPUT_NOT_WRITABLE: (6, 500),
        ErrorCode.OUTPUT_EXISTS: (8, 409),
        ErrorCode.OUTPUT_LOCKED: (8, 409),
        ErrorCode.OUTPUT_PATH_ESCAPE: (8, 400),
        ErrorCode.PICTURE_REFUSED: (8, 422),
        ErrorCode.PICTURE_UNREADABLE: (3, 422),
        ErrorCode.RECORD_MISSING: (3, 422),
        ErrorCode.RECORD_DAMAGED: (3, 422),
        ErrorCode.INTERNAL: (1, 500),
    }
)

SOME_FAILED = 4
"""The exit status of a command that did its work for some of its pictures only."""


def printable(text: str) -> str:
    """Return `text` on one line and safe for a terminal: control and direction characters are escaped."""
    return _UNSAFE.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)


def shortened(text: str, most: int = LONGEST_PART) -> str:
    """`text`, or its beginning, "…" and its end within `most` characters; for messages that quote it."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-most // 2 :]}"


LARGEST_WHOLE = 1e10
"""Whole numbers below this are written with all their digits."""


def number_text(value: float, digits: int = 4) -> str:
    """A number for people: whole ones as they are, 64152, others with at least so many significant digits.

    Digits before the point are never rounded; only very large and very small numbers have an exponent.
    """
    size = abs(value)
    if size < LARGEST_WHOLE and value == int(value):
        return str(int(value))
    if 10**digits <= size < LARGEST_WHOLE:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


class DepthpaintError(Exception):
    """The base class of all errors that depthpaint raises: what happened, and what to do about it.

    `value` is the offending value and `limit` the allowed one, where they apply.
    """

    def __init__(
        self, message: str, *, code: ErrorCode, remedy: str = "", value: object = None, limit: object = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.remedy = remedy
        self.value = value
        self.limit = limit

    @property
    def exit_status(self) -> int:
        """The exit status of the command line."""
        return STATUSES[self.code][0]

    @property
    def http_status(self) -> int:
        """The HTTP status of the server's response."""
        return STATUSES[self.code][1]

    def __str__(self) -> str:
        parts = (self.message, self.remedy) if self.remedy else (self.message,)
        return "; ".join(shortened(printable(part)) for part in parts)

    def __reduce__(self) -> tuple[object, ...]:
        # Exception.__reduce__ drops keyword arguments; without them an error cannot be sent between
        # processes.
        return _rebuilt, (type(self), self.message, self.code, self.remedy, self.value, self.limit)


def _rebuilt(
    kind: type[DepthpaintError], message: str, code: ErrorCode, remedy: str, value: object, limit: object
) -> DepthpaintError:
    return kind(message, code=code, remedy=remedy, value=value, limit=limit)


class ParameterError(DepthpaintError, ValueError):
    """A setting has an impossible value, or there is no such setting."""


class DepthError(DepthpaintError, ValueError):
    """The depth file cannot be read, or cannot be understood as depth."""


class UnsafeFormatError(DepthpaintError, ValueError):
    """The file is in a format that can run code when it is read, so it was not read."""


class ModelError(DepthpaintError):
    """A model is unknown, missing, damaged or incompatible."""


class OutputError(DepthpaintError, OSError):
    """A result cannot be written to the given path."""


class PictureRefused(DepthpaintError):
    """The picture was painted, but the safety checker rejected it, so it is not returned."""


class OutOfMemory(DepthpaintError):
    """There is not enough memory for the request."""


class Cancelled(DepthpaintError):
    """The user cancelled the run."""


class InternalError(DepthpaintError):
    """A bug in depthpaint."""


_Kind = TypeVar("_Kind", ModelError, ParameterError)


def not_installed(kind: type[_Kind], error: ImportError, what: str, extra: str, otherwise: str = "") -> _Kind:
    """The error for a package of an optional extra that is missing; a missing depthpaint module is re-raised.

    `what` is the feature that needs the package; `otherwise` is how to do without it.
    """
    if (error.name or "").startswith("depthpaint"):
        raise error
    from depthpaint.core.installation import command_for  # starting does not need it

    return kind(
        f"{what} needs {error.name}, which is not installed",
        code=ErrorCode.MODEL_INCOMPATIBLE if kind is ModelError else ErrorCode.INVALID_PARAMETER,
        remedy=f"install it with {command_for(extra)}" + (f", or {otherwise}" if otherwise else ""),
        value=error.name,
    )


def require_packages(packages: Iterable[str], what: str, extra: str) -> None:
    """Raise the ModelError of `not_installed` for the first package that is missing; imports none."""
    for name in packages:
        if find_spec(name) is None:
            raise not_installed(ModelError, ModuleNotFoundError(name=name), what, extra)


_TEXTS = (
    "allocate memory", "bad_alloc", "bad allocation", "out of memory", "failed to allocate",
    "unable to allocate", "can't start new thread", "not enough memory", "pthread_create failed",
    "thread constructor failed", "failed to map segment",
)  # fmt: skip
"""Parts of out-of-memory messages, in lower case: Python, shared libraries, numpy, ONNX Runtime, torch."""


LEAST = 384 << 20
"""Bytes of address space that starting takes."""


def is_shortage(error: BaseException) -> bool:
    """Whether an error, or one of its causes, means that memory (or room for another thread) has run out."""
    checked: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in checked:
        checked.add(id(each))
        if is_shortage_alone(each):
            return True
        each = each.__cause__ or each.__context__
    return False


def is_shortage_alone(error: BaseException) -> bool:
    """As `is_shortage`, for this error without its causes: by class name (torch's), errno or text."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if getattr(error, "errno", None) == errno.ENOMEM:
        return True
    # The text of other file and parameter errors may quote user input.
    if isinstance(error, OSError | ValueError | DepthpaintError):
        return isinstance(error, OutOfMemory)
    lowered = str(error).lower()
    return any(part in lowered for part in _TEXTS)


def require_room(least: int = LEAST, what: str = "to start") -> None:
    """Raise OutOfMemory if the process may use less address space than `least` bytes, needed `what`.

    With less, numpy or ONNX Runtime may abort the process without an error message.
    """
    if sys.platform == "win32" or not hasattr(resource, "RLIMIT_AS"):  # no such limit
        return
    allowed = resource.getrlimit(resource.RLIMIT_AS)[0]
    if allowed != resource.RLIM_INFINITY and allowed < least:
        raise OutOfMemory(
            f"this process is allowed {allowed >> 20} MB of memory, and needs {least >> 20} MB {what}",
            code=ErrorCode.OUT_OF_MEMORY,
            remedy="raise the limit (ulimit -v); painting takes about 1 GB",
            value=allowed,
            limit=least,
        )


def out_of_memory(what: str, remedy: str) -> OutOfMemory:
    """The error for a shortage, as in "there is not enough memory `what`"."""
    return OutOfMemory(
        f"there is not enough memory {what}".rstrip(), code=ErrorCode.OUT_OF_MEMORY, remedy=remedy
    )


SIGNALLED = 128
"""Added to a signal's number for the exit status, as shells do."""

TERMINATING = tuple(
    number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None
)
"""SIGHUP is sent when a terminal closes; Windows does not have it."""
ENDING = (signal.SIGINT, *TERMINATING)


def status_after(number: int) -> int:
    """The exit status: 130 after SIGINT, 143 after SIGTERM, 129 after SIGHUP."""
    return SIGNALLED + number


INTERRUPTED = status_after(signal.SIGINT)
