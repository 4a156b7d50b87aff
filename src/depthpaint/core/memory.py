"""How a shortage of memory looks: each library tells it in another way, and all become one typed error."""

from __future__ import annotations

import errno

from depthpaint.core.errors import DepthpaintError, ErrorCode, OutOfMemory

_TEXTS = (
    "allocate memory", "bad_alloc", "bad allocation", "out of memory", "failed to allocate",
    "unable to allocate", "can't start new thread", "not enough memory", "pthread_create failed",
    "thread constructor failed",
)  # fmt: skip
"""In lower case: parts of what the interpreter, shared libraries, numpy, ONNX Runtime and torch tell."""


def is_shortage(error: BaseException) -> bool:
    """Whether an error, or what caused it, says that memory (or room for another thread) has run out."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        if tells_shortage(each):
            return True
        each = each.__cause__
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


def out_of_memory(what: str, remedy: str) -> OutOfMemory:
    """The error for a shortage, as in "there is not enough memory `what`"."""
    return OutOfMemory(
        f"there is not enough memory {what}".rstrip(), code=ErrorCode.OUT_OF_MEMORY, remedy=remedy
    )
