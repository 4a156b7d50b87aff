from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.record.file_format import FileFormat, FormatChoice
from depthpaint.record.picture_file import encoded
from depthpaint.record.picture_source import decoded
from depthpaint.record.result import Result, record_of
from depthpaint.record.run_record import RunRecord
from depthpaint.record.verdict import TOLERANCE, Verdict, compare
from painted import result_of


def recorded(result: Result) -> tuple[RunRecord, NDArray[np.uint8]]:
    return record_of(result, 0), result.pictures[0].pixels


def brightened(result: Result, by: int, everywhere: bool = False) -> Result:
    before = result.pictures[0].pixels.astype(np.int16)
    changed = np.where(before < 128, before + by, before - by)
    after = before.copy()
    where = np.s_[:] if everywhere else np.s_[3, 4, 1]
    after[where] = changed[where]
    return replace(result, pictures=(replace(result.pictures[0], pixels=after.astype(np.uint8)),))


def verdict_of(original: Result, again: Result) -> Verdict:
    return compare(*recorded(original), *recorded(again), edited=False)


def test_tolerance_is_two_levels() -> None:
    assert TOLERANCE == 2


@pytest.mark.parametrize(
    ("by", "verdict"),
    [
        (0, "bit-equal"),
        (1, "within-tolerance"),
        (2, "within-tolerance"),
        (3, "different"),
        (100, "different"),
    ],
)
@pytest.mark.parametrize("everywhere", [False, True])
def test_the_worst_value_decides(by: int, verdict: str, everywhere: bool) -> None:
    told = verdict_of(result_of(), brightened(result_of(), by, everywhere))
    assert told.verdict == verdict
    assert told.largest_difference == by
    if by == 0:
        assert told.psnr is None
    elif everywhere:
        assert told.psnr == pytest.approx(20 * np.log10(255 / by))


def test_a_brighter_and_a_darker_picture_differ_alike() -> None:
    dark, light = brightened(result_of(), 127, True), result_of()
    assert verdict_of(dark, light).largest_difference == verdict_of(light, dark).largest_difference == 127


def test_other_sizes_are_different() -> None:
    told = verdict_of(result_of(size="40x30"), result_of(size="30x40"))
    assert (told.verdict, told.psnr, told.largest_difference) == ("different", None, None)
    assert "40x30 and 30x40" in told.why


def test_says_when_nothing_recorded_changed() -> None:
    told = verdict_of(result_of(), brightened(result_of(), 9))
    assert told.why == "values differ by up to 9 of 255; no recorded setting changed"


def test_sees_an_edited_original() -> None:
    record, pixels = recorded(result_of())
    told = compare(record, pixels[::-1], record, pixels, edited=True)
    assert "edited after it was painted" in told.why


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("control_sha256", "e" * 64, "the depth given to the network"),
        ("weights_sha256", "e" * 64, "the model's weights"),
    ],
)
def test_names_a_changed_file(field: str, value: str, told: str) -> None:
    again = replace(brightened(result_of(), 9), **{field: value})
    assert verdict_of(result_of(), again).why.endswith(f"changed: {told}")


def test_names_a_changed_depth_file() -> None:
    again = brightened(result_of(), 9)
    again = replace(again, depth=replace(again.depth, sha256="e" * 64))
    assert verdict_of(result_of(), again).why.endswith("changed: the depth file")


def test_names_changed_settings_and_plan() -> None:
    why = verdict_of(result_of(), brightened(result_of(num_inference_steps=5, guidance_scale=0), 9)).why
    assert "num_inference_steps (4 before, 5 now)" in why
    assert "guidance_scale (2.0 before, 0.0 now)" in why
    assert "timesteps" in why


@pytest.mark.parametrize("key", ["onnxruntime", "python", "cpu", "machine"])
def test_names_changed_versions_and_machine(key: str) -> None:
    record, pixels = recorded(result_of())
    moved = record.model_copy(update={"environment": record.environment | {key: "9.9 \x1b[2J"}})
    told = compare(record, pixels, moved, recorded(brightened(result_of(), 1))[1], edited=False)
    assert f"{key} ({record.environment[key]} before, 9.9 \\x1b[2J now)" in told.why
    equal = compare(record, pixels, moved, pixels, edited=False)
    assert equal.verdict == "bit-equal"
    assert f"although these changed: {key}" in equal.why


def test_equal_is_equal() -> None:
    assert verdict_of(result_of(), result_of()).why == "every value is equal"


def test_what_a_foreign_record_holds_is_shortened() -> None:
    record, pixels = recorded(result_of())
    machine = {f"{number}{'k' * 900}": "v" * 1000 for number in range(100)}
    depth = record.depth.model_copy(update={"estimator": "e" * 20_000, "estimator_sha256": "f" * 64})
    foreign = record.model_copy(update={"environment": machine, "depth": depth})
    told = compare(foreign, pixels, record, pixels, edited=False)
    assert told.verdict == "bit-equal"
    assert "the estimator's weights (eee" in told.why
    assert "more" in told.why
    assert len(told.why) < 10_000


def as_file(result: Result, form: FileFormat) -> tuple[RunRecord, NDArray[np.uint8]]:
    """The record in a picture's file, and the file's pixels."""
    data, record = encoded(*recorded(result), form)
    return record, decoded("p", data)


@pytest.mark.parametrize("form", [FormatChoice("jpeg", 60).of(), FormatChoice("webp", 60).of()])
def test_what_lost_something_is_equal_if_it_was_equal_before(form: FileFormat) -> None:
    record, pixels = as_file(result_of(), form)
    told = compare(record, pixels, *recorded(result_of()), edited=False)
    assert told == Verdict("bit-equal", "every value before compression is equal", None, 0)
    weights = replace(result_of(), weights_sha256="e" * 64)
    told = compare(record, pixels, *recorded(weights), edited=False)
    assert told.verdict == "bit-equal"
    assert told.why.endswith("although these changed: the model's weights")


@pytest.mark.parametrize("form", [FormatChoice("jpeg", 60).of(), FormatChoice("webp", 60).of()])
def test_what_lost_something_is_compared_after_the_same_loss(form: FileFormat) -> None:
    record, pixels = as_file(result_of(), form)
    barely = brightened(result_of(), 1)
    assert np.abs(pixels.astype(int) - barely.pictures[0].pixels).max() > TOLERANCE
    told = compare(record, pixels, *recorded(barely), edited=False)
    assert told.verdict in ("within-tolerance", "different")
    assert (told.psnr or 99) > 40
    assert f"after the same compression as {form.name.upper()}" in told.why
    told = compare(record, pixels, *recorded(brightened(result_of(), 99, True)), edited=False)
    assert told.verdict == "different"


def test_an_edited_file_is_not_equal_although_its_record_is() -> None:
    record, pixels = as_file(result_of(), FormatChoice("jpeg").of())
    told = compare(record, 255 - pixels, *recorded(result_of()), edited=True)
    assert told.verdict == "different"
    assert "edited after it was painted" in told.why
