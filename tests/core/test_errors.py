"""The error contract: one table, one line, nothing that moves a cursor."""

from __future__ import annotations

import math
import pickle

import pytest

from depthpaint.core.errors import (
    STATUSES,
    Cancelled,
    DepthError,
    DepthpaintError,
    ErrorCode,
    InternalError,
    ModelError,
    OutOfMemory,
    OutputError,
    ParameterError,
    PictureRefused,
    UnsafeFormatError,
    number_text,
    printable,
)

TABLE = [
    ("invalid_parameter", 2, 422), ("depth_unreadable", 3, 422), ("depth_truncated", 3, 422),
    ("depth_unsupported_format", 3, 422), ("depth_bad_shape", 3, 422), ("depth_bad_dtype", 3, 422),
    ("depth_not_finite", 3, 422), ("depth_constant", 3, 422), ("depth_too_large", 3, 413),
    ("depth_ambiguous", 3, 422), ("depth_missing", 3, 422),
    ("sampler_not_found", 2, 404), ("scheduler_not_found", 2, 404), ("script_not_found", 2, 422),
    ("module_not_found", 2, 422), ("not_found", 2, 404), ("unauthorized", 2, 401),
    ("host_not_allowed", 2, 403), ("origin_not_allowed", 2, 403), ("method_not_allowed", 2, 405),
    ("body_too_large", 2, 413), ("unsupported_media_type", 2, 415),
    ("pickle_refused", 5, 422),
    ("model_not_found", 5, 404), ("model_truncated", 5, 503), ("model_hash_mismatch", 5, 503),
    ("model_incompatible", 5, 503), ("hub_unreachable", 7, 503), ("hub_auth_required", 7, 503),
    ("hub_gated", 7, 503),
    ("offline_missing", 7, 503), ("queue_full", 6, 429), ("not_ready", 6, 503), ("draining", 6, 503),
    ("timeout", 6, 504), ("cancelled", 130, 499), ("out_of_memory", 6, 503), ("disk_full", 6, 507),
    ("output_not_writable", 6, 500), ("output_exists", 8, 409), ("output_locked", 8, 409),
    ("output_path_escape", 8, 400), ("picture_refused", 8, 422), ("internal", 1, 500),
    ("picture_unreadable", 3, 422), ("record_missing", 3, 422), ("record_damaged", 3, 422),
]  # fmt: skip
KINDS = [
    (ParameterError, ValueError), (DepthError, ValueError), (UnsafeFormatError, ValueError),
    (ModelError, Exception), (PictureRefused, Exception), (OutputError, OSError),
    (OutOfMemory, Exception), (Cancelled, Exception), (InternalError, Exception),
]  # fmt: skip


@pytest.mark.parametrize(("code", "exit_status", "http_status"), TABLE)
def test_the_statuses_of_a_code(code: str, exit_status: int, http_status: int) -> None:
    error = DepthpaintError("it failed", code=ErrorCode(code))
    assert (error.exit_status, error.http_status) == (exit_status, http_status)


def test_every_code_is_in_the_table() -> None:
    assert set(STATUSES) == set(ErrorCode) == {code for code, _, _ in TABLE}


@pytest.mark.parametrize(("kind", "base"), KINDS)
def test_a_kind_keeps_its_facts_and_comes_back_from_another_process(
    kind: type[DepthpaintError], base: type[Exception]
) -> None:
    error = kind("too much", code=ErrorCode.TIMEOUT, remedy="wait", value=0, limit=(1, 2))
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert type(each) is kind
        assert isinstance(each, base)
        assert str(each) == "too much; wait"
        assert (each.message, each.code, each.remedy, each.value, each.limit) == (
            "too much", ErrorCode.TIMEOUT, "wait", 0, (1, 2),
        )  # fmt: skip


def test_a_message_is_one_line_without_control_characters() -> None:
    error = DepthError("a\nb\x1b[2Jc\u202ed", code=ErrorCode.DEPTH_UNREADABLE, remedy="e\rf")
    assert str(error) == r"a\nb\x1b[2Jc\u202ed; e\rf"
    assert str(DepthError("alone", code=ErrorCode.DEPTH_UNREADABLE)) == "alone"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zürich 東京 مرحبا", "Zürich 東京 مرحبا"),
        ("family 👨\u200d👩\u200d👧", "family 👨\u200d👩\u200d👧"),
        ("bell\x07", r"bell\x07"),
        ("\x00\x7f\x9b", r"\x00\x7f\x9b"),
        ("a\u2028b\u2066c\ufeff", r"a\u2028b\u2066c\ufeff"),
        ("half \ud800", r"half \ud800"),
        ("", ""),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (64152, "64152"), (64152.37, "64152"), (6.4152e8, "641520000"), (4294967295.0, "4294967295"),
        (1e10, "1e+10"), (math.nan, "nan"),
        (0.0, "0"), (-1.0, "-1"), (0.123456, "0.1235"), (12.3456, "12.35"), (1e-7, "1e-07"),
        (math.inf, "inf"), (3.4028234663852886e38, "3.403e+38"),
    ],
)  # fmt: skip
def test_numbers_for_people(value: float, text: str) -> None:
    assert number_text(value) == text
