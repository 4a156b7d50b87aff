"""`depthpaint bench`: what a picture costs in time, beside a peer."""

from __future__ import annotations

from typing import Annotated

import typer

from depthpaint.core.errors import ErrorCode, ParameterError


def bench(
    vs: Annotated[
        str | None, typer.Option(help="diffusers: paint beside it (extra: sd). pillow: read a large map.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Whole processes a side, after one warm-up.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON document alone.")] = False,
) -> None:
    """Time whole processes and loaded pictures; a table on stderr, one JSON document on stdout.

    Example: depthpaint bench --vs diffusers
    """
    from depthpaint.bench import command

    if vs not in (None, "diffusers", "pillow"):
        raise ParameterError(
            f"there is no peer '{vs}'",
            code=ErrorCode.INVALID_PARAMETER,
            value=vs,
            remedy="--vs diffusers, --vs pillow, or leave it out",
        )
    if vs == "pillow":
        command.bench_inspection(repeats, as_json)
    else:
        command.bench(vs, repeats, as_json)
