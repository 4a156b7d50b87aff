"""`depthpaint inspect`: what depth files really hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from depthpaint.cli.terminal import emit, emit_document, tell
from depthpaint.core.errors import STATUSES, DepthpaintError, ErrorCode, printable

if TYPE_CHECKING:
    from depthpaint.depth.depth_map import DepthSource

TITLES = ("file", "size", "format", "bits", "levels", "range", "colours", "near", "without depth")
BAD_INPUT = STATUSES[ErrorCode.DEPTH_UNREADABLE][0]


def inspect(
    depths: Annotated[list[Path], typer.Argument(metavar="DEPTH...", help="Depth maps to look at.")],
    near: Annotated[str, typer.Option(help="Which end is near: white or black.")] = "white",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say what each file is, what was found in it, and what to do about it.

    \b
    Examples:
      depthpaint inspect depth.png
      depthpaint inspect scans/*.png --json
    """  # fmt: skip
    from depthpaint.depth.read import read_depth
    from depthpaint.inputs.request import request_from

    side = request_from({"depth": depths[0], "prompt": "", "near": near}).near
    rows: list[dict[str, object]] = []
    sources: list[DepthSource] = []
    statuses: set[int] = set()
    for path in depths:
        try:
            source = read_depth(path, near=side, allow_constant=True).source
        except DepthpaintError as error:
            statuses.add(error.exit_status)
            rows.append({"path": str(path), "error": error.code.value, "advice": [str(error)]})
            if not as_json:
                tell(f"depthpaint: error: {error}")
            continue
        rows.append(_row(source))
        sources.append(source)
    if as_json:
        emit_document({"files": rows})
    elif sources:
        _print(sources)
    if statuses:
        raise typer.Exit(statuses.pop() if len(statuses) == 1 else BAD_INPUT)


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


def _print(sources: list[DepthSource]) -> None:
    """One line a file under one line of titles, and below what is to be said of each."""
    table = [TITLES, *map(_cells, sources)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        emit("  ".join(map(str.ljust, cells, widths)).rstrip())
    for source in sources:
        for line in (*source.notes, *advice(source)):
            emit(f"{printable(source.path)}: {line}")


def _cells(source: DepthSource) -> tuple[str, ...]:
    low, high = source.raw_range
    bits = f"{source.bits_used} of {source.container_bits}"
    return (
        printable(source.path), str(source.size), source.format.upper(), bits, str(source.levels),
        f"{low:g} to {high:g}", source.colour_map, source.near, f"{source.invalid_share:.1%}",
    )  # fmt: skip
