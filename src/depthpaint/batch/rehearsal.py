"""What a dry run looks at beyond the survey: what a batch would find out only while it paints."""

from __future__ import annotations

from pathlib import Path

from depthpaint.batch.job import jobs_of
from depthpaint.batch.replacing import require_place
from depthpaint.batch.wanted import Wanted
from depthpaint.engine import Engine
from depthpaint.verify.choosing import Wish


class Rehearsal:
    """Looks into depth files, for the parts of models, and at the places of pictures; paints nothing."""

    def __init__(self, engine: Engine, folder: Path, wish: Wish | None, *, overwrite: bool) -> None:
        self._engine, self._folder, self._wish, self._overwrite = engine, folder, wish, overwrite

    def __call__(self, asked: Wanted) -> None:
        """Raise the DepthpaintError or OSError that the row would fail with."""
        self._engine.prepare(asked.request)
        judge = None if self._wish is None else self._wish.estimator
        self._engine.require_ready(asked.request.choice, judge)
        for job in jobs_of(asked, self._wish):
            require_place(job, self._folder / job.file, overwrite=self._overwrite)
