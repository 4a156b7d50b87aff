"""Replay: is the picture painted again the same, are its learned words the same, and what changed?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import ErrorCode, ModelError, printable, shortened
from depthpaint.core.files import LONGEST_NAME
from depthpaint.core.setting import LEARNED_WORD
from depthpaint.core.statistics import psnr
from depthpaint.plan import RunPlan
from depthpaint.record.run_record import RecordError, RunRecord, pixels_sha256
from depthpaint.record.sections import VERSIONS, PlanFacts
from depthpaint.request import Settings

_LONGEST = LONGEST_NAME - len(".safetensors")


def require_learned_words(record: RunRecord, plan: RunPlan) -> None:
    """Raise ModelError model_not_found where a word of the record is an ordinary one in `plan`.

    A record may come from anybody: RecordError record_damaged where a word is more than the name of a file.
    """
    for word, digest in record.digests.inversions.items():
        if len(word) > _LONGEST or not re.fullmatch(LEARNED_WORD, word):
            raise RecordError(
                f"the picture's record names the learned word {word[:60]!r}, which names no file",
                code=ErrorCode.RECORD_DAMAGED,
                value=word,
                remedy="use the picture as depthpaint wrote it",
            )
        if word not in plan.inversions:
            raise ModelError(
                f"the picture was painted with the learned word '{word}', whose file is not on this machine",
                code=ErrorCode.MODEL_NOT_FOUND,
                remedy=f"put {word}.safetensors (sha256 {digest[:10]}…) into the model's folder embeddings, "
                "or into that of a tree in DEPTHPAINT_MODELS",
                value=word,
                limit=digest,
            )


TOLERANCE = 2
"""Of 255, for the worst value of a picture: what another machine's rounding may change and no eye can see."""

_DIGEST_NAMES = {
    "depth": "the depth file",
    "control": "the depth that the network saw",
    "weights": "the model's weights",
    "inversions": "the learned words",
}
_LONGEST_VALUE = 40
_LONGEST_NAME = 100
_MOST_CHANGES = 20
"""Changes that a verdict names; of more it says how many there are."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How two pictures compare.

    `psnr` is in dB with peak 255, None where it is infinite or the sizes differ; `largest_difference` is of
    255, 0 for equal pictures and None where the sizes differ. `why` is one printable line.
    """

    verdict: Literal["bit-equal", "within-tolerance", "different"]
    why: str
    psnr: float | None
    largest_difference: int | None


def compare(
    original: RunRecord, original_pixels: NDArray[np.uint8], again: RunRecord, again_pixels: NDArray[np.uint8]
) -> Verdict:
    """Compare a picture with one painted from its record: uint8 (H, W, 3) each."""
    changed = changes(original, again)
    if pixels_sha256(original_pixels) != original.digests.picture:
        changed.insert(0, "the original picture (edited after it was painted)")
    if original_pixels.shape != again_pixels.shape:
        sizes = f"the sizes differ, {_size(original_pixels)} and {_size(again_pixels)}"
        return Verdict("different", _because(sizes, changed), None, None)
    difference = np.abs(original_pixels.astype(np.int16) - again_pixels.astype(np.int16))
    largest = int(difference.max(initial=0))
    if largest == 0:
        return Verdict("bit-equal", _although(changed), None, 0)
    why = _because(f"values differ by up to {largest} of 255", changed)
    verdict = "within-tolerance" if largest <= TOLERANCE else "different"
    return Verdict(verdict, why, psnr(original_pixels, again_pixels), largest)


def changes(original: RunRecord, again: RunRecord) -> list[str]:
    """What the records say has changed, most telling first: files, settings and plan, versions, machine."""
    old, new = original.digests, again.digests
    found = [name for key, name in _DIGEST_NAMES.items() if getattr(old, key) != getattr(new, key)]
    seen, sees = original.depth, again.depth
    if seen.estimator_sha256 != sees.estimator_sha256:
        both = (shortened(name or "none", _LONGEST_NAME) for name in (seen.estimator, sees.estimator))
        names = " ({} before, {} now)".format(*both)
        found.append(printable(f"the estimator's weights{names if seen.estimator != sees.estimator else ''}"))
    found += _fields(original.settings, again.settings) + _fields(original.plan, again.plan)
    return found + _machines(original.environment, again.environment)


def _machines(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    machine = [key for key in sorted(before.keys() | after.keys()) if key not in VERSIONS]
    for key in (*VERSIONS, *machine):
        then, now = before.get(key, "unknown"), after.get(key, "unknown")
        if then != now:
            name, then, now = (shortened(text, _LONGEST_NAME) for text in (key, then, now))
            found.append(printable(f"{name} ({then} before, {now} now)"))
    return found


def _fields(before: Settings | PlanFacts, after: Settings | PlanFacts) -> list[str]:
    found: list[str] = []
    for name in type(before).model_fields:
        old, new = str(getattr(before, name)), str(getattr(after, name))
        if old != new:
            short = max(len(old), len(new)) <= _LONGEST_VALUE
            found.append(printable(f"{name} ({old} before, {new} now)") if short else name)
    return found


def _because(fact: str, changed: list[str]) -> str:
    return f"{fact}; " + (f"changed: {_listed(changed)}" if changed else "nothing that is recorded changed")


def _although(changed: list[str]) -> str:
    return "every value is equal" + (f", although these changed: {_listed(changed)}" if changed else "")


def _listed(changed: list[str]) -> str:
    more = len(changed) - _MOST_CHANGES
    return ", ".join(changed[:_MOST_CHANGES]) + (f" and {more:,} more" if more > 0 else "")


def _size(pixels: NDArray[np.uint8]) -> str:
    height, width = pixels.shape[:2]
    return f"{width}x{height}"
