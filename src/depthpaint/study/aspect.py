"""The studies that paint a grid: the effects of the aspect ratio and of the control's strength."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import combinations
from pathlib import Path

import numpy as np

from depthpaint.core.files import PROOF_BYTES, make_folder, replace_own
from depthpaint.core.geometry import Extent, Fit, parse_aspect, place
from depthpaint.core.statistics import Interval, difference, in_words, interval_of
from depthpaint.depth.depth_map import DepthMap
from depthpaint.depth.resize import fit_depth
from depthpaint.record.picture_source import pixels_of
from depthpaint.request import Request
from depthpaint.study.painting import Cell, Outcome

RATIOS = ("1:3", "1:2", "2:3", "1:1", "3:2", "2:1", "3:1")
REFERENCE = "1:1"
WAYS = ("crop", "pad", "stretch", "letterbox")
"""`letterbox` puts the whole map between bars at the far plane; `pad` repeats the map's edges."""
SEEDS = 8


def distinct_ratios(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Each ratio once, including REFERENCE, and warnings.

    Raises ParameterError for a text that is not a ratio.
    """
    known: dict[float, str] = {}
    warnings: list[str] = []
    for text in texts:
        value = parse_aspect(text)
        if value in known:
            warnings.append(f"the ratio {text.strip()} equals {known[value]}: it is painted once")
        known.setdefault(value, REFERENCE if value == parse_aspect(REFERENCE) else "".join(text.split()))
    known.setdefault(parse_aspect(REFERENCE), REFERENCE)
    return list(known.values()), warnings


def aspect_cells(
    request: Request, depth: DepthMap, folder: Path, *, ratios: Sequence[str], seeds: int
) -> list[Cell]:
    """The grid: every ratio in every way with every seed. Letterboxed maps are written into `folder`.

    Raises ParameterError for a text that is not a ratio, and OutputError if a map cannot be written.
    """
    cells: list[Cell] = []
    for ratio in ratios:
        value = parse_aspect(ratio)
        for way in WAYS:
            fields: dict[str, object] = {"aspect": value, "size": None}
            if way == "letterbox":
                fields["depth"] = _letterboxed(depth, value, folder, ratio.replace(":", "x"))
                fields |= {
                    "near": "white",
                    "kind": "disparity",
                    "range": "full",
                    "frame": "keep",
                    "fit": Fit.STRETCH,
                }
            else:
                fields |= {"fit": Fit(way)}
            for number in range(seeds):
                cell_request = request.with_seed(request.seeds[0] + number).model_copy(update=fields)
                cells.append(Cell({"ratio": ratio, "way": way, "seed": cell_request.seeds[0]}, cell_request))
    return cells


@dataclass(frozen=True, slots=True)
class AspectFinding:
    """One ratio in one way, compared with 1:1 in the same way and with the same seeds."""

    ratio: str
    way: str
    depth_agreement: Interval
    repetition: Interval
    sharpness: Interval
    agreement_apart: Interval
    repetition_apart: Interval

    def summary(self) -> str:
        """The finding in words."""
        obeys = in_words(
            self.agreement_apart, "follows the depth better than 1:1", "follows the depth less than 1:1"
        )
        repeats = in_words(self.repetition_apart, "repeats itself more", "repeats itself less")
        return f"{self.ratio} by {self.way}: {obeys}; {repeats}."


def aspect_findings(outcomes: Sequence[Outcome]) -> list[AspectFinding]:
    """The findings for every ratio and way. Repetition is counted in excess of the depth map's own."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault((str(one.cell.labels["way"]), str(one.cell.labels["ratio"])), []).append(one)
    findings: list[AspectFinding] = []
    for (way, ratio), members in groups.items():
        beside = groups.get((way, REFERENCE), members)
        agreed, reference = _of(members, agreement_of), _of(beside, agreement_of)
        repeated = _of(members, _repeated)
        findings.append(AspectFinding(
            ratio=ratio, way=way,
            depth_agreement=interval_of(agreed),
            repetition=interval_of(repeated),
            sharpness=interval_of(_of(members, lambda one: one.look.sharpness)),
            agreement_apart=difference(agreed, reference),
            repetition_apart=difference(repeated, _of(beside, _repeated)),
        ))  # fmt: skip
    return findings


def agreement_of(outcome: Outcome) -> float:
    """The depth agreement, which distinguishes right from wrong depth maps best."""
    return outcome.agreement.depth_agreement


def _repeated(outcome: Outcome) -> float:
    return outcome.look.repetition - outcome.asked_repetition


def _of(outcomes: Sequence[Outcome], measure: Callable[[Outcome], float]) -> list[float]:
    return [measure(one) for one in outcomes]


def _letterboxed(depth: DepthMap, ratio: float, folder: Path, name: str) -> Path:
    """The whole map centred on a canvas of that ratio, surrounded by the far plane; written once.

    Its file name has the digest of its content: another map has another file.
    """
    height, width = depth.values.shape
    source = Extent(width, height)
    wide = width < height * ratio
    canvas = Extent(round(height * ratio), height) if wide else Extent(width, round(width / ratio))
    placement = place(source, canvas, Fit.PAD)
    values, _ = fit_depth(depth, placement, canvas)
    left, top, right, bottom = (round(side) for side in placement.target)
    inside = np.zeros(values.shape, np.bool_)
    inside[top:bottom, left:right] = True
    buffer = BytesIO()
    np.save(buffer, np.where(inside, values, np.float32(0)))
    data = buffer.getvalue()
    path = folder / f"letterbox-{name}-{hashlib.sha256(data).hexdigest()[:16]}.npy"
    make_folder(folder)
    replace_own(path, data, lambda proof: _is_part_of(proof, data))
    return path


def _is_part_of(proof: bytes, data: bytes) -> bool:
    """Whether the file with this start and end is `data`, or an incomplete copy of it."""
    return data.startswith(proof[:PROOF_BYTES]) and data.endswith(proof[PROOF_BYTES:])


STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
WINDOWS = ((0.0, 1.0), (0.0, 0.5))


@dataclass(frozen=True, slots=True)
class StrengthFinding:
    """One strength in one window.

    `freedom` is how much the pictures of two seeds differ: the root mean square difference of their pixels,
    of a range of 1.
    """

    strength: float
    window: str
    depth_agreement: Interval
    freedom: Interval


def strength_cells(
    request: Request,
    *,
    seeds: int,
    strengths: Sequence[float] = STRENGTHS,
    windows: Sequence[tuple[float, float]] = WINDOWS,
) -> list[Cell]:
    """The grid: every strength in every window with every seed."""
    cells: list[Cell] = []
    for window in windows:
        for strength in strengths:
            for number in range(seeds):
                cell_request = request.with_seed(request.seeds[0] + number).model_copy(
                    update={"control_strength": strength, "control_window": window}
                )
                labels = {
                    "strength": strength,
                    "window": f"{window[0]:g}:{window[1]:g}",
                    "seed": cell_request.seeds[0],
                }
                cells.append(Cell(labels, cell_request))
    return cells


def strength_findings(outcomes: Sequence[Outcome]) -> list[StrengthFinding]:
    """The findings for every strength and window."""
    groups: dict[tuple[str, float], list[Outcome]] = {}
    for one in outcomes:
        key = (str(one.cell.labels["window"]), float(one.cell.labels["strength"]))
        groups.setdefault(key, []).append(one)
    return [
        StrengthFinding(
            strength=strength,
            window=window,
            depth_agreement=interval_of(_of(members, agreement_of)),
            freedom=interval_of(_differences(members)),
        )
        for (window, strength), members in groups.items()
    ]


def least_that_reaches(findings: Sequence[StrengthFinding], wanted: float) -> StrengthFinding | None:
    """The lowest strength, in the shortest window, whose median depth agreement is at least `wanted`."""
    enough = [finding for finding in findings if finding.depth_agreement.median >= wanted]
    return min(enough, key=lambda finding: (finding.strength, finding.window), default=None)


def _differences(members: Sequence[Outcome]) -> list[float]:
    pictures = [pixels_of(one.path).astype(np.float32) / 255 for one in members]
    pairs = list(combinations(pictures, 2))
    return [float(np.sqrt(np.mean((a - b) ** 2))) for a, b in pairs] or [0.0]
