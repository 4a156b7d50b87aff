"""The learned words that a picture was painted with: without their files it is painted with other words."""

from __future__ import annotations

import re

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.core.field_types import LEARNED_WORD
from depthpaint.core.files import LONGEST_NAME
from depthpaint.plan import RunPlan
from depthpaint.record.run_record import RecordError, RunRecord

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
