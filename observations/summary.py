"""depthpaint in a few pages: what it does, what was found, where it fails; every number from data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from depthpaint.report.document import Document, Section, Shown, Table

GOALS = {
    "colour": ("named things with the colour of the sentence", 0.95),
    "material": ("material", 0.85),
    "light": ("light", 0.95),
    "depth": ("rank correlation of the depth seen in the picture, median", 0.97),
    "psnr": ("PSNR to the render, dB, median", 19.0),
}
BY_MEDIAN = ("depth", "psnr")


def summary_document(
    observations: Mapping[str, Document], scores: Mapping[str, Any], pictures: Sequence[Shown]
) -> Document:
    """The project on paper, from the two observations, diorama's held-out scores and the eight pictures."""
    return Document(
        "depthpaint: pictures from a depth map and a sentence",
        (
            "depthpaint paints with Stable Diffusion what a depth map says where, and a sentence "
            "says what. It "
            "understands the map or refuses it with a reason, gives exactly the size that is asked "
            "for, verifies "
            "that the depth was obeyed, and can make every picture again. A small model comes with it.",
        ),
        (
            Section("Eight maps as people have them", HOW_THEY_ARE, shown=tuple(pictures)),
            _held_out(scores),
            *_parts(observations["aspect"]),
            *_parts(observations["latency"]),
            Section("Where it fails, and what would mend it", FAILURES),
        ),
    )


HOW_THEY_ARE = (
    "Each row: the file, the depth as it was understood, the picture, and the depth that the "
    "estimator sees in "
    "the picture. The files are rendered worlds in the formats of real ones: colour maps, one of "
    "them with red "
    "and blue exchanged, a cut and its original, odd sizes, units of their own, a corner without depth.",
)

FAILURES = (
    "The built-in model is small: colours of small things go astray, textures are faint, and what "
    "lies flat on a "
    "wall is not in a depth map and is not painted. More training has mended the first so far; Stable "
    "Diffusion paints "
    "them all, with weights that have to be downloaded.",
    "The built-in estimator knows worlds like diorama's own and is unsure of rooms: its score on the "
    "true renders "
    "bounds what it can say of pictures. Depth Anything can be used in its place.",
)


def _held_out(scores: Mapping[str, Any]) -> Section:
    rows = tuple(_score(name, scores) for name in GOALS)
    columns = ("score", "painted", "the renders themselves", "goal", "reached")
    table = Table(
        columns, rows, f"{scores['worlds']} worlds outside training, everything named in the sentence."
    )
    return Section("The built-in model on held-out worlds", (), (table,))


def _score(name: str, scores: Mapping[str, Any]) -> tuple[str | float | None, ...]:
    what, goal = GOALS[name]
    kind = "median" if name in BY_MEDIAN else "mean"
    painted = scores["scores"][name]["painted"][kind]
    render = scores["scores"][name].get("render", {})
    true = render[kind] if render.get("count") else None
    return what, painted, true, goal, "yes" if painted >= goal else "no"


def _parts(document: Document) -> list[Section]:
    """A whole observation as sections of a longer text: what was found comes first."""
    first, *others = document.sections
    return [Section(document.title, (*first.text, *document.summary)), *others]
