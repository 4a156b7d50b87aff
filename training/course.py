"""What a run learns when: a course reads the share of the budget that is spent, and says what comes next."""

from __future__ import annotations

from dataclasses import dataclass

from training.diffusion import Emphasis
from training.worlds.shards import LARGE, SMALL, Area

BATCH = {SMALL: 16, LARGE: 8}


@dataclass(frozen=True, slots=True)
class Moment:
    """One step's numbers: learning rate, which timesteps, steps before it, and whether it is painted.

    With `painted` the network learns along the steps that it takes itself when it paints: what its second
    call sees is then what its first has made of noise, and not a picture of the data.
    """

    rate: float
    emphasis: Emphasis
    step: int
    painted: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """A way through a budget; shares are of the whole budget, in [0, 1].

    The rate rises to `peak_rate` over `warm_up` steps and falls, straight, from `decay_from` to zero at the
    end. From `large_from` on, `large_share` of the batches is of large pictures, whose timesteps are `late`,
    the others' `early`. From `painted_from` on, `painted_share` of the batches is painted. The decoder learns
    at every `decoder_every`-th step, never with 0.
    """

    peak_rate: float
    warm_up: int
    decay_from: float
    large_from: float
    large_share: float
    early: Emphasis
    late: Emphasis
    painted_from: float
    painted_share: float
    decoder_every: int

    def area(self, share: float, chance: float) -> Area:
        """Of what size the next batch is; `chance` is a random number in [0, 1)."""
        return LARGE if share >= self.large_from and chance < self.large_share else SMALL

    def moment(self, share: float, step: int, chance: float) -> Moment:
        """The numbers of the step number `step`, at `share` of the budget; `chance` as in `area`."""
        fall = (1 - share) / (1 - self.decay_from)
        return Moment(
            rate=self.peak_rate * min(1.0, (step + 1) / self.warm_up, fall),
            emphasis=self.early if share < self.large_from else self.late,
            step=step,
            painted=share >= self.painted_from and chance < self.painted_share,
        )


DECIDING, FINISHING = Emphasis(0.40, (250, 900), 0.75), Emphasis(0.30, (600, 900), 0.75)
"""First the words are learned, then what the few steps of `schedule early` meet."""

FROM_NOISE = Course(
    peak_rate=8e-4, warm_up=200, decay_from=0.5, large_from=0.55, large_share=0.75,
    early=DECIDING, late=FINISHING, painted_from=0.7, painted_share=0.8, decoder_every=4,
)  # fmt: skip
"""From random weights."""

FROM_WEIGHTS = Course(
    peak_rate=3e-4, warm_up=100, decay_from=0.3, large_from=0.0, large_share=1.0,
    early=DECIDING, late=FINISHING, painted_from=0.0, painted_share=0.85, decoder_every=0,
)  # fmt: skip
"""From weights that can paint already: large pictures alone, and a decoder that stays as it is."""
