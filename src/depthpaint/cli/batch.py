"""`depthpaint batch`: paint every row of a manifest, one picture or more per row."""

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
from depthpaint.batch.ray_painters import painters_of
from depthpaint.batch.run import Batch
from depthpaint.batch.survey import Rehearsal, Survey, survey
from depthpaint.cli import options, painting
from depthpaint.cli.batch_output import BatchOutput
from depthpaint.cli.config import OUT_FOLDER, user_config
from depthpaint.cli.options import RayCluster
from depthpaint.cli.terminal import as_utf8, inform
from depthpaint.core.errors import SOME_FAILED, Cancelled, ErrorCode, ParameterError, status_after
from depthpaint.models.painter import Runtime
from depthpaint.record.paths import probe
from depthpaint.verification.choosing import Requirement


def rows_of(
    manifest: Annotated[
        Path,
        typer.Argument(
            metavar="MANIFEST",
            help="CSV, JSONL or Parquet file, or a folder of depth maps, each with its prompt: "
            "name.png + name.txt.",
        ),
    ],
    shard: Annotated[
        str,
        typer.Option(
            metavar="I/N", help="Split the rows into N parts and paint part I: every N-th row from row I."
        ),
    ] = "1/1",
) -> Manifest:
    """The rows to paint. Raises ParameterError."""
    return Manifest(manifest, shard_of(shard))


def defaults_of(
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="Value of FIELD in rows without one of their own. Repeat for more fields.",
        ),
    ] = None,
) -> dict[str, object]:
    """The fields of --set, by name. Raises ParameterError for what is not FIELD=VALUE."""
    values: dict[str, object] = {}
    for text in setting or []:
        field, equals, value = as_utf8(text).partition("=")
        if not equals or field in ("", "depth", "name") or field in values:
            raise _usage(
                f"--set {text!r} cannot be used", "write --set model=sd15, for example, each field once"
            )
        values[field] = value
    return values


ROWS, DEFAULTS = options.group_of(rows_of), options.group_of(defaults_of)
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", help="Skip rows with errors, paint the others, and exit with 4.")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Also replace files that no batch painted, and edited pictures.")
]
RebuildLedger = Annotated[
    bool,
    typer.Option("--rebuild-ledger", help="First rebuild records.jsonl from the records in the pictures."),
]


@options.grouped
def batch(  # noqa: PLR0913 - one parameter an option or a group of options
    rows: Manifest = ROWS,
    out: options.Out = OUT_FOLDER,
    defaults: dict[str, object] = DEFAULTS,
    keep_going: KeepGoing = False,
    overwrite: Overwrite = False,
    rebuild_ledger: RebuildLedger = False,
    ray: RayCluster = options.RAY,
    required: Requirement | None = options.REQUIREMENT,
    runtime: Runtime = options.RUNTIME,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check all rows and read all depth maps; paint nothing.")
    ] = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Paint every row of a manifest. Run it again to paint only what is missing or has changed.

    Columns are fields of a request: depth, prompt, seed, size, ...; 'name' is the picture's file name.

    \b
    Examples:
      depthpaint batch prompts.csv --out pictures
      depthpaint batch rows.jsonl --set model=sd15 --set num_inference_steps=20 --keep-going
      depthpaint batch rows.parquet --shard 2/8 --out /shared/pictures
      depthpaint batch rows.csv --min-agreement 0.6 --tries 4 --out verified
      depthpaint batch maps/ --ray local --workers 4
    """  # fmt: skip
    defaults = {**user_config().settings(), **defaults}
    output = BatchOutput(rows, quiet=quiet, as_json=as_json)
    require_own_files(out, rows)
    probe(out)
    engine = painting.make_engine(runtime)
    rehearsal = Rehearsal(engine, out, required, overwrite=overwrite) if dry_run else None
    found = survey(rows, defaults, rehearsal, out)
    if found.bad_rows:
        output.problems(found)
        if dry_run or not keep_going:
            output.document(found)
            raise typer.Exit(found.problems[0].error.exit_status)
    if dry_run:
        if not rebuild_ledger:
            require_undamaged(out, rows.shard)
        output.plan(found)
        return
    if rebuild_ledger:
        inform(f"records.jsonl was rebuilt from {rebuild(out)} pictures", quiet=quiet)
    work = Batch(rows, defaults, out, output.listener, overwrite=overwrite, required=required)
    with painters_of(ray.address, ray.workers, engine) as painters:
        _paint(work, found, output, painters)
    output.end(work.tally, work.orphans())
    output.document(found, work.tally)
    if work.tally.failed or work.tally.bad_rows or work.tally.below:
        raise typer.Exit(SOME_FAILED)


def shard_of(text: str) -> Shard:
    """The part of the rows that I/N names. Raises ParameterError."""
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    shard = Shard(int(match[1]), int(match[2])) if match else Shard(0, 0)
    if not 1 <= shard.index <= shard.of:
        raise _usage(f"--shard {text!r} is not a part of the rows", "for four parts: 1/4, 2/4, 3/4 and 4/4")
    return shard


def _paint(batch: Batch, found: Survey, output: BatchOutput, painters: Painters) -> None:

    try:
        with output.painting(found):
            batch.run(painters, found)
    except Stopped as stopped:
        progress = f"stopped after {batch.tally.done:,} of {found.pictures:,} pictures"
        remedy = "run the same command again to continue"
        if stopped.number == signal.SIGINT:
            raise Cancelled(progress, code=ErrorCode.CANCELLED, remedy=remedy) from stopped
        inform(f"depthpaint: {progress}; {remedy}")
        raise typer.Exit(status_after(stopped.number)) from stopped


def _usage(message: str, remedy: str) -> ParameterError:
    return ParameterError(message, code=ErrorCode.INVALID_PARAMETER, remedy=remedy)
