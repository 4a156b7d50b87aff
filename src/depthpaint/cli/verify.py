"""`depthpaint verify`: does a picture have the depth that was asked for?"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from depthpaint.cli.terminal import bar, emit, emit_document, tell, warn
from depthpaint.core.errors import DepthpaintError, ErrorCode
from depthpaint.record.picture_source import pixels_of, recorded_depth

if TYPE_CHECKING:
    from depthpaint.engine import Engine
    from depthpaint.verify.agreement import Agreement

SOME_FAILED = 4


def verify(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Painted pictures.")],
    depth: Annotated[
        Path | None, typer.Option(help="The depth that was asked for; without it, the record says.")
    ] = None,
    estimator: Annotated[
        str, typer.Option(help="Who looks at the picture: a name (models list) or a folder.")
    ] = "diorama-depth",
    min_agreement: Annotated[
        float, typer.Option(min=-1, max=1, help="Fail (exit 4) below this rank correlation.")
    ] = -1.0,
    maps: Annotated[
        Path | None, typer.Option(help="Write picture, asked and seen depth and their difference here.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Estimate a picture's depth and compare it with the depth that was asked for.

    \b
    Examples:
      depthpaint verify output_images/a-red-sphere-12345.png
      depthpaint verify photo.png --depth depth.png --estimator depth-anything-v2-small --maps checked
    """  # fmt: skip
    from depthpaint.cli.destination import probe
    from depthpaint.cli.painting import make_engine

    if maps is not None:
        probe(maps)
    engine = make_engine()
    rows: list[dict[str, object]] = []
    failure: DepthpaintError | None = None
    cautions: set[str] = set()
    with bar("verifying", len(images), quiet=quiet) as step:
        for image in images:
            try:
                found = _verified(engine, image, depth, estimator, maps)
            except DepthpaintError as error:
                failure = error
                rows.append({"path": str(image), "error": error.code.value, "why": str(error)})
                if len(images) > 1 and not as_json:
                    tell(f"depthpaint: error: {image}: {error}")
                continue
            finally:
                step()
            rows.append(_row(image, found))
            if found.caution:
                cautions.add(f"seen by {found.estimator}, {found.caution}")
    for caution in sorted(cautions):
        warn(caution, quiet=quiet)
    if as_json:
        emit_document({"images": rows})
    else:
        for row in rows:
            if "error" not in row:
                emit(_line(row))
    if failure is not None and len(images) == 1:
        raise typer.Exit(failure.exit_status) if as_json else failure
    if any("error" in row or float(str(row["rank_correlation"])) < min_agreement for row in rows):
        raise typer.Exit(SOME_FAILED)


def _verified(
    engine: Engine, image: Path, depth: Path | None, estimator: str, maps: Path | None
) -> Agreement:
    from depthpaint.core.geometry import Fit
    from depthpaint.inputs.request import GenerationRequest
    from depthpaint.record.png_text import read_record
    from depthpaint.record.run_record import RecordError
    from depthpaint.verify.agreement import agreement

    pixels = pixels_of(image, ("PNG", "JPEG", "WEBP"))
    try:
        record = read_record(image)
        request = record.request(depth or recorded_depth(record, image))
    except RecordError as error:
        if error.code is not ErrorCode.RECORD_MISSING or depth is None:
            raise
        # A picture from elsewhere: the map is taken to cover it.
        request = GenerationRequest(depth=depth, prompt="", fit=Fit.STRETCH)
    found = agreement(engine, request, pixels, estimator)
    if maps is not None:
        from PIL import Image

        from depthpaint.core.files import write_atomic
        from depthpaint.verify.error_map import error_map

        target = maps / f"{image.stem}-verified.png"
        drawn = BytesIO()
        Image.fromarray(error_map(pixels, found)).save(drawn, "PNG")
        maps.mkdir(parents=True, exist_ok=True)
        write_atomic(target, drawn.getvalue(), overwrite=True)
    return found


def _row(image: Path, found: Agreement) -> dict[str, object]:
    likeness = found.likeness
    return {
        "path": str(image),
        "rank_correlation": round(likeness.rank_correlation, 4),
        "detail_correlation": round(likeness.detail_correlation, 4),
        "affine_rmse": round(likeness.affine_rmse, 4),
        "abs_rel": round(likeness.abs_rel, 4),
        "delta_1_25": round(likeness.delta_1_25, 4),
        "rmse_8bit": round(likeness.rmse_8bit, 2),
        "edge_f_score": round(found.edge_f_score, 4),
        "estimator": found.estimator,
    }


def _line(row: dict[str, object]) -> str:
    scores = ", ".join(
        f"{label} {row[key]}"
        for key, label in (
            ("rank_correlation", "rank correlation"), ("detail_correlation", "of detail"),
            ("affine_rmse", "RMSE"), ("abs_rel", "AbsRel"),
            ("delta_1_25", "within 1.25x"), ("rmse_8bit", "8-bit RMSE"), ("edge_f_score", "edges"),
        )
    )  # fmt: skip
    return f"{row['path']}: {scores} (by {row['estimator']})"
