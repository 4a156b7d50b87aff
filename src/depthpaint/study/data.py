"""A study's numbers as JSON holds them: every picture's, every finding's, and where they were measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from depthpaint.core.interval import Interval
from depthpaint.record.environment import environment
from depthpaint.report.document import Document
from depthpaint.study.cell import Outcome


def study_data(
    document: Document,
    outcomes: Sequence[Outcome],
    findings: Sequence[Any],
    cold: Mapping[str, Interval] | None = None,
) -> dict[str, object]:
    """Everything that the report was made from; paths are below the study's own folder.

    `cold` are the stages of processes of their own, in seconds, where they were measured.
    """
    return {
        "title": document.title,
        "verdicts": list(document.summary),
        "environment": environment(),
        "pictures": [_picture(one) for one in outcomes],
        "findings": [_finding(found) for found in findings],
        **({"cold": {stage: asdict(took) for stage, took in cold.items()}} if cold is not None else {}),
    }


def is_study_data(start: bytes) -> bool:
    """Whether a file that starts so holds the numbers of a study."""
    return start.startswith(b'{\n "title": ') and b'\n "verdicts": [' in start


def _picture(one: Outcome) -> dict[str, object]:
    return {
        **one.cell.labels,
        "file": f"{one.path.parent.name}/{one.path.name}",
        "agreement": one.agreement.model_dump(mode="json"),
        "mirrored": one.mirrored,
        "look": asdict(one.look),
        "asked_repetition": one.asked_repetition,
    }


def _finding(found: Any) -> dict[str, object]:
    values: dict[str, Any] = {name: getattr(found, name) for name in found.__slots__ if name != "record"}
    lever = values.pop("lever", None)
    named = {} if lever is None else {"lever": lever.name}
    plain: dict[str, object] = dict(named)
    for name, value in values.items():
        plain[name] = asdict(value) if hasattr(value, "median") else value
    return plain
