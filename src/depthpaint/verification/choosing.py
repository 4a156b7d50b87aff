"""Paint, verify the depth, and try other seeds until it agrees: a bounded number, keeping the best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from depthpaint.engine import Engine, Prepared
from depthpaint.models.estimators.registry import DEFAULT
from depthpaint.picture import Pixels, Progress
from depthpaint.record.result import Result, joined
from depthpaint.record.sections import AgreementFacts
from depthpaint.request import SEED_COUNT, Request
from depthpaint.verification.agreement import Agreement, agreement_with

FEWEST_STEPS = 8
"""With fewer steps, a check after half of them costs more than it saves."""
WORSE_BY = 0.2
"""A try is abandoned if its preview agrees worse than the best's preview, by this depth agreement."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """The required agreement: depth agreement `least`, in at most `tries` seeds, judged by `estimator`.

    A `least` of infinity makes every try and keeps the best; with -1 any picture is accepted.
    """

    estimator: str = DEFAULT
    least: float = -1.0
    tries: int = 1

    @property
    def recorded_least(self) -> float | None:
        """As records store `least`: None for the best of all tries."""
        return self.least if self.least <= 1 else None

    def seeds_of(self, first: int, step: int) -> Iterator[int]:
        """The seeds that are tried for a picture whose seed is `first`, of `step` pictures."""
        return ((first + number * step) % SEED_COUNT for number in range(self.tries))

    def is_missed_by(self, depth_agreement: float | None) -> bool:
        """Whether a picture is below the required agreement; never if only the best was requested.

        None was measured by an earlier version, whose score was another.
        """
        return self.least <= 1 and depth_agreement is not None and depth_agreement < self.least


class _WorseThanBest(Exception):
    pass


def choose(
    engine: Engine,
    request: Request,
    required: Requirement,
    on_progress: Callable[[Progress], None] | None = None,
) -> Result:
    """Paint each picture of `request` in as many tries as `required` allows; each carries its agreement.

    Try t of picture k has the seed plus k plus t times the count: no two pictures try the same seed. Raises
    DepthpaintError.
    """
    return joined(choose_each(engine, request, required, on_progress))


def choose_each(
    engine: Engine,
    request: Request,
    required: Requirement,
    on_progress: Callable[[Progress], None] | None = None,
    pictures: Sequence[int] | None = None,
) -> Generator[Result]:
    """As `choose`, but yields each picture as its own result when its tries are done.

    With `pictures` only these are painted, numbered from 0. Its `seconds` and `evaluations` are those of all
    its tries. Only the best try is kept in memory.
    """
    prepared = engine.prepare(request)
    for picture in range(len(prepared.plan.seeds)) if pictures is None else pictures:
        yield _Contest(engine, prepared, required, picture, on_progress).winner()


class _Contest:
    """The tries of one picture."""

    def __init__(
        self,
        engine: Engine,
        prepared: Prepared,
        required: Requirement,
        picture: int,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._engine, self._prepared, self._required, self._picture = engine, prepared, required, picture
        self._on_progress = on_progress
        self._halfway = self._best_halfway = -1.0
        self._caution = ""

    def winner(self) -> Result:
        """Try until one agrees well enough, or no try is left."""
        best: Result | None = None
        best_score = -2.0
        seconds, evaluations = Counter[str](), Counter[str]()
        planned = self._prepared.plan.seeds
        for number, seed in enumerate(self._required.seeds_of(planned[self._picture], len(planned))):
            try:
                result, score = self._try(number, seed)
            except _WorseThanBest:
                continue
            seconds.update(dict(result.seconds))
            evaluations.update(dict(result.evaluations))
            if score > best_score:
                best, best_score, self._best_halfway = result, score, self._halfway
            del result  # frees a try that is not the best before the next is painted
            if score >= self._required.least:
                break
        if best is None:
            raise AssertionError("the first try cannot be worse than the best")
        cautions = (self._caution,) if self._caution else ()
        return replace(
            best, seconds=dict(seconds), evaluations=dict(evaluations),
            warnings=(*best.warnings, *cautions),
        )  # fmt: skip

    def _try(self, number: int, seed: int) -> tuple[Result, float]:
        seeds = self._prepared.plan.seeds
        prepared = self._engine.with_seeds(self._prepared, (seed,))

        def listen(progress: Progress) -> None:
            if self._on_progress is not None:
                done = self._picture * self._required.tries + number
                self._on_progress(replace(
                    progress, picture=done + 1, pictures=len(seeds) * self._required.tries
                ))  # fmt: skip
            if self._required.tries > 1 and progress.steps >= FEWEST_STEPS:
                self._check_halfway(progress)

        result = self._engine.run(prepared, listen)
        picture = result.pictures[0]
        reached = self._judge(picture.pixels)
        judged = replace(picture, agreement=self._facts(reached, number + 1))
        return replace(result, pictures=(judged,)), reached.depth_agreement

    def _facts(self, reached: Agreement, number: int) -> AgreementFacts:
        facts = facts_of(reached)
        if self._required.tries == 1:
            return facts
        return facts.model_copy(update={
            "tries": number, "most_tries": self._required.tries, "least": self._required.recorded_least,
            "first_seed": self._prepared.plan.seeds[self._picture],
        })  # fmt: skip

    def _check_halfway(self, progress: Progress) -> None:
        if progress.step != progress.steps // 2:
            return
        self._halfway = self._judge(progress.preview()).depth_agreement
        if self._halfway < self._best_halfway - WORSE_BY:
            raise _WorseThanBest

    def _judge(self, pixels: Pixels) -> Agreement:
        depth, fit = self._prepared.depth, self._prepared.plan.settings.fit
        result = agreement_with(self._engine, depth, fit, pixels, self._required.estimator)
        self._caution = f"depth estimated by {result.estimator}, {result.caution}" if result.caution else ""
        return result


def facts_of(reached: Agreement) -> AgreementFacts:
    """The part of an agreement that a record stores."""
    return AgreementFacts(estimator=reached.estimator, **asdict(reached.likeness))
