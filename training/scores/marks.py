"""What was measured: one mark a fact, gathered into summaries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

LEAST_MARKS = 5
"""Fewer marks of a family or a ratio say nothing."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One value of one `score` on what was `shown`: painted, render or autoencoder."""

    score: str
    shown: str
    family: str
    ratio: str
    value: float


def summaries(marks: Sequence[Mark]) -> dict[str, dict[str, dict[str, object]]]:
    """By score and what was shown: count, mean, median and 5th percentile of all, of families, of ratios."""
    table: dict[str, dict[str, dict[str, object]]] = {}
    for score, shown in dict.fromkeys((mark.score, mark.shown) for mark in marks):
        chosen = [mark for mark in marks if (mark.score, mark.shown) == (score, shown)]
        table.setdefault(score, {})[shown] = {
            **summary(mark.value for mark in chosen),
            "families": _grouped((mark.family, mark.value) for mark in chosen),
            "ratios": _grouped((mark.ratio, mark.value) for mark in chosen),
        }
    return table


def summary(values: Iterable[float]) -> dict[str, float]:
    """How many, their mean (of hits: the share), median and 5th percentile; only the count where none."""
    found = list(values)
    if not found:
        return {"count": 0}
    return {
        "count": len(found),
        "mean": round(float(np.mean(found)), 4),
        "median": round(float(np.median(found)), 4),
        "5th": round(float(np.quantile(found, 0.05)), 4),
    }


def _grouped(pairs: Iterable[tuple[str, float]]) -> dict[str, dict[str, float]]:
    groups: dict[str, list[float]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return {name: summary(values) for name, values in sorted(groups.items()) if len(values) >= LEAST_MARKS}
