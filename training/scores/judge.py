"""A classifier put to use: what it is asked of a world, and whether a picture shows that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.scores.classifier import Classifier, Lesson
from training.scores.held_out import HeldOut, Picture

Question = tuple[int, str]
"""The name that is asked about, 0 for the whole picture, and the class that it should show."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What can be judged: `asked` gives a world's questions, by rules on the world alone.

    `taught` are the questions that are learned from, harder ones among them, of which there are more.
    `said` counts what the caption says of the subject, asked for or not; `seen` makes the input (C, H, W) for
    a question from a picture (H, W, 3).
    """

    name: str
    classes: tuple[str, ...]
    asked: Callable[[HeldOut], list[Question]]
    taught: Callable[[HeldOut], list[Question]]
    said: Callable[[HeldOut], int]
    seen: Callable[[HeldOut, Picture, int], Tensor]


@dataclass(frozen=True, slots=True)
class Judge:
    """A subject with the network that learned it; `accuracy` in [0, 1] on true renders of held-out worlds."""

    subject: Subject
    network: Classifier
    accuracy: float

    @property
    def name(self) -> str:
        """What the table calls it."""
        return self.subject.name

    def right(self, asked: HeldOut, picture: Picture, only: str | None = None) -> list[float]:
        """For each question: 1 where `picture` (H, W, 3) shows the class that it should, else 0.

        Of the class `only` alone, if one is given.
        """
        questions = [(named, wanted) for named, wanted in self.subject.asked(asked) if only in (None, wanted)]
        if not questions:
            return []
        inputs = torch.stack([self.subject.seen(asked, picture, named) for named, _ in questions])
        names = self.network.names(inputs)
        return [float(name == wanted) for name, (_, wanted) in zip(names, questions, strict=True)]


def lessons(
    subjects: Sequence[Subject], worlds: Iterable[HeldOut], on_world: Callable[[int], None] | None = None
) -> dict[str, Lesson]:
    """By subject, every question that is taught, as the true renders of `worlds` answer it."""
    inputs: dict[str, list[Tensor]] = {subject.name: [] for subject in subjects}
    labels: dict[str, list[int]] = {subject.name: [] for subject in subjects}
    for done, asked in enumerate(worlds, 1):
        for subject in subjects:
            for named, wanted in subject.taught(asked):
                # Half precision: thousands of them are kept.
                inputs[subject.name].append(subject.seen(asked, asked.render, named).half())
                labels[subject.name].append(subject.classes.index(wanted))
        if on_world is not None:
            on_world(done)
    return {name: Lesson(torch.stack(found), torch.tensor(labels[name])) for name, found in inputs.items()}


def accuracies(judges: Sequence[Judge], worlds: Iterable[HeldOut]) -> dict[str, float]:
    """By subject, the share of questions, in [0, 1], that true renders of `worlds` answer as they should."""
    answers: dict[str, list[float]] = {judge.name: [] for judge in judges}
    for asked in worlds:
        for judge in judges:
            answers[judge.name] += judge.right(asked, asked.render)
    return {name: sum(found) / max(1, len(found)) for name, found in answers.items()}
