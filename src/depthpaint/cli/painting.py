"""Paint a request into files: shared by the commands that paint."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future

from depthpaint.cli.terminal import inform, step_bar, warn
from depthpaint.core.errors import ErrorCode, ParameterError, number_text, printable
from depthpaint.core.files import make_folder, write_atomic
from depthpaint.depth.depth_map import DepthSource
from depthpaint.engine import Engine
from depthpaint.models.painter import Painter, Runtime
from depthpaint.picture import Progress
from depthpaint.record.paths import Destination, check_destination
from depthpaint.record.picture_file import SavedPicture, encode_png
from depthpaint.record.result import Result, save_picture
from depthpaint.request import Request
from depthpaint.verification.choosing import Requirement, choose_each


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
