"""`depthpaint batch`: paint every row of a manifest, one picture or more per row."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from depthpaint.batch.contact_sheet import require_sheet, write_sheets
from depthpaint.batch.ledger import rebuild, require_undamaged
from depthpaint.batch.own_file import require_own_files, table_path
from depthpaint.batch.painting import Painters, Stopped
from depthpaint.batch.ray_painters import painters_of
from depthpaint.batch.run import Batch
from depthpaint.batch.survey import Readiness, Rehearsal, Survey, survey
from depthpaint.cli import options, painting
from depthpaint.cli.batch_output import BatchOutput
from depthpaint.cli.batch_task import Task, task_of
from depthpaint.cli.config import OUT_FOLDER
from depthpaint.cli.options import RayCluster
from depthpaint.cli.terminal import inform
from depthpaint.core.errors import SOME_FAILED, Cancelled, ErrorCode, status_after
from depthpaint.core.files import replace_own, require_own
from depthpaint.models.painter import Runtime
from depthpaint.record.flat_table import csv_of, is_table
from depthpaint.record.paths import probe
from depthpaint.verification.choosing import Requirement

TASK = options.group_of(task_of)
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
    task: Task = TASK,
    out: options.Out = OUT_FOLDER,
    keep_going: KeepGoing = False,
    overwrite: Overwrite = False,
    rebuild_ledger: RebuildLedger = False,
    ray: RayCluster = options.RAY,
    required: Requirement | None = options.REQUIREMENT,
    runtime: Runtime = options.RUNTIME,
    table: Annotated[
        bool,
        typer.Option(
            "--csv",
            rich_help_panel=options.OUTPUT_PANEL,
            help="Also write results.csv: a line for each picture, with settings and scores.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check all rows and read all depth maps; paint nothing.")
    ] = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Paint every row of a manifest. Run it again to paint only what is missing or has changed.

    Columns are depth, prompt, name (of the picture's file) and every setting; --columns lists them. Settings
    given as options apply to rows without a value of their own.

    \b
    Examples:
      depthpaint batch prompts.csv --out pictures
      depthpaint batch maps/ --prompt "a room" --seeds 4
      depthpaint batch maps/ --prompt "a room" --grid guidance=1,2,3 --grid strength=0.6,0.8,1
      depthpaint batch rows.jsonl --model sd15 --steps 20 --keep-going
      depthpaint batch rows.parquet --shard 2/8 --out /shared/pictures
      depthpaint batch rows.csv --min-agreement 0.6 --tries 4 --out verified
      depthpaint batch rows.csv --ray local --workers 4
    """  # fmt: skip
    rows, defaults = task.rows, task.defaults
    output = BatchOutput(rows, quiet=quiet, as_json=as_json)
    require_own_files(out, rows)
    probe(out)
    table_file = table_path(out, rows.shard)
    if table:
        require_own(table_file, is_table)
    if rows.grid.axes:
        require_sheet(out, rows.shard)
    engine = painting.make_engine(runtime)
    check = Rehearsal(engine, out, required, overwrite=overwrite) if dry_run else None
    if check is None and ray.address is None:  # on Ray, models need not be on this machine
        check = Readiness(engine, required)
    found = survey(rows, defaults, check, out)
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
    if table:
        replace_own(table_file, csv_of(work.records()), is_table)
        output.file(table_file)
    if rows.grid.axes:
        output.sheets(write_sheets(rows, defaults, out, required))
    output.end(work.tally, work.orphans())
    output.document(found, work.tally)
    if work.tally.failed or work.tally.bad_rows or work.tally.below:
        raise typer.Exit(SOME_FAILED)


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
