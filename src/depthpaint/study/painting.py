"""Paint a study's grid as a batch: every picture once, whatever was painted before is found again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from depthpaint.batch.job import Job, jobs_of
from depthpaint.batch.mark import mark_of
from depthpaint.batch.painting import Painters
from depthpaint.batch.replacing import require_replaceable
from depthpaint.batch.wanted import Wanted
from depthpaint.core.errors import DepthpaintError
from depthpaint.core.files import make_folder, write_atomic
from depthpaint.depth.detail import detail_correlation
from depthpaint.engine import Engine
from depthpaint.record.picture_source import pixels_of
from depthpaint.study.cell import Cell, Outcome
from depthpaint.study.look import look_of, repetition_of
from depthpaint.verify.agreement import agreement
from depthpaint.verify.choosing import facts_of

PICTURES = "pictures"


def paint_cells(
    painters: Painters,
    engine: Engine,
    cells: Sequence[Cell],
    folder: Path,
    estimator: str,
    on_cell: Callable[[], None] | None = None,
) -> list[Outcome]:
    """Let `painters` paint every cell, let `estimator` in `engine` judge it; the outcomes in order.

    Pictures lie in `folder`/pictures, named after their jobs. One that is there already, whole, of the same
    job and weights is not painted again. Raises DepthpaintError for anything that a user can mend; what was
    painted stays.
    """
    pictures = folder / PICTURES
    make_folder(pictures)
    jobs = [job for number, cell in enumerate(cells) for job in jobs_of(Wanted(number, cell.request, None))]
    places: dict[str, list[int]] = {}
    for number, job in enumerate(jobs):
        places.setdefault(job.file, []).append(number)
    outcomes: dict[int, Outcome] = {}

    def judge(job: Job) -> None:
        for number in places[job.file]:
            outcomes[number] = _judged(engine, cells[number], pictures / job.file, estimator)
            if on_cell is not None:
                on_cell()

    missing: list[Job] = []
    for job in (jobs[numbers[0]] for numbers in places.values()):
        if _is_there(pictures / job.file, job, painters):
            judge(job)
        else:
            missing.append(job)
    for job, painted in painters.paint(iter(missing)):
        if isinstance(painted, DepthpaintError):
            raise painted
        require_replaceable(job, pictures / job.file)
        write_atomic(pictures / job.file, painted.data, overwrite=True)
        judge(job)
    return [outcomes[number] for number in range(len(cells))]


def _is_there(path: Path, job: Job, painters: Painters) -> bool:
    mark = mark_of(path)
    if mark is None or (mark.key, mark.weights) != (job.key, painters.weights(job)):
        return False
    require_replaceable(job, path)  # an edited or damaged picture is not measured as a painted one
    return True


def _judged(engine: Engine, cell: Cell, path: Path, estimator: str) -> Outcome:
    pixels = pixels_of(path)
    found = agreement(engine, cell.request, pixels, estimator)
    return Outcome(
        cell=cell,
        path=path,
        agreement=facts_of(found),
        mirrored=detail_correlation(found.asked[:, ::-1], found.seen, found.valid & found.valid[:, ::-1]),
        look=look_of(pixels),
        asked_repetition=repetition_of(np.rint(found.asked * 255).astype(np.uint8)),
    )
