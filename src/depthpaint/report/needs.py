"""What a report needs beyond the program itself."""

from __future__ import annotations

from depthpaint.core.errors import ErrorCode, ParameterError


def needs_extra(error: ImportError, what: str) -> ParameterError:
    """The error for a package that the extra `report` brings."""
    return ParameterError(
        f"{what} needs {error.name}, which is not installed",
        code=ErrorCode.INVALID_PARAMETER,
        remedy="pip install 'depthpaint[report]'",
        value=error.name,
    )
