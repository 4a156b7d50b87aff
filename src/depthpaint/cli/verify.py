"""`depthpaint verify`: does a picture have the depth that was asked for?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from depthpaint.cli import options
from depthpaint.cli.terminal import bar, emit, emit_document, tell, warn
from depthpaint.core.errors import DepthpaintError, printable

SOME_FAILED = 4


def verify(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Painted pictures, or folders of them.")
    ],
    depth: Annotated[
        Path | None,
        typer.Option(
            help="The depth that was asked for, or a folder of maps that are called like the pictures."
        ),
    ] = None,
    estimator: Annotated[
        str, typer.Option(help="Who looks at the picture: a name (models list) or a folder.")
    ] = "diorama-depth",
    clip: Annotated[
        str | None,
        typer.Option(help="A CLIP (a folder, or owner/name that was pulled): adds text score and quality."),
    ] = None,
    min_agreement: Annotated[
        float, typer.Option(min=-1, max=1, help="Fail (exit 4) below this rank correlation.")
    ] = -1.0,
    maps: Annotated[
        Path | None, typer.Option(help="Write picture, asked and seen depth and their difference here.")
    ] = None,
    max_pixels: options.MaxPixels = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Estimate a picture's depth and compare it with the depth that was asked for.

    \b
    Examples:
      depthpaint verify output_images/a-red-sphere-12345.png
      depthpaint verify output_images/ --min-agreement 0.8
      depthpaint verify pictures/ --depth maps/ --json
      depthpaint verify photo.png --depth depth.png --estimator depth-anything-v2-small --maps checked
    """  # fmt: skip
    from depthpaint.cli.destination import probe
    from depthpaint.cli.looker import Looker, clip_judge
    from depthpaint.cli.painting import make_engine
    from depthpaint.verify.pairs import map_names, pairs_of

    pairs = pairs_of(images, depth)
    if maps is not None:
        probe(maps)
    looker = Looker(make_engine(), estimator, clip_judge(clip), maps, max_pixels=max_pixels)
    rows: list[dict[str, object]] = []
    failure: DepthpaintError | None = None
    with bar("verifying", len(pairs), quiet=quiet) as step:
        for pair, name in zip(pairs, map_names(pairs), strict=True):
            try:
                rows.append(looker.row(pair, name))
            except DepthpaintError as error:
                failure = error
                rows.append({"path": str(pair.image), "error": error.code.value, "why": str(error)})
                if len(pairs) > 1 and not as_json:
                    tell(f"depthpaint: error: {printable(str(pair.image))}: {error}")
            finally:
                step()
    for caution in sorted(looker.cautions):
        warn(caution, quiet=quiet)
    summary = _summary(rows)
    if as_json:
        emit_document({"images": rows, **({"summary": summary} if summary else {})})
    else:
        for row in rows:
            if "error" not in row:
                emit(_line(row))
        if summary:
            told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in summary.items())
            tell(told, quiet=quiet)
    if failure is not None and len(pairs) == 1:
        raise typer.Exit(failure.exit_status) if as_json else failure
    if any("error" in row or float(str(row["rank_correlation"])) < min_agreement for row in rows):
        raise typer.Exit(SOME_FAILED)


def _summary(rows: list[dict[str, object]]) -> dict[str, float]:
    """Of several pictures: how many there are, and how they agree."""
    import numpy as np

    found = [row for row in rows if "error" not in row]
    if len(found) < 2:
        return {}
    ranks = [float(str(row["rank_correlation"])) for row in found]
    details = [float(str(row["detail_correlation"])) for row in found]
    return {
        "pictures": len(found),
        "rank_correlation_median": round(float(np.median(ranks)), 4),
        "rank_correlation_5th_percentile": round(float(np.percentile(ranks, 5)), 4),
        "detail_correlation_median": round(float(np.median(details)), 4),
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
    told = f"{printable(str(row['path']))}: {scores} (by {row['estimator']})"
    if "clip" not in row:
        return told
    text = f"; text {row['clip_score']}" if "clip_score" in row else ";"
    return f"{told}{text}, quality {row['clip_iqa']} (by {row['clip']})".replace(";,", ";")
