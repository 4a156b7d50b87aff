"""Everything that is measured of paintings of held-out worlds, as one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from training.scores.colour import asked_colours, coloured, right_colours
from training.scores.depth import Seer
from training.scores.held_out import HeldOut, Picture
from training.scores.judge import Judge
from training.scores.marks import Mark, summaries, summary
from training.scores.painting import Paint
from training.scores.picture import colour_drift, own_world, psnr
from training.scores.swap import ColourSwap, DepthSwap, colour_swap, depth_swap

Score = Callable[[HeldOut, Picture], list[float]]
"""Values measured on a picture (H, W, 3); which things are asked for depends on the world alone."""

SWAP_EVERY = 8
LIKENESS: dict[str, Score] = {"psnr": psnr, "own_world": own_world, "colour_drift": colour_drift}
"""Scores beside the true render, which has no ceiling of its own."""


@dataclass(frozen=True, slots=True)
class Means:
    """What paints, and what judges: `autoencoder` and `seer` are None where there is none."""

    paint: Paint
    autoencoder: Paint | None
    seer: Seer | None
    judges: tuple[Judge, ...]

    def scores(self) -> dict[str, Score]:
        """The scores that true renders have, too."""
        found: dict[str, Score] = {"colour": right_colours}
        if self.seer is not None:
            found["depth"] = self.seer.rank
        for judge in self.judges:
            found[judge.name] = judge.right
            # Whoever paints everything smooth is right wherever smooth was asked for, and there alone.
            for name in judge.subject.classes:
                found[f"{judge.name}: {name}"] = partial(judge.right, only=name)
        return found


@dataclass(slots=True)
class Findings:
    """What was measured so far; `asked` counts what was asked for and left out, by score."""

    marks: list[Mark] = field(default_factory=list[Mark])
    asked: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    colour_swaps: list[ColourSwap] = field(default_factory=list[ColourSwap])
    depth_swaps: list[DepthSwap] = field(default_factory=list[DepthSwap])

    def table(self) -> dict[str, object]:
        """As JSON: scores, counts, swaps."""
        return {
            "scores": summaries(self.marks),
            "asked": {score: dict(counts) for score, counts in self.asked.items()},
            "swapped_colour": {
                "inside": summary(swap.inside for swap in self.colour_swaps),
                "outside": summary(swap.outside for swap in self.colour_swaps),
                "right": summary(float(swap.right) for swap in self.colour_swaps),
            },
            "swapped_depth": {
                "new": summary(swap.new for swap in self.depth_swaps),
                "old": summary(swap.old for swap in self.depth_swaps),
                "between": summary(swap.between for swap in self.depth_swaps),
            },
        }


def measure(
    worlds: Iterable[HeldOut], means: Means, on_painted: Callable[[HeldOut, Picture], None] | None = None
) -> Findings:
    """Paint and judge every world; `on_painted` hears of each painting."""
    findings = Findings()
    for asked in worlds:
        painted = means.paint(asked)
        _mark(findings, asked, "painted", painted, means.scores() | LIKENESS)
        _mark(findings, asked, "render", asked.render, means.scores())
        if means.autoencoder is not None:
            _mark(findings, asked, "autoencoder", means.autoencoder(asked), means.scores() | LIKENESS)
        _count(findings, asked, means)
        if asked.index % SWAP_EVERY == 0:
            swap = colour_swap(asked, painted, means.paint)
            findings.colour_swaps += [swap] if swap is not None else []
            if means.seer is not None:
                findings.depth_swaps.append(depth_swap(asked, means.paint, means.seer))
        if on_painted is not None:
            on_painted(asked, painted)
    return findings


def _mark(findings: Findings, asked: HeldOut, shown: str, picture: Picture, scores: dict[str, Score]) -> None:
    findings.marks += [
        Mark(name, shown, asked.world.family, asked.ratio, value)
        for name, score in scores.items()
        for value in score(asked, picture)
    ]


def _count(findings: Findings, asked: HeldOut, means: Means) -> None:
    counts = {"colour": (len(asked_colours(asked)), len(coloured(asked)))}
    counts |= {
        judge.name: (len(judge.subject.asked(asked)), judge.subject.said(asked)) for judge in means.judges
    }
    for name, (kept, said) in counts.items():
        findings.asked.setdefault(name, Counter()).update(asked=kept, left_out=said - kept)
