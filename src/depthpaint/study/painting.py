"""Paint a study's grid as a batch: cells, image statistics, and the numbers as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.batch.job import Job, ParsedRow, jobs_of
from depthpaint.batch.mark import mark_of, require_replaceable
from depthpaint.batch.painting import Painters
from depthpaint.core.errors import DepthpaintError
from depthpaint.core.files import make_folder, write_atomic
from depthpaint.core.statistics import Interval
from depthpaint.depth.compare import Likeness
from depthpaint.engine import Engine
from depthpaint.record.picture_source import pixels_of
from depthpaint.record.sections import environment
from depthpaint.report.document import Document
from depthpaint.request import Request
from depthpaint.verification.agreement import agreement

Floats = NDArray[np.float64]

AREA = 96 * 96
"""Pixels that a picture is resized to before repetition is measured: the same for every ratio."""
PATCH, STRIDE = 16, 4
FAR_APART = 2 * PATCH
"""Patches nearer to each other than this overlap."""
PLAIN = 0.02
"""Patches with less contrast than this, of a range of 1, are ignored."""
SHARPNESS_AREA = 256 * 256


@dataclass(frozen=True, slots=True)
class Look:
    """Statistics of one picture, which do not measure quality.

    `repetition` in [0, 1]: how well the patches of the picture match other places in it, as the mean of their
    best normalized cross-correlations. `sharpness`: mean absolute Laplacian of the luma at an area
    of 256 x 256, in shares of the range. `contrast`: standard deviation of the luma. `colourfulness` as
    Hasler and Suesstrunk (2003) define it, over 255.
    """

    repetition: float
    sharpness: float
    contrast: float
    colourfulness: float


def look_of(pixels: NDArray[np.uint8]) -> Look:
    """Measure a picture (H, W, 3)."""
    small = _resized(pixels, AREA)
    luma = _luma(_resized(pixels, SHARPNESS_AREA))
    red, green, blue = (small[..., channel] for channel in range(3))
    warm, cold = red - green, (red + green) / 2 - blue
    spread = float(np.hypot(warm.std(), cold.std()))
    return Look(
        repetition=repetition(_luma(small)),
        sharpness=float(np.abs(_laplacian(luma)).mean()),
        contrast=float(luma.std()),
        colourfulness=spread + 0.3 * float(np.hypot(warm.mean(), cold.mean())),
    )


def repetition_of(gray: NDArray[np.uint8]) -> float:
    """The repetition of a map (H, W), measured as in a picture."""
    return repetition(_luma(_resized(np.repeat(gray[..., None], 3, axis=2), AREA)))


def repetition(shown: Floats) -> float:
    """How well patches of (H, W) in [0, 1] match distant places; 0 if no patch has contrast.

    Mirrored patches match too: a second house is often a mirrored first one.
    """
    patches, places = _patches(shown)
    if len(patches) < 2:
        return 0.0
    turned = patches.reshape(-1, PATCH, PATCH)[:, :, ::-1].reshape(len(patches), -1)
    alike = np.maximum(patches @ patches.T, patches @ turned.T)
    apart = np.abs(places[:, None] - places[None]).max(2)
    alike[apart < FAR_APART] = -1
    best = alike.max(1)
    return float(np.clip(best[best > -1], 0, 1).mean()) if (best > -1).any() else 0.0


def _patches(shown: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Patches (N, PATCH^2) of mean 0 and length 1 with enough contrast, and their positions (N, 2)."""
    windows = np.lib.stride_tricks.sliding_window_view(shown, (PATCH, PATCH))[::STRIDE, ::STRIDE]
    flat = windows.reshape(-1, PATCH * PATCH)
    flat = flat - flat.mean(1, keepdims=True)
    rows, columns = np.indices(windows.shape[:2])
    places = np.stack([rows.ravel(), columns.ravel()], 1) * STRIDE
    lengths = np.linalg.norm(flat, axis=1)
    kept = lengths > PLAIN * PATCH
    return flat[kept] / lengths[kept, None], places[kept]


def _resized(pixels: NDArray[np.uint8], area: int) -> Floats:
    height, width = pixels.shape[:2]
    scale = (area / (height * width)) ** 0.5
    size = (max(PATCH, round(width * scale)), max(PATCH, round(height * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS), np.float64) / 255


def _luma(colours: Floats) -> Floats:
    return colours @ np.array((0.299, 0.587, 0.114))


def _laplacian(shown: Floats) -> Floats:
    middle = shown[1:-1, 1:-1]
    return shown[:-2, 1:-1] + shown[2:, 1:-1] + shown[1:-1, :-2] + shown[1:-1, 2:] - 4 * middle


Label = str | float | int


@dataclass(frozen=True, slots=True)
class Cell:
    """A request for one picture, and the `labels` of its place in the study's grid."""

    labels: Mapping[str, Label]
    request: Request


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a cell, judged by `estimator`; `asked_repetition` is that of the depth map itself."""

    cell: Cell
    path: Path
    estimator: str
    agreement: Likeness
    look: Look
    asked_repetition: float


PICTURES = "pictures"


def paint_cells(
    painters: Painters,
    engine: Engine,
    cells: Sequence[Cell],
    folder: Path,
    estimator: str,
    on_cell: Callable[[], None] | None = None,
) -> list[Outcome]:
    """Paint every cell with `painters`, and judge it by `estimator` in `engine`; the outcomes in order.

    Pictures are in `folder`/pictures, named after their jobs. An existing complete one of the same job and
    weights is not painted again. Raises DepthpaintError; pictures painted so far are kept.
    """
    pictures = folder / PICTURES
    make_folder(pictures)
    rows = (ParsedRow(number, cell.request, None) for number, cell in enumerate(cells))
    jobs = [job for row in rows for job in jobs_of(row, pictures)]
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
    require_replaceable(job, path)  # do not measure an edited or damaged picture
    return True


def _judged(engine: Engine, cell: Cell, path: Path, estimator: str) -> Outcome:
    pixels = pixels_of(path)
    measured = agreement(engine, cell.request, pixels, estimator)
    return Outcome(
        cell=cell,
        path=path,
        estimator=measured.estimator,
        agreement=measured.likeness,
        look=look_of(pixels),
        asked_repetition=repetition_of(np.rint(measured.expected * 255).astype(np.uint8)),
    )


def study_data(
    document: Document,
    outcomes: Sequence[Outcome],
    findings: Sequence[Any],
    cold: Mapping[str, Interval] | None = None,
) -> dict[str, object]:
    """All data of the report; paths are relative to the study's folder.

    `cold` are the stages of separate processes, in seconds, if they were measured.
    """
    return {
        "title": document.title,
        "verdicts": list(document.summary),
        "environment": environment(),
        "pictures": [_picture(one) for one in outcomes],
        "findings": [_finding(finding) for finding in findings],
        **({"cold": {stage: asdict(took) for stage, took in cold.items()}} if cold is not None else {}),
    }


def is_study_data(start: bytes) -> bool:
    """Whether a file with this start contains the data of a study."""
    return start.startswith(b'{\n "title": ') and b'\n "verdicts": [' in start


def _picture(one: Outcome) -> dict[str, object]:
    return {
        **one.cell.labels,
        "file": f"{one.path.parent.name}/{one.path.name}",
        "agreement": {"estimator": one.estimator, **asdict(one.agreement)},
        "look": asdict(one.look),
        "asked_repetition": one.asked_repetition,
    }


def _finding(finding: Any) -> dict[str, object]:
    values: dict[str, Any] = {name: getattr(finding, name) for name in finding.__slots__ if name != "record"}
    lever = values.pop("lever", None)
    named = {} if lever is None else {"lever": lever.name}
    plain: dict[str, object] = dict(named)
    for name, value in values.items():
        plain[name] = asdict(value) if hasattr(value, "median") else value
    return plain
