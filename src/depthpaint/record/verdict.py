"""Replay: compare a picture with the one painted again from its record, and list what changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import ErrorCode, ModelError, printable, shortened
from depthpaint.core.files import LONGEST_NAME
from depthpaint.core.setting import INVERSION_NAME
from depthpaint.core.statistics import psnr
from depthpaint.plan import RunPlan
from depthpaint.record.encode import compressed
from depthpaint.record.file_format import FileFormat
from depthpaint.record.paths import INIT
from depthpaint.record.picture_source import decoded
from depthpaint.record.run_record import RecordError, RunRecord, pixels_sha256
from depthpaint.record.sections import VERSIONS, PlanFacts
from depthpaint.request import Settings

_LONGEST = LONGEST_NAME - len(".safetensors")


def require_inversions(record: RunRecord, plan: RunPlan) -> None:
    """Raise ModelError model_not_found if a textual inversion of the record is not available in `plan`.

    Records are untrusted: RecordError record_damaged if a name is not a plain file name.
    """
    for word, digest in record.digests.inversions.items():
        if len(word) > _LONGEST or not re.fullmatch(INVERSION_NAME, word):
            raise RecordError(
                f"the picture's record has an invalid textual inversion name: {word[:60]!r}",
                code=ErrorCode.RECORD_DAMAGED,
                value=word,
                remedy="use the original picture",
            )
        if word not in plan.inversions:
            raise ModelError(
                f"the picture was painted with the textual inversion '{word}', which is not on this machine",
                code=ErrorCode.MODEL_NOT_FOUND,
                remedy=f"put {word}.safetensors (sha256 {digest[:10]}…) into the model's folder embeddings, "
                "or into a model tree in DEPTHPAINT_MODELS",
                value=word,
                limit=digest,
            )


TOLERANCE = 2
"""Of 255: the largest difference that another machine's rounding may cause; it is invisible."""

_DIGEST_NAMES = {
    "depth": "the depth file",
    "init": "the picture to start from",
    "control": "the depth given to the network",
    "weights": "the model's weights",
    "inversions": "the textual inversions",
}
_LONGEST_VALUE = 40
_LONGEST_NAME = 100
_MOST_CHANGES = 20
"""Changes that a verdict lists; of the others it gives the number."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How two pictures compare.

    `psnr` is in dB with peak 255, None if it is infinite or the sizes differ; `largest_difference` is out of
    255, 0 for equal pictures and None if the sizes differ. `why` is one printable line.
    """

    verdict: Literal["bit-equal", "within-tolerance", "different"]
    why: str
    psnr: float | None
    largest_difference: int | None


def compare(
    original: RunRecord,
    original_pixels: NDArray[np.uint8],
    again: RunRecord,
    again_pixels: NDArray[np.uint8],
    *,
    edited: bool,
) -> Verdict:
    """Compare a picture with one painted from its record: uint8 (H, W, 3) each.

    `edited` says that the original is not as it was painted. One that was compressed with a loss is bit-equal
    if the digest of its pixels is that of the new ones; else both are compared after the same compression.
    """
    changed = changes(original, again)
    if edited:
        changed.insert(0, "the original picture (edited after it was painted)")
    if original_pixels.shape != again_pixels.shape:
        sizes = f"the sizes differ, {_size(original_pixels)} and {_size(again_pixels)}"
        return Verdict("different", _with_causes(sizes, changed), None, None)
    lossy = _lossy_format(original)
    same = original.digests.picture == pixels_sha256(again_pixels)
    if lossy is not None:
        if same and not edited:
            return Verdict("bit-equal", _equal_despite(changed, " before compression"), None, 0)
        again_pixels = decoded("the new picture", compressed(again_pixels, lossy))
    difference = np.abs(original_pixels.astype(np.int16) - again_pixels.astype(np.int16))
    largest = int(difference.max(initial=0))
    if largest == 0 and (lossy is None or same):
        return Verdict("bit-equal", _equal_despite(changed), None, 0)
    where = "" if lossy is None else f" after the same compression as {lossy.name.upper()}"
    why = _with_causes(f"values differ by up to {largest} of 255{where}", changed)
    verdict = "within-tolerance" if largest <= TOLERANCE else "different"
    return Verdict(verdict, why, psnr(original_pixels, again_pixels) if largest else None, largest)


def _lossy_format(record: RunRecord) -> FileFormat | None:
    """How the picture was compressed, if that lost something."""
    found = record.compression
    return None if found is None or found.quality is None else FileFormat(found.format, found.quality)


def changes(original: RunRecord, again: RunRecord) -> list[str]:
    """What differs between the records, most important first: files, settings and plan, versions, machine."""
    old, new = original.digests, again.digests
    changed = [name for key, name in _DIGEST_NAMES.items() if getattr(old, key) != getattr(new, key)]
    before, now = original.depth, again.depth
    if before.estimator_sha256 != now.estimator_sha256:
        both = (shortened(name or "none", _LONGEST_NAME) for name in (before.estimator, now.estimator))
        names = " ({} before, {} now)".format(*both)
        changed.append(
            printable(f"the estimator's weights{names if before.estimator != now.estimator else ''}")
        )
    changed += _fields(original.settings, again.settings) + _fields(original.plan, again.plan)
    return changed + _machines(original.environment, again.environment)


def _machines(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    changed: list[str] = []
    machine = [key for key in sorted(before.keys() | after.keys()) if key not in VERSIONS]
    for key in (*VERSIONS, *machine):
        then, now = before.get(key, "unknown"), after.get(key, "unknown")
        if then != now:
            name, then, now = (shortened(text, _LONGEST_NAME) for text in (key, then, now))
            changed.append(printable(f"{name} ({then} before, {now} now)"))
    return changed


def _fields(before: Settings | PlanFacts, after: Settings | PlanFacts) -> list[str]:
    changed: list[str] = []
    for name in type(before).model_fields:
        if name == INIT:  # its digest is compared; the file may have moved
            continue
        old, new = str(getattr(before, name)), str(getattr(after, name))
        if old != new:
            short = max(len(old), len(new)) <= _LONGEST_VALUE
            changed.append(printable(f"{name} ({old} before, {new} now)") if short else name)
    return changed


def _with_causes(fact: str, changed: list[str]) -> str:
    return f"{fact}; " + (f"changed: {_listed(changed)}" if changed else "no recorded setting changed")


def _equal_despite(changed: list[str], when: str = "") -> str:
    return f"every value{when} is equal" + (
        f", although these changed: {_listed(changed)}" if changed else ""
    )


def _listed(changed: list[str]) -> str:
    more = len(changed) - _MOST_CHANGES
    return ", ".join(changed[:_MOST_CHANGES]) + (f" and {more:,} more" if more > 0 else "")


def _size(pixels: NDArray[np.uint8]) -> str:
    height, width = pixels.shape[:2]
    return f"{width}x{height}"
