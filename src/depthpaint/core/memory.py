"""How a shortage of memory looks: each library tells it in another way, and all become one typed error."""

from __future__ import annotations

import errno

from depthpaint.core.errors import DepthpaintError, ErrorCode, OutOfMemory

_TEXTS = (
    "allocate memory", "bad_alloc", "bad allocation", "out of memory", "failed to allocate",
    "unable to allocate", "can't start new thread", "not enough memory", "pthread_create failed",
    "thread constructor failed", "failed to map segment",
)  # fmt: skip
"""In lower case: parts of what the interpreter, shared libraries, numpy, ONNX Runtime and torch tell."""


LEAST = 384 << 20
"""Bytes of address space."""


def is_shortage(error: BaseException) -> bool:
    """Whether an error, or what it came of, says that memory (or room for another thread) has run out."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        if tells_shortage(each):
            return True
        each = each.__cause__ or each.__context__
    return False


def tells_shortage(error: BaseException) -> bool:
    """The same of an error alone, by its class (torch's without importing it), its number or its text."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if getattr(error, "errno", None) == errno.ENOMEM:
        return True
    # What else went wrong with a file or with a parameter may quote somebody's text.
    if isinstance(error, OSError | ValueError | DepthpaintError):
        return isinstance(error, OutOfMemory)
    lowered = str(error).lower()
    return any(part in lowered for part in _TEXTS)


def require_room() -> None:
    """Raise OutOfMemory where the process is allowed less than numpy and ONNX Runtime need to start.

    Below that they end the process themselves, and nobody could say why.
    """
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return
    if not hasattr(resource, "RLIMIT_AS"):
        return
    allowed = resource.getrlimit(resource.RLIMIT_AS)[0]
    if allowed != resource.RLIM_INFINITY and allowed < LEAST:
        raise OutOfMemory(
            f"this process is allowed {allowed >> 20} MB of memory, and needs {LEAST >> 20} MB to start",
            code=ErrorCode.OUT_OF_MEMORY,
            remedy="raise the limit (ulimit -v); painting takes about 1 GB",
            value=allowed,
            limit=LEAST,
        )


def out_of_memory(what: str, remedy: str) -> OutOfMemory:
    """The error for a shortage, as in "there is not enough memory `what`"."""
    return OutOfMemory(
        f"there is not enough memory {what}".rstrip(), code=ErrorCode.OUT_OF_MEMORY, remedy=remedy
    )
