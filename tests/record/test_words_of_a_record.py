"""The learned words that a record names: a remedy makes file names of them, and a record may be forged."""

from __future__ import annotations

import pytest

from depthpaint.core.errors import DepthpaintError, ErrorCode
from depthpaint.record.result import record_of
from depthpaint.record.verdict import require_inversions
from painted import result_of


@pytest.mark.parametrize(
    "word", ["../../etc/passwd", "/x", "a/b", "a\\b", "", ".", "..", "x" * 300, "a\nb", "a b"]
)
def test_what_is_no_file_name_is_not_told_as_one(word: str) -> None:
    painted = result_of()
    record = record_of(painted, 0)
    digests = record.digests.model_copy(update={"inversions": {word: "0" * 64}})
    with pytest.raises(DepthpaintError) as refused:
        require_inversions(record.model_copy(update={"digests": digests}), painted.plan)
    assert refused.value.code is ErrorCode.RECORD_DAMAGED
    assert ".safetensors" not in str(refused.value)


def test_a_word_that_is_missing_is_told_with_its_file() -> None:
    painted = result_of()
    record = record_of(painted, 0)
    digests = record.digests.model_copy(update={"inversions": {"My-Style.7": "0" * 64}})
    with pytest.raises(DepthpaintError, match=r"put My-Style\.7\.safetensors") as refused:
        require_inversions(record.model_copy(update={"digests": digests}), painted.plan)
    assert refused.value.code is ErrorCode.MODEL_NOT_FOUND
