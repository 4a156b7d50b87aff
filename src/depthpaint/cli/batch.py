"""`depthpaint batch`: many rows, one picture or more for each."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Annotated

import typer

from depthpaint.batch.ledger import rebuild, require_undamaged
from depthpaint.batch.manifest import Manifest, Shard
from depthpaint.batch.own_file import require_own_files
from depthpaint.batch.painting import Painters, Stopped
from depthpaint.batch.ray_painters import painters_of, require_ray_for
from depthpaint.batch.run import Batch
from depthpaint.batch.survey import Rehearsal, Survey, survey
from depthpaint.cli import options, painting
from depthpaint.cli.batch_telling import Telling
from depthpaint.cli.config import OUT_FOLDER, user_config
from depthpaint.cli.painting import probe
from depthpaint.cli.terminal import as_utf8, emit, emit_document, tell
from depthpaint.core.errors import Cancelled, ErrorCode, ParameterError, status_after
from depthpaint.models.painter import Runtime
from depthpaint.verification.choosing import Wish

SOME_FAILED = 4


@options.grouped
def batch(  # noqa: PLR0913 - one parameter a flag
    manifest: Annotated[
        Path,
        typer.Argument(metavar="MANIFEST", help="CSV, JSONL, Parquet, or a folder of name.png + name.txt."),
    ],
    out: options.Out = OUT_FOLDER,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="FIELD=VALUE", help="For rows that say nothing of FIELD; several times."
        ),
    ] = None,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Paint every N-th row, beginning with row I.")
    ] = "1/1",
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Paint the other rows if some are wrong; exit 4.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that no batch painted, or that were edited.")
    ] = False,
    rebuild_ledger: Annotated[
        bool, typer.Option("--rebuild-ledger", help="First write records.jsonl anew from the pictures.")
    ] = False,
    ray: options.Ray = None,
    workers: options.Workers = None,
    wish: Wish | None = options.WISH,
    runtime: Runtime = options.RUNTIME,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check all rows and read all depth maps; paint nothing.")
    ] = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Paint every row of a manifest; run again, it paints what is missing or has changed.

    Columns are the fields of a request: depth, prompt, seed, size, ...; 'name' names the picture.

    \b
    Examples:
      depthpaint batch prompts.csv --out pictures
      depthpaint batch rows.jsonl --set model=sd15 --set num_inference_steps=20 --keep-going
      depthpaint batch rows.parquet --shard 2/8 --out /shared/pictures
      depthpaint batch rows.csv --min-agreement 0.9 --tries 4 --out verified
      depthpaint batch maps/ --ray local --workers 4
    """  # fmt: skip
    require_ray_for(workers, ray)
    rows = Manifest(manifest, shard_of(shard))
    defaults = {**user_config().settings(), **defaults_of(setting or [])}
    telling = Telling(rows, quiet=quiet, as_json=as_json)
    require_own_files(out, rows)
    probe(out)
    engine = painting.make_engine(runtime)
    rehearsal = Rehearsal(engine, out, wish, overwrite=overwrite) if dry_run else None
    found = survey(rows, defaults, rehearsal, out)
    if found.bad_rows:
        telling.problems(found)
        if dry_run or not keep_going:
            if as_json:
                emit_document(telling.document(found))
            raise typer.Exit(found.problems[0].error.exit_status)
    if dry_run:
        if not rebuild_ledger:
            require_undamaged(out, rows.shard)
        if as_json:
            emit_document(telling.document(found))
        else:
            emit(f"{found.rows:,} rows, {found.pictures:,} pictures")
        return
    if rebuild_ledger:
        tell(f"the ledger was written anew from {rebuild(out)} pictures", quiet=quiet)
    work = Batch(rows, defaults, out, telling.listener, overwrite=overwrite, wish=wish)
    with painters_of(ray, workers, engine) as painters:
        _paint(work, found, telling, painters)
    telling.end(work.tally, work.orphans())
    if as_json:
        emit_document(telling.document(found, work.tally))
    if work.tally.failed or work.tally.bad_rows or work.tally.below:
        raise typer.Exit(SOME_FAILED)


def shard_of(text: str) -> Shard:
    """The part of the rows that I/N names. Raises ParameterError."""
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    shard = Shard(int(found[1]), int(found[2])) if found else Shard(0, 0)
    if not 1 <= shard.index <= shard.of:
        raise _usage(f"--shard {text!r} is no part of the rows", "say for example 1/4, 2/4, 3/4 and 4/4")
    return shard


def defaults_of(several: list[str]) -> dict[str, object]:
    """What --set says, by field. Raises ParameterError for what is no FIELD=VALUE."""
    found: dict[str, object] = {}
    for text in several:
        field, equals, value = as_utf8(text).partition("=")
        if not equals or field in ("", "depth", "name") or field in found:
            raise _usage(f"--set {text!r} sets nothing", "say for example --set model=sd15, each field once")
        found[field] = value
    return found


def _paint(batch: Batch, found: Survey, telling: Telling, painters: Painters) -> None:

    try:
        with telling.painting(found):
            batch.run(painters, found)
    except Stopped as stopped:
        tally = batch.tally
        told = f"stopped after {tally.done:,} of {found.pictures:,} pictures"
        remedy = "run the same command again to go on from there"
        if stopped.number == signal.SIGINT:
            raise Cancelled(told, code=ErrorCode.CANCELLED, remedy=remedy) from stopped
        tell(f"depthpaint: {told}; {remedy}")
        raise typer.Exit(status_after(stopped.number)) from stopped


def _usage(message: str, remedy: str) -> ParameterError:
    return ParameterError(message, code=ErrorCode.INVALID_PARAMETER, remedy=remedy)
