"""`depthpaint verify`: whether a picture has the depth of its depth map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from depthpaint.cli import completion, options, painting
from depthpaint.cli.remedies import for_command
from depthpaint.cli.terminal import bar, emit, emit_document, inform, warn
from depthpaint.core.errors import (
    SOME_FAILED,
    DepthpaintError,
    ErrorCode,
    ModelError,
    not_installed,
    printable,
)
from depthpaint.core.files import make_folder, replace_own, require_own
from depthpaint.core.geometry import Fit
from depthpaint.depth.compare import Likeness
from depthpaint.depth.depth_map import PANEL
from depthpaint.depth.slopes import CHANCE, with_chance
from depthpaint.engine import Engine
from depthpaint.formats.samples import MIN_SIDE
from depthpaint.record.flat_table import csv_table
from depthpaint.record.paths import probe
from depthpaint.record.picture_file import encode_png, read_record
from depthpaint.record.picture_source import FORMATS, pixels_of, recorded_depth
from depthpaint.record.run_record import RecordError, RunRecord
from depthpaint.request import reading_from
from depthpaint.verification.agreement import (
    Agreement,
    Pair,
    agreement_with,
    error_map,
    map_names,
    pairs_of,
)
from depthpaint.verification.requested import Requested, requested_depth

if TYPE_CHECKING:
    from depthpaint.models.estimators.clip import ClipJudge

MAP_KEY = "depthpaint-verified"
"""The key of the text in a comparison image by which verify recognises its own files."""


DIGITS = {"rmse_8bit": 2}
"""Decimals of a score in documents, where they are not four."""
_SEE_HELP = "see depthpaint verify --help"


@dataclass(frozen=True, slots=True)
class Method:
    """How pictures are verified: an estimator of depth, a CLIP, a folder for comparison images."""

    estimator: str
    clip: str | None
    maps: Path | None


@dataclass
class Verifier:
    """Verifies one picture after another with models that stay loaded. It collects `cautions`.

    `reading` are the user's settings for reading the depth maps.
    """

    engine: Engine
    method: Method
    clip: ClipJudge | None
    reading: Mapping[str, object]
    cautions: set[str] = field(default_factory=set[str])

    def row(self, pair: Pair, name: str) -> dict[str, object]:
        """The scores of a picture; its comparison image is saved as `name`. Raises DepthpaintError."""
        if pair.problem is not None:
            raise pair.problem
        pixels = pixels_of(pair.image, FORMATS)
        _require_sides(pair.image, pixels)
        source, record = _source_of(pair, reading_from(self.reading, _SEE_HELP).max_pixels)
        requested = requested_depth(self.engine, source, record, self.reading, _SEE_HELP)
        fit = Fit.STRETCH if record is None else record.settings.fit  # without a record, the map covers it
        found = agreement_with(self.engine, requested.depth, fit, pixels, self.method.estimator)
        if found.caution:
            self.cautions.add(f"estimated with {found.estimator}: {found.caution}")
        row = _row(pair.image, found) | _depth_row(source, requested, record)
        if self.method.maps is not None:
            target = self.method.maps / name
            _save_map(target, found)
            row["map"] = str(target)
        if self.clip is not None:
            judged = self.clip.scores(pixels, None if record is None else record.settings.prompt)
            text = {} if judged.text is None else {"clip_score": round(judged.text, 3)}
            row |= {**text, "clip_iqa": round(judged.quality, 4), "clip": self.clip.name}
        return row


def clip_judge(name: str | None) -> ClipJudge | None:
    """The CLIP that --clip names; None without a name. Raises ModelError."""
    if name is None:
        return None
    try:
        from depthpaint.models.estimators.clip import ClipJudge  # which imports torch
    except ModuleNotFoundError as error:
        raise not_installed(ModelError, error, "--clip", "sd") from error
    return ClipJudge(name)


def _source_of(pair: Pair, max_pixels: int) -> tuple[Path, RunRecord | None]:
    """The depth map of a picture, and the picture's record; None if another program painted it.

    Raises RecordError, and DepthError if the recorded map is not found.
    """
    try:
        record = read_record(pair.image)
    except RecordError as error:
        if error.code is not ErrorCode.RECORD_MISSING or pair.depth is None:
            raise
        return pair.depth, None
    return recorded_depth(record, pair.image, pair.depth, max_pixels), record


def _depth_row(source: Path, requested: Requested, record: RunRecord | None) -> dict[str, object]:
    """The depth map of a row, and how it was read."""
    understood = requested.depth.source
    return {
        "depth": str(source),
        "reading": "from the file alone" if record is None else requested.reading,
        "near": understood.near,
        "kind": understood.kind,
    }


def _require_sides(image: Path, pixels: NDArray[np.uint8]) -> None:

    height, width = pixels.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise RecordError(
            f"{image} is too small: {width}x{height} pixels, and each side needs at least {MIN_SIDE}",
            code=ErrorCode.PICTURE_UNREADABLE,
            value=f"{width}x{height}",
            limit=MIN_SIDE,
            remedy="give a larger picture",
        )


def _save_map(target: Path, found: Agreement) -> None:

    make_folder(target.parent)
    data = encode_png(error_map(found), {MAP_KEY: "1"})
    replace_own(target, data, lambda proof: MAP_KEY.encode() in proof)


def _row(image: Path, found: Agreement) -> dict[str, object]:
    scores = {name: round(value, DIGITS.get(name, 4)) for name, value in asdict(found.likeness).items()}
    return {"path": str(image), **scores, "estimator": found.estimator}


def method_of(
    estimator: Annotated[
        str,
        typer.Option(
            help="Depth estimator: a name (depthpaint models list) or a folder.",
            autocompletion=completion.estimators,
        ),
    ] = "diorama-depth",
    clip: Annotated[
        str | None,
        typer.Option(
            help="Also score prompt and quality with this CLIP: a folder, or an OWNER/NAME that was pulled."
        ),
    ] = None,
    maps: Annotated[
        Path | None,
        typer.Option(
            help="Folder for comparison images: picture, requested depth, estimated depth, difference."
        ),
    ] = None,
) -> Method:
    """How to verify."""
    return Method(estimator, clip, maps)


METHOD = options.group_of(method_of)
READING = options.settings_group(PANEL, without=("from_photo",))  # whose flag is --estimator, too


@options.grouped
def verify(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Painted pictures, or folders of them.")
    ],
    depth: Annotated[
        Path | None,
        typer.Option(
            help="The requested depth map, or a folder of maps with the names of the pictures. "
            "Default: the one in the picture's record. Another map than the recorded one is read anew."
        ),
    ] = None,
    reading: dict[str, object] = READING,
    method: Method = METHOD,
    min_agreement: Annotated[
        float, typer.Option(min=-1, max=1, help="Exit with 4 if a depth agreement is lower.")
    ] = -1.0,
    table: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Also write the scores as a flat table.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no summary and no warnings.")] = False,
) -> None:
    """Estimate the depth of pictures and compare it with the depth maps they were painted from.

    \b
    Examples:
      depthpaint verify output_images/a-red-sphere-12345.png
      depthpaint verify output_images/ --min-agreement 0.6
      depthpaint verify pictures/ --depth maps/ --json
      depthpaint verify photo.png --depth depth.png --estimator depth-anything-v2-small --maps checked
    """  # fmt: skip
    pairs = pairs_of(images, depth)
    if table is not None:
        require_own(table, _is_table)
        probe(table.parent)
    if method.maps is not None:
        probe(method.maps)
    verifier = Verifier(painting.make_engine(), method, clip_judge(method.clip), reading)
    rows, failure = _verified(verifier, pairs, as_json=as_json, quiet=quiet)
    for caution in sorted(verifier.cautions):
        warn(caution, quiet=quiet)
    _print_rows(rows, as_json=as_json, quiet=quiet)
    if table is not None:
        replace_own(
            table, csv_table(COLUMNS, ([row.get(name) for name in COLUMNS] for row in rows)), _is_table
        )
    if failure is not None and len(pairs) == 1:
        raise typer.Exit(failure.exit_status) if as_json else failure
    if any("error" in row or float(str(row["depth_agreement"])) < min_agreement for row in rows):
        raise typer.Exit(SOME_FAILED)


COLUMNS = (
    "path", *(each.name for each in fields(Likeness)), "estimator", "depth", "reading", "near", "kind", "map",
    "clip_score", "clip_iqa", "clip", "error", "why",
)  # fmt: skip


def _is_table(proof: bytes) -> bool:
    return proof.startswith(",".join(COLUMNS[:3]).encode())


def _verified(
    verifier: Verifier, pairs: list[Pair], *, as_json: bool, quiet: bool
) -> tuple[list[dict[str, object]], DepthpaintError | None]:
    """A row for each picture, and the last error. Errors of several pictures are printed."""
    rows: list[dict[str, object]] = []
    failure: DepthpaintError | None = None
    with bar("verifying", len(pairs), quiet=quiet) as step:
        for pair, name in zip(pairs, map_names(pairs), strict=True):
            try:
                rows.append(verifier.row(pair, name))
            except DepthpaintError as error:
                failure = for_command(error)
                rows.append({"path": str(pair.image), "error": error.code.value, "why": str(error)})
                if len(pairs) > 1 and not as_json:
                    inform(f"depthpaint: error: {printable(str(pair.image))}: {error}")
            finally:
                step()
    return rows, failure


def _print_rows(rows: list[dict[str, object]], *, as_json: bool, quiet: bool) -> None:
    summary = _summary(rows)
    if as_json:
        emit_document(
            {"images": rows, **({"summary": summary} if summary else {}), "wrong_map_below": CHANCE}
        )
        return
    for row in rows:
        if "error" not in row:
            emit(_line(row))
    if summary:
        parts = [f"{name.replace('_', ' ')} {value}" for name, value in summary.items()]
        inform(", ".join(parts), quiet=quiet)


def _summary(rows: list[dict[str, object]]) -> dict[str, float]:
    """The number of pictures and their scores; empty for fewer than two."""
    found = [row for row in rows if "error" not in row]
    if len(found) < 2:
        return {}
    agreements, ranks, details = (
        [float(str(row[score])) for row in found]
        for score in ("depth_agreement", "rank_correlation", "detail_correlation")
    )
    return {
        "pictures": len(found),
        "depth_agreement_median": round(float(np.median(agreements)), 4),
        "depth_agreement_5th_percentile": round(float(np.percentile(agreements, 5)), 4),
        "rank_correlation_median": round(float(np.median(ranks)), 4),
        "rank_correlation_5th_percentile": round(float(np.percentile(ranks, 5)), 4),
        "detail_correlation_median": round(float(np.median(details)), 4),
    }


def _line(row: dict[str, object]) -> str:
    agreement, mirrored = (float(str(row[key])) for key in ("depth_agreement", "mirrored_agreement"))
    scores = ", ".join((
        f"depth agreement {with_chance(agreement, mirrored)}",
        *(
            f"{label} {row[key]}"
            for key, label in (
                ("edge_f_score", "edges"), ("rank_correlation", "rank correlation"),
                ("detail_correlation", "of detail"), ("affine_rmse", "RMSE"), ("abs_rel", "AbsRel"),
                ("delta_1_25", "within 1.25x"), ("rmse_8bit", "8-bit RMSE"),
            )
        ),
    ))  # fmt: skip
    depth = printable(f"{row['depth']} read {row['reading']}, {row['near']} is near")
    line = f"{printable(str(row['path']))}: {scores} (by {row['estimator']}; {depth})"
    if "clip" not in row:
        return line
    text = f"; text {row['clip_score']}" if "clip_score" in row else ";"
    return f"{line}{text}, quality {row['clip_iqa']} (by {row['clip']})".replace(";,", ";")
