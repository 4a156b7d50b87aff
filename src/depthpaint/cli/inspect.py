"""`depthpaint inspect`: how depth files are understood, for people and for programs."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from depthpaint.cli import options
from depthpaint.cli.diagnosis import Diagnosis, in_full, one_line, table
from depthpaint.cli.remedies import for_command
from depthpaint.cli.terminal import bar, emit, emit_document, emit_path, inform
from depthpaint.core.errors import (
    STATUSES,
    DepthpaintError,
    ErrorCode,
    OutputError,
    ParameterError,
    number_text,
)
from depthpaint.core.files import is_folder, require_other_file, write_atomic
from depthpaint.depth.depth_map import DepthReading, DepthSource
from depthpaint.depth.export import ENDINGS, preview_path, preview_png, save_depth
from depthpaint.depth.read import Estimating, read_depth, read_source, require_certain
from depthpaint.depth.sequence import Together, frames_of, read_together
from depthpaint.request import reading_from

BAD_INPUT = STATUSES[ErrorCode.DEPTH_UNREADABLE][0]
IN_FULL = 3
"""Up to this number of files, each finding is printed with its evidence; more files make a table."""

As = Annotated[
    Path | None,
    typer.Option(
        "--as",
        metavar="OUT",
        help="Write the depth as it was understood: .png (16 bits), .npy or .exr. For several files: a "
        "folder with one of these endings, like depth.npy/.",
    ),
]
Preview = Annotated[
    bool,
    typer.Option("--preview", help="Save a picture of the depth beside each file, as NAME-understood.png."),
]

Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", rich_help_panel=options.OUTPUT_PANEL,
        help="Print nothing but errors, and the document of --json.",
    ),
]  # fmt: skip


@options.grouped
def inspect(
    depths: Annotated[
        list[Path],
        typer.Argument(metavar="DEPTH...", help="Depth maps. A folder is a sequence of frames; - is stdin."),
    ],
    settings: dict[str, object] = options.READING,
    preview: Preview = False,
    save_as: As = None,
    overwrite: options.Overwrite = False,
    as_json: options.AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show how each file is understood: format, near end, kind, range, holes. Nothing is painted.

    Exit status: 0 if all files are understood, 3 if one is not; its message names the flag that helps.

    \b
    Examples:
      depthpaint inspect depth.png --preview
      depthpaint inspect scans/*.png --json
      depthpaint inspect depth.exr --as depth16.png
      depthpaint inspect frames/ --as understood.png/
    """  # fmt: skip
    reading = reading_from(settings)
    estimate = _estimating(reading)
    subjects = _subjects(depths, reading, estimate, quiet=quiet)
    count = len(subjects)
    outputs = [_outputs(each.path, _target(each.path, save_as, count), preview=preview) for each in subjects]
    _require_separate_outputs([each.path for each in subjects], [path for each in outputs for path in each])
    diagnoses: list[Diagnosis] = []
    with bar("inspecting", count, quiet=quiet or as_json or count < IN_FULL) as step:
        for each in subjects:
            target = _target(each.path, save_as, count)
            diagnoses.append(_diagnosed(each, estimate, preview=preview, target=target, overwrite=overwrite))
            step()
    if as_json:
        emit_document({"files": [found.row() for found in diagnoses]})
    elif save_as is not None or quiet:
        for found in diagnoses:
            if found.written is not None and not quiet:
                emit_path(found.written)
            inform(one_line(found), quiet=quiet and found.error is None)
    else:
        emit(in_full(diagnoses) if len(diagnoses) <= IN_FULL else table(diagnoses))
    statuses = {found.error.exit_status for found in diagnoses if found.error is not None}
    if statuses:
        raise typer.Exit(statuses.pop() if len(statuses) == 1 else BAD_INPUT)


def _estimating(reading: DepthReading) -> Estimating | None:
    """What estimates the depth of photos. Models are imported only if there are photos."""
    if reading.from_photo is None:
        return None
    from depthpaint.cli import painting

    return painting.make_engine().estimate


@dataclass(frozen=True, slots=True)
class Subject:
    """A file to inspect, alone or as a frame of a sequence; or a folder that is none, with the error."""

    path: Path
    reading: DepthReading
    together: Together | None = None
    error: DepthpaintError | None = None

    def source(self, found: DepthSource) -> DepthSource:
        """How the file was understood."""
        return found if self.together is None else self.together.source(found)


def _subjects(
    depths: list[Path], reading: DepthReading, estimate: Estimating | None, *, quiet: bool
) -> list[Subject]:
    """Each file and how to read it. All files of a folder are read in the same way."""
    subjects: list[Subject] = []
    for path in depths:
        if not is_folder(path):
            subjects.append(Subject(path, reading))
            continue
        try:
            subjects += _frames(path, reading, estimate, quiet=quiet)
        except DepthpaintError as error:
            subjects.append(Subject(path, reading, error=error))
    return subjects


def _frames(
    folder: Path, reading: DepthReading, estimate: Estimating | None, *, quiet: bool
) -> list[Subject]:
    """The frames of a folder that is one sequence."""
    frames = frames_of(folder)
    with bar(f"{folder}: one range for all", len(frames), quiet=quiet) as step:
        together = read_together(
            frames, reading, lambda _number: step(), lambda frame, how: read_source(frame, how, estimate)
        )
    flags = _flags_of(together.reading)
    inform(f"{folder}: {len(frames)} frames as one sequence; {flags}", quiet=quiet)
    return [Subject(frame, together.reading, together) for frame in frames]


def _flags_of(shared: DepthReading) -> str:
    """The flags that read a single frame in the same way as the sequence."""
    span = (
        f" --range {number_text(shared.range[0], 6)}:{number_text(shared.range[1], 6)}"
        if isinstance(shared.range, tuple)
        else ""
    )
    return f"each is read with --near {shared.near} --kind {shared.kind}{span}"


def _diagnosed(
    each: Subject, estimate: Estimating | None, *, preview: bool, target: Path | None, overwrite: bool
) -> Diagnosis:
    path, source = each.path, None
    try:
        if each.error is not None:
            raise each.error
        if target is None and not preview:
            source = each.source(read_source(path, each.reading, estimate))
            require_certain(source)
            return Diagnosis(path, source, None, None)
        depth = read_depth(path, each.reading, estimate)
        source = each.source(depth.source)
        require_certain(source)
        written = None if target is None else save_depth(depth, target, overwrite=overwrite)
        if preview:
            write_atomic(preview_path(path), preview_png(depth), overwrite=overwrite)
        return Diagnosis(path, source, None, written)
    except DepthpaintError as error:
        if error.code is ErrorCode.DEPTH_CONSTANT and each.error is None:
            source = _flat(each, estimate)
        return Diagnosis(path, source, for_command(error), None)


def _flat(each: Subject, estimate: Estimating | None) -> DepthSource | None:
    """A map that is the same everywhere, to show what else is known of it; None if it cannot be read."""
    try:
        flat = each.reading.model_copy(update={"allow_constant": True})
        return each.source(read_source(each.path, flat, estimate))
    except DepthpaintError:
        return None


def _outputs(path: Path, target: Path | None, *, preview: bool) -> list[Path]:
    """The files that are written for a depth map."""
    return [*([target] if target else []), *([preview_path(path)] if preview else [])]


def _require_separate_outputs(inputs: list[Path], outputs: list[Path]) -> None:
    """Raise OutputError if an output would replace an input or another output."""
    there = [path for path in outputs if os.path.lexists(path)]
    for output in there:
        for source in inputs:
            require_other_file(output, source)
    twice = next((path for path, count in Counter(outputs).items() if count > 1), None)
    if twice is not None:
        raise OutputError(
            f"two depth maps would be written to {twice}",
            code=ErrorCode.OUTPUT_EXISTS,
            value=str(twice),
            remedy="inspect them in separate runs, with a folder each",
        )


def _target(path: Path, wanted: Path | None, count: int) -> Path | None:
    """The output for a depth map: `wanted` itself, or a file of the same name in the folder `wanted`."""
    if wanted is None:
        return None
    if count == 1 and not is_folder(wanted):
        return wanted
    ending = wanted.suffix.lower()
    if ending not in ENDINGS:
        raise ParameterError(
            f"the format for {count} files is not clear from '{wanted}'",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="give a folder with a format as its ending, like depth.npy/",
            value=str(wanted),
        )
    return wanted / f"{path.stem}{ending}"
