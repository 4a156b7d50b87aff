"""The learned words that a picture was painted with: without their files it is painted with other words."""

from __future__ import annotations

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.plan import RunPlan
from depthpaint.record.run_record import RunRecord


def require_learned_words(record: RunRecord, plan: RunPlan) -> None:
    """Raise ModelError model_not_found where a word of the record is an ordinary one in `plan`."""
    for word, digest in record.digests.inversions.items():
        if word not in plan.inversions:
            raise ModelError(
                f"the picture was painted with the learned word '{word}', whose file is not on this machine",
                code=ErrorCode.MODEL_NOT_FOUND,
                remedy=f"put {word}.safetensors (sha256 {digest[:10]}…) into the model's folder embeddings, "
                "or into that of a tree in DEPTHPAINT_MODELS",
                value=word,
                limit=digest,
            )
