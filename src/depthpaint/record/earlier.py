"""A picture that was painted before from the same request, so that it need not be painted again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import depthpaint
from depthpaint.core.errors import DepthpaintError
from depthpaint.core.files import write_atomic
from depthpaint.depth.depth_map import DepthSource
from depthpaint.plan import RunPlan
from depthpaint.record.file_format import FileFormat
from depthpaint.record.paths import names_of, settings_for_record
from depthpaint.record.picture_file import SIDECAR, SavedPicture, read_record
from depthpaint.record.picture_source import is_as_painted, pixels_of
from depthpaint.record.result import plan_facts
from depthpaint.record.run_record import RunRecord


def earlier_picture(
    paths: Iterator[Path],
    plan: RunPlan,
    depth: DepthSource,
    painter: Callable[[], tuple[str, Mapping[str, str]]],
    judged: Mapping[str, object],
    form: FileFormat,
) -> SavedPicture | None:
    """The first of the files that holds the picture of `plan`, which is of one seed; None if there is none.

    Its settings, depth file, weights, version, device and format are the same, and its pixels were not
    edited. Of its agreement, the fields in `judged` are the same. `painter` gives the digest of the weights
    and the devices; it is called only if all else is equal, because it loads the model.
    """
    for path in paths:
        try:
            record = read_record(path)
        except DepthpaintError:  # another picture, or none
            continue
        if not (_has_format(record, form) and _is_of_request(record, path.parent, plan, depth, judged)):
            continue
        weights, runs_on = painter()
        if record.digests.weights != weights or any(
            record.environment.get(name) != value for name, value in runs_on.items()
        ):
            continue
        try:
            pixels = pixels_of(path)
            as_painted = is_as_painted(path, record, pixels)
        except DepthpaintError:
            continue
        if as_painted:
            height, width = pixels.shape[:2]
            return SavedPicture(path, plan.seeds[0], width, height, record.digests.picture, record)
    return None


def places_of(folder: Path, prompt: str, seed: int, stem: str | None, suffix: str) -> Iterator[Path]:
    """The existing files where a picture of this prompt and seed, or of this file stem, was saved."""
    for name in names_of(prompt, seed, suffix) if stem is None else (f"{stem}{suffix}",):
        path = folder / name
        if not os.path.lexists(path):
            return
        yield path


def add_sidecar(saved: SavedPicture) -> None:
    """Write the record of an earlier picture beside it, unless there is a file. Raises OutputError."""
    path = saved.path.with_suffix(SIDECAR)
    if not os.path.lexists(path):
        write_atomic(path, (saved.record.to_json() + "\n").encode(), overwrite=False)


def _has_format(record: RunRecord, form: FileFormat) -> bool:
    found = record.compression
    return form.name == "png" if found is None else (found.format, found.quality) == (form.name, form.quality)


def _is_of_request(
    record: RunRecord, folder: Path, plan: RunPlan, depth: DepthSource, judged: Mapping[str, object]
) -> bool:
    agreement = record.agreement
    return (
        record.environment.get("depthpaint") == depthpaint.__version__
        and record.digests.depth == depth.sha256
        and record.depth.estimator_sha256 == depth.estimator_sha256
        and record.digests.init == plan.init_sha256
        and record.digests.inversions == dict(plan.inversions)
        and record.settings == settings_for_record(plan.settings, folder)
        and record.plan == plan_facts(plan, plan.prompts[0])
        and all(agreement and getattr(agreement, name) == value for name, value in judged.items())
    )
