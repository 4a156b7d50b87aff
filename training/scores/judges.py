"""The judges of light and material: learned once in a run's folder, found there ever after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from training.scores.classifier import learned, load, save
from training.scores.held_out import held_out_worlds
from training.scores.judge import Judge, Subject, accuracies, lessons
from training.scores.light import LIGHT
from training.scores.material import MATERIAL
from training.scores.rematerial import learned_worlds
from training.worlds.shards import SMALL

SUBJECTS = (LIGHT, MATERIAL)
LEARNED_FROM, SCORED_ON = 4000, 400
"""Worlds: none of the first is held out, all of the second are."""
ROUNDS = 24

Watched = Callable[[str, float], None]
"""Hears what is being done and the share of it that is done, in [0, 1]."""


def find_judges(
    cache: Path, watched: Watched, counts: tuple[int, int] = (LEARNED_FROM, SCORED_ON), rounds: int = ROUNDS
) -> tuple[Judge, ...]:
    """The judges in the folder `cache`; those that are missing are taught and put there."""
    missing = [subject for subject in SUBJECTS if not _file(cache, subject).exists()]
    if missing:
        _teach(missing, cache, watched, counts, rounds)
    return tuple(Judge(subject, *load(_file(cache, subject))) for subject in SUBJECTS)


def _teach(
    subjects: Sequence[Subject], cache: Path, watched: Watched, counts: tuple[int, int], rounds: int
) -> None:
    worlds = learned_worlds(counts[0], SMALL)
    found = lessons(subjects, worlds, lambda done: watched("rendering for the judges", done / counts[0]))
    networks = {
        subject.name: learned(
            subject.classes,
            found[subject.name],
            rounds,
            lambda done, name=subject.name: watched(f"teaching the judge of {name}", done / rounds),
        )
        for subject in subjects
    }
    judges = [Judge(subject, networks[subject.name], 0.0) for subject in subjects]
    scores = accuracies(judges, held_out_worlds(counts[1], SMALL))
    for subject in subjects:
        save(networks[subject.name], _file(cache, subject), scores[subject.name])


def _file(cache: Path, subject: Subject) -> Path:
    return cache / f"{subject.name}.safetensors"
