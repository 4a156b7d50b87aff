"""How long a hub is waited for, and how often it is asked again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from depthpaint.core.errors import DepthpaintError
from depthpaint.models.hub_answers import begin_counting, look_at_answer
from depthpaint.models.hub_part import HubPart
from depthpaint.models.hub_refusal import may_pass, refusal

T = TypeVar("T")
PAUSES = (1.0, 3.0)
"""Seconds before another try, where the hub is busy or the line broke; what was fetched is kept."""


def tried(what: str, part: HubPart, otherwise: str, action: Callable[[], T], *, bars: bool = False) -> T:
    """What `action` gives, tried again where the trouble may pass."""
    _silence(bars=bars)
    pauses = iter(PAUSES)
    while True:
        _be_careful()
        begin_counting()
        try:
            return action()
        except DepthpaintError:
            raise
        # The library, its HTTP client and its faster ways to download raise no closed set of classes.
        except Exception as error:
            pause = next(pauses, None)
            if pause is None or not may_pass(error):
                raise refusal(what, part, otherwise, error) from error
            time.sleep(pause)


def _be_careful() -> None:
    """Give every question a time limit, since the library asks some without, and look at every answer."""
    from huggingface_hub import get_session

    hooks = get_session().event_hooks
    if _limit_time not in hooks["request"]:
        hooks["request"].append(_limit_time)
        # First of all: the library's own hooks follow.
        hooks["response"].insert(0, look_at_answer)


def _limit_time(request: Any) -> None:
    from huggingface_hub import constants

    limits = request.extensions.get("timeout", {})
    seconds = constants.HF_HUB_ETAG_TIMEOUT
    kinds = ("connect", "read", "write", "pool")
    request.extensions["timeout"] = {kind: limits.get(kind) or seconds for kind in kinds}


def _silence(*, bars: bool) -> None:
    from huggingface_hub import constants
    from huggingface_hub.utils import disable_progress_bars, enable_progress_bars

    # It tells of every attempt; the last one is what we tell.
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
    # Who set HF_HUB_DISABLE_PROGRESS_BARS has decided, and the library would warn.
    if constants.HF_HUB_DISABLE_PROGRESS_BARS is None:
        (enable_progress_bars if bars else disable_progress_bars)()
