"""Paint a study's grid: every picture once, whatever was painted before is found again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from depthpaint.core.errors import DepthpaintError
from depthpaint.core.files import sha256_of
from depthpaint.depth.detail import detail_correlation
from depthpaint.engine import Engine, Pixels
from depthpaint.record.picture_file import save_picture
from depthpaint.record.picture_source import pixels_of
from depthpaint.record.png_text import read_record
from depthpaint.record.run_record import RunRecord
from depthpaint.study.cell import Cell, Outcome
from depthpaint.study.look import look_of, repetition_of
from depthpaint.verify.agreement import agreement
from depthpaint.verify.choosing import facts_of

PICTURES = "pictures"


def paint_cells(
    engine: Engine,
    cells: Sequence[Cell],
    folder: Path,
    estimator: str,
    on_cell: Callable[[], None] | None = None,
) -> list[Outcome]:
    """Paint and judge every cell, in order; pictures lie in `folder`/pictures, named after their content.

    A picture that is there already, whole, of the same request, depth and weights is not painted again.
    Raises DepthpaintError for anything that a user can mend.
    """
    outcomes: list[Outcome] = []
    for cell in cells:
        outcomes.append(_outcome(engine, cell, folder / PICTURES, estimator))
        if on_cell is not None:
            on_cell()
    return outcomes


def _outcome(engine: Engine, cell: Cell, folder: Path, estimator: str) -> Outcome:
    weights = engine.weights_of(cell.request.choice)
    path = folder / f"{cell.key(sha256_of(cell.request.depth), weights)}.png"
    record = _painted_before(path)
    if record is None:
        result = engine.paint(cell.request)
        saved = save_picture(result, 0, folder, name=path.name, overwrite=True)
        record = saved.record
    return _judged(engine, cell, path, record, pixels_of(path), estimator)


def _judged(
    engine: Engine, cell: Cell, path: Path, record: RunRecord, pixels: Pixels, estimator: str
) -> Outcome:
    found = agreement(engine, cell.request, pixels, estimator)
    return Outcome(
        cell=cell,
        path=path,
        seconds=record.seconds["picture"],
        agreement=facts_of(found),
        mirrored=detail_correlation(found.asked[:, ::-1], found.seen, found.valid & found.valid[:, ::-1]),
        look=look_of(pixels),
        asked_repetition=repetition_of(np.rint(found.asked * 255).astype(np.uint8)),
    )


def _painted_before(path: Path) -> RunRecord | None:
    """The record of a picture that is there and whole."""
    try:
        record = read_record(path)
        pixels_of(path)
    except DepthpaintError:
        return None
    return record
