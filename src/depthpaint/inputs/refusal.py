"""The errors that every file format needs, worded once."""

from __future__ import annotations

from depthpaint.core.errors import DepthError, ErrorCode

BY_NUMPY = "load it in Python and save the depth array with numpy.save"
BY_PROGRAM = "convert it to a 16-bit gray PNG with any image program"


def truncated(name: str, kind: str, reason: str = "it ends in the middle of the picture") -> DepthError:
    """The error for a file of this `kind` ("NPZ archive") that ends too early."""
    return DepthError(
        f"{name} is no complete {kind}: {reason}",
        code=ErrorCode.DEPTH_TRUNCATED,
        remedy="copy or download it again",
        value=name,
    )


def damaged(name: str, kind: str, reason: str) -> DepthError:
    """The error for a file that contradicts itself."""
    return DepthError(
        f"{name} is a damaged {kind}: {reason}",
        code=ErrorCode.DEPTH_UNREADABLE,
        remedy="copy or download it again, or save it anew with the program that made it",
        value=name,
    )


def unsupported(name: str, what: str, remedy: str) -> DepthError:
    """The error for a sound file of a kind that is not read; `what` goes on after "is"."""
    return DepthError(f"{name} is {what}", code=ErrorCode.DEPTH_UNSUPPORTED_FORMAT, remedy=remedy, value=name)


def bad_type(name: str, what: str, remedy: str = BY_NUMPY) -> DepthError:
    """The error for numbers that are no depth; `what` goes on after "holds"."""
    return DepthError(f"{name} holds {what}", code=ErrorCode.DEPTH_BAD_DTYPE, remedy=remedy, value=what)


def bad_shape(name: str, what: str, remedy: str) -> DepthError:
    """The error for numbers that are no single plane; `what` goes on after "holds"."""
    return DepthError(f"{name} holds {what}", code=ErrorCode.DEPTH_BAD_SHAPE, remedy=remedy, value=what)


def too_many(name: str, what: str, limit: int) -> DepthError:
    """The error for a count out of all proportion; `what` goes on after "holds"."""
    return DepthError(
        f"{name} holds {what}, and {limit:,} are allowed",
        code=ErrorCode.DEPTH_TOO_LARGE,
        remedy="save the depth map alone",
        value=what,
        limit=limit,
    )
