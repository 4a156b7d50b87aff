"""Paint a request into files: shared by the commands that paint."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from depthpaint.cli.terminal import inform, step_bar, warn
from depthpaint.core.errors import ErrorCode, OutputError, ParameterError, number_text, printable
from depthpaint.core.files import is_full, make_folder, require_other_file, require_short_name, write_atomic
from depthpaint.depth.depth_map import DepthSource
from depthpaint.engine import Engine
from depthpaint.models.painter import Painter, Runtime
from depthpaint.picture import Progress
from depthpaint.record.paths import SUFFIX, picture_names
from depthpaint.record.picture_file import SavedPicture, checked_name, encode_png
from depthpaint.record.result import Result, save_picture
from depthpaint.request import Request
from depthpaint.verification.choosing import Requirement, choose_each

PREVIEW = "-step-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where pictures are saved. `preview_every` is a number of steps; 0 means no previews."""

    folder: Path
    name: str | None = None
    overwrite: bool = False
    sidecar: bool = False
    preview_every: int = 0

    def preview(self, stem: str, step: int) -> Path:
        """The file of a preview of the picture `stem` after `step` steps."""
        return self.folder / f"{stem}{PREVIEW}{step:03d}.png"


def stems(request: Request, destination: Destination) -> list[str] | None:
    """The stem of each picture's files, or None if each picture gets a free name when it is saved.

    Previews are saved before their picture and have its name, so with previews the names are chosen first.
    Raises OutputError for a name that is not a plain one.
    """
    if destination.name is not None:
        stem = checked_name(destination.name)[: -len(SUFFIX)]
        count = len(request.seeds)
        return [stem] if count == 1 else [f"{stem}-{k + 1}" for k in range(count)]
    if not destination.preview_every:
        return None

    def taken(name: str) -> bool:
        return not destination.overwrite and bool(_occupied(destination, name[: -len(SUFFIX)]))

    return [name[: -len(SUFFIX)] for name in picture_names(request.prompt, request.seeds, taken)]


def check_destination(request: Request, destination: Destination) -> list[str] | None:
    """Check that pictures can be saved, and return the `stems`. No file is left behind.

    Raises OutputError for a folder that cannot be written, a bad name, and a name that is in use.
    """
    probe(destination.folder)
    names = stems(request, destination)
    for stem in names or ():
        longest = destination.preview(stem, 1000).name if destination.preview_every else f"{stem}.json"
        require_short_name(longest)
        there = _occupied(destination, stem)
        for path in there:
            require_other_file(path, request.depth)
        if there and not destination.overwrite:
            found = there[0]
            raise OutputError(
                f"{found} exists already",
                code=ErrorCode.OUTPUT_EXISTS,
                value=str(found),
                remedy="choose another --name, or add --overwrite",
            )
    return names


def refusal(folder: Path, error: OSError | ValueError) -> OutputError:
    """The error for a folder that cannot be written."""
    reason = error.strerror if isinstance(error, OSError) else error
    return OutputError(
        f"cannot write into {folder}: {reason}",
        code=ErrorCode.DISK_FULL if is_full(error) else ErrorCode.OUTPUT_NOT_WRITABLE,
        value=str(folder),
        remedy="choose another folder with --out",
    )


def _occupied(destination: Destination, stem: str) -> list[Path]:
    """The files that a picture of this stem would replace."""
    folder = destination.folder
    files = [folder / f"{stem}.png"]
    if destination.sidecar:
        files.append(folder / f"{stem}.json")
    if destination.preview_every:
        files += folder.glob(f"{glob.escape(stem)}{PREVIEW}*.png")
    # lexists: a broken link also occupies its name.
    return [path for path in files if os.path.lexists(path)]


def probe(folder: Path) -> None:
    """Write into the folder, or into its nearest existing parent. Permission bits miss read-only disks."""
    try:
        nearest = next((part for part in (folder, *folder.parents) if _there(part)), Path())
        # An empty file, deleted when it is closed.
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except (OSError, ValueError) as error:  # ValueError: the path holds NUL or cannot be encoded
        raise refusal(folder, error) from error


def _there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def make_engine(runtime: Runtime | None = None) -> Engine:
    """The engine that commands paint with."""
    return Engine(runtime=runtime)


def paint_into(
    request: Request,
    destination: Destination,
    *,
    quiet: bool,
    depth_shown: bool = False,
    runtime: Runtime | None = None,
    required: Requirement | None = None,
    loading: Future[Painter] | None = None,
) -> Generator[tuple[Result, SavedPicture]]:
    """Paint the pictures of `request` one by one, save each at once, and yield it with its result.

    Errors that can be found early are raised before painting. If `depth_shown`, how the depth was understood
    has been printed already. With `required` each picture is verified, and other seeds are tried. `loading`
    is the painter of the request's model, if it is being loaded.
    """
    if required is not None and required.tries > 1 and destination.preview_every:
        raise ParameterError(
            "--preview-every cannot be used when several seeds are tried",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="leave out --preview-every, or try one seed",
        )
    names = check_destination(request, destination)
    engine = make_engine(runtime)
    if required is not None:
        engine.require_ready(request.choice, required.estimator)
    if loading is not None:
        engine.expect(request.choice, loading)
    warned: set[str] = set()
    with step_bar(quiet=quiet) as show:

        def listen(progress: Progress) -> None:
            show(progress)
            if names and destination.preview_every and progress.step % destination.preview_every == 0:
                _save_preview(progress, names[progress.picture - 1], destination)

        index = 0  # not enumerate: it keeps a picture while the next one is painted
        for result in _results(engine, request, required, listen):
            if index == 0:
                _print_first(request, result, quiet=quiet, depth_shown=depth_shown)
                warned.update(result.depth.notes if depth_shown else ())
            for warning in result.warnings:
                if warning not in warned:
                    warned.add(warning)
                    warn(warning, quiet=quiet)
            saved = save_picture(
                result,
                0,
                destination.folder,
                overwrite=destination.overwrite,
                name=names[index] if names else None,
                sidecar=destination.sidecar,
            )
            yield result, saved
            del result, saved
            index += 1


def _results(
    engine: Engine, request: Request, required: Requirement | None, listen: Callable[[Progress], None]
) -> Generator[Result]:
    """A result for each picture, as soon as it is painted."""
    if required is None:
        return engine.pictures(engine.prepare(request), listen)

    return choose_each(engine, request, required, listen)


def _print_first(request: Request, first: Result, *, quiet: bool, depth_shown: bool) -> None:
    """Print how the depth was understood, and the prompt if it was extended."""
    inform(describe(first.depth), quiet=quiet or depth_shown)
    if (prompt := first.plan.prompts[0]) != request.prompt:
        others = ", other seeds in other colours" if len(request.seeds) > 1 else ""
        inform(f'prompt painted: "{printable(prompt)}"{others} (--no-expand: unchanged)', quiet=quiet)


def describe(source: DepthSource) -> str:
    """How the depth file was understood, in one line."""
    low, high = source.used_range
    kind = f"{source.format.upper()}, {source.bits_used} of {source.container_bits} bits used"
    colours = "" if source.colour_map == "gray" else f", colours of {source.colour_map} decoded"
    holes = f", {source.invalid_share:.1%} without depth" if source.invalid_share else ""
    near = source.finding("near")
    sure = f" ({near.confidence:.0%} sure)" if near is not None and near.confidence < 1 else ""
    meaning = f"{source.kind} from {number_text(low)} to {number_text(high)}, {source.near} is near{sure}"
    return f"depth: {source.size}, {kind}{colours}{holes}; {meaning}"


def _save_preview(progress: Progress, stem: str, destination: Destination) -> None:

    make_folder(destination.folder)
    path = destination.preview(stem, progress.step)
    write_atomic(path, encode_png(progress.preview(), {}), overwrite=destination.overwrite)
