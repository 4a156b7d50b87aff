"""How long a batch will still take, learned from the pictures that it has painted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic

FORGETTING = 0.97
"""What an earlier picture counts for, beside the one after it: machines get busier, and cooler."""


class Expectation:
    """Seconds for each unit of work, learned by model; what was there already teaches nothing.

    The clock is one that only goes forward; seconds are of the whole batch, however many paint.
    """

    def __init__(self, work: Mapping[str, float], clock: Callable[[], float] = monotonic) -> None:
        self._left = dict(work)
        self._learned: dict[str, tuple[float, float]] = {}
        self._clock = clock
        self._since = clock()

    def begin(self) -> None:
        """Painting begins now: what passed since the last picture was spent on looking at what is there."""
        self._since = self._clock()

    def painted(self, model: str, work: float, loading: float = 0.0) -> None:
        """A picture of this much work is done; what passed since the last one, but loading, was its time."""
        now = self._clock()
        seconds, done = self._learned.get(model, (0.0, 0.0))
        self._learned[model] = (
            seconds * FORGETTING + max(0.0, now - self._since - loading), done * FORGETTING + work,
        )  # fmt: skip
        self._since = now
        self.skipped(model, work)

    def skipped(self, model: str, work: float) -> None:
        """This much work is not to be done."""
        self._left[model] = max(0.0, self._left.get(model, 0.0) - work)

    def seconds_left(self) -> float | None:
        """Seconds, None before the first picture. A model that was not seen yet is taken for the average."""
        seconds = sum(took for took, _ in self._learned.values())
        done = sum(work for _, work in self._learned.values())
        if not done:
            return None
        expected = 0.0
        for model, left in self._left.items():
            took, work = self._learned.get(model, (seconds, done))
            expected += left * took / work if work else 0.0
        return expected
