"""`depthpaint inspect`: what depth files really hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from depthpaint.cli.terminal import emit, emit_document, tell
from depthpaint.core.errors import DepthpaintError

if TYPE_CHECKING:
    from depthpaint.depth.depth_map import DepthSource


def inspect(
    depths: Annotated[list[Path], typer.Argument(metavar="DEPTH...", help="Depth maps to look at.")],
    near: Annotated[str, typer.Option(help="Which end is near: white or black.")] = "white",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say what each file is, what was found in it, and what to do about it.

    Example: depthpaint inspect scans/*.png --json
    """
    from depthpaint.depth.read import read_depth
    from depthpaint.inputs.request import request_from

    rows: list[dict[str, object]] = []
    failure: DepthpaintError | None = None
    for path in depths:
        try:
            request = request_from({"depth": path, "prompt": "", "near": near})
            source = read_depth(path, near=request.near, allow_constant=True).source
        except DepthpaintError as error:
            failure = error
            rows.append({"path": str(path), "error": error.code.value, "advice": [str(error)]})
            if not as_json:
                tell(str(error))
            continue
        rows.append(_row(source))
        if not as_json:
            _print(source)
    if as_json:
        emit_document({"files": rows})
    if failure is not None:
        raise typer.Exit(failure.exit_status)


def _row(source: DepthSource) -> dict[str, object]:
    return {
        "path": source.path,
        "format": source.format,
        "size": str(source.size),
        "bits": source.container_bits,
        "bits_used": source.bits_used,
        "levels": source.levels,
        "range": list(source.raw_range),
        "colour_map": source.colour_map,
        "near": source.near,
        "kind": "relative",
        "invalid": round(source.invalid_share, 6),
        # Only what was inferred has one; which side is near is told, not inferred, so far.
        "confidence": {"colour_map": round(source.colour_map_confidence, 4)},
        "sha256": source.sha256,
        "advice": [*source.notes, *advice(source)],
    }


def advice(source: DepthSource) -> list[str]:
    """What a person should do about a map, if anything."""
    found: list[str] = []
    if source.levels <= 64:
        found.append(
            f"only {source.levels} different depths: expect steps; export 16 bits or floats if you can"
        )
    if min(source.size) < 128:
        found.append("a small map: edges will be soft in larger pictures")
    return found


def _print(source: DepthSource) -> None:
    from depthpaint.cli.painting import describe

    emit(f"{source.path}\n  {describe(source).removeprefix('depth: ')}; {source.levels} levels")
    for line in (*source.notes, *advice(source)):
        emit(f"  {line}")
