"""What `depthpaint batch` is to paint: its rows, their settings, and the grid that repeats them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from depthpaint.batch.grid import grid_of
from depthpaint.batch.manifest import Manifest, Shard
from depthpaint.batch.rows import NAME
from depthpaint.cli import options
from depthpaint.cli.config import user_config
from depthpaint.cli.picture_format import CHOICE
from depthpaint.cli.terminal import as_utf8, emit
from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.core.setting import settings_of
from depthpaint.record.file_format import FormatChoice
from depthpaint.request import Request, by_field, field_of

_OWN_COLUMNS = {
    "depth": "The depth map. Relative paths start at the folder of the manifest.",
    "prompt": "What is in the picture.",
    NAME: "Name of the picture's file. Default: map, prompt, seed and a key.",
}


@dataclass(frozen=True, slots=True)
class Task:
    """The rows, and the values of fields that rows leave open."""

    rows: Manifest
    defaults: dict[str, object]


SETTINGS = options.settings_group(without=("count",))


def columns() -> dict[str, str]:
    """The columns of a manifest, and what each is."""
    found = dict(_OWN_COLUMNS)
    for name, setting in settings_of(Request).items():
        flag = setting.flag_of(name)[2:]
        also = "" if flag in (name, name.replace("_", "-")) else f" Also called {flag}."
        found[name] = f"{setting.help} {options.default_of(name, setting)}".rstrip() + also
    return found


def _print_columns(wanted: bool) -> None:
    if wanted:
        for name, text in columns().items():
            emit(f"{name:20} {text}")
        raise typer.Exit


def task_of(
    manifest: Annotated[
        Path,
        typer.Argument(
            metavar="MANIFEST",
            help="CSV, JSONL or Parquet file; or a folder of depth maps, each with its prompt (name.png and "
            "name.txt) or with --prompt.",
        ),
    ],
    list_columns: Annotated[
        bool,
        typer.Option(
            "--columns", is_eager=True, callback=_print_columns, help="List the columns of a manifest."
        ),
    ] = False,
    prompt: Annotated[
        str | None, typer.Option(help="The prompt of rows, or of maps in a folder, without their own.")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds", "--count", min=1, max=1000, metavar="N",
            help="Pictures of each row; the seed grows by 1 with each.",
        ),
    ] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=A,B,...",
            help="Paint each row with each of these values, and a labelled contact sheet. Repeat for the "
            "product of several fields.",
        ),
    ] = None,
    shard: Annotated[
        str,
        typer.Option(
            metavar="I/N", help="Split the rows into N parts and paint part I: every N-th row from row I."
        ),
    ] = "1/1",
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="The same as the option of the field, for scripts. Repeat for more fields.",
        ),
    ] = None,
    settings: dict[str, object] = SETTINGS,
    choice: FormatChoice = CHOICE,
) -> Task:  # fmt: skip
    """The rows to paint and their settings. Raises ParameterError."""
    del list_columns
    own = {"prompt": None if prompt is None else as_utf8(prompt), "count": seeds}
    given = {**settings, **{name: value for name, value in own.items() if value is not None}}
    for name, value in by_field(_set_of(setting or [])).items():
        if name in given:
            raise _usage(f"{name} is given twice, by --set and by its option", "give it once")
        given[name] = value
    points = grid_of(grid or [])
    swept = {axis.field for axis in points.axes}
    for name in swept & given.keys():
        raise _usage(f"{name} is given twice, by --grid and by its option", "give it once")
    lone_maps = "prompt" in swept | given.keys()
    rows = Manifest(manifest, shard_of(shard), points, lone_maps, choice)
    return Task(rows, {**user_config().settings(), **given})


def _set_of(texts: list[str]) -> dict[str, object]:
    """The fields of --set, by name. Raises ParameterError for what is not FIELD=VALUE."""
    values: dict[str, object] = {}
    for text in texts:
        field, equals, value = as_utf8(text).partition("=")
        named = [field_of(each) for each in values]
        if not equals or field_of(field) in (None, "depth", *named):
            raise _usage(
                f"--set {text!r} cannot be used",
                "write --set model=sd15, for example, each field once; --columns lists the fields",
            )
        values[field] = value
    return values


def shard_of(text: str) -> Shard:
    """The part of the rows that I/N names. Raises ParameterError."""
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    shard = Shard(int(match[1]), int(match[2])) if match else Shard(0, 0)
    if not 1 <= shard.index <= shard.of:
        raise _usage(f"--shard {text!r} is not a part of the rows", "for four parts: 1/4, 2/4, 3/4 and 4/4")
    return shard


def _usage(message: str, remedy: str) -> ParameterError:
    return ParameterError(message, code=ErrorCode.INVALID_PARAMETER, remedy=remedy)
