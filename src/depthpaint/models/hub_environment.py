"""Variables that huggingface_hub and diffusers turn into numbers while they are imported."""

from __future__ import annotations

import os

from depthpaint.core.errors import ErrorCode, ParameterError

SECONDS = ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT", "DIFFUSERS_TIMEOUT_REMOTE_CODE")
MOST_SECONDS = 1_000_000


def require_sound_environment() -> None:
    """Raise ParameterError where a variable is no number; call it before one of the libraries is imported."""
    for name in SECONDS:
        value = os.environ.get(name)
        # huggingface_hub takes an empty one for an unset one, diffusers does not.
        if value is None or (not value and name.startswith("HF_")):
            continue
        try:
            fits = 0 <= int(value) <= MOST_SECONDS
        except ValueError:
            fits = False
        if not fits:
            raise ParameterError(
                f"the environment variable {name} is {value[:40]!r}",
                code=ErrorCode.INVALID_PARAMETER,
                value=value,
                limit=MOST_SECONDS,
                remedy=f"unset it, or set it to whole seconds, up to {MOST_SECONDS:,}",
            )
