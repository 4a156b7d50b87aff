"""From a request to files: what `generate` and the interactive mode share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from depthpaint.cli.destination import Destination, check_destination
from depthpaint.cli.terminal import step_bar, tell, warn
from depthpaint.core.errors import ErrorCode, ParameterError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import Future

    from depthpaint.depth.depth_map import DepthSource
    from depthpaint.engine import Engine, Progress
    from depthpaint.models.painter import Painter
    from depthpaint.models.runtime import Runtime
    from depthpaint.record.picture_file import SavedPicture
    from depthpaint.record.result import GenerationResult
    from depthpaint.request import Request
    from depthpaint.verify.choosing import Wish


def make_engine(runtime: Runtime | None = None) -> Engine:
    """The engine that commands paint with."""
    from depthpaint.engine import Engine

    return Engine(runtime=runtime)


def paint_into(
    request: Request,
    destination: Destination,
    *,
    quiet: bool,
    depth_told: bool = False,
    runtime: Runtime | None = None,
    wish: Wish | None = None,
    loading: Future[Painter] | None = None,
) -> Generator[tuple[GenerationResult, SavedPicture]]:
    """Paint every picture of `request`, save each when it is painted, and hand it over with its result.

    What can be refused is refused before painting. `depth_told` says that the person has seen how the depth
    was understood. With a `wish` each picture's depth is looked at, and other seeds are tried. `loading` is
    the painter of the request's model, if that is on its way.
    """
    from depthpaint.record.picture_file import save_picture

    if wish is not None and wish.tries > 1 and destination.preview_every:
        raise ParameterError(
            "previews of pictures that may not be kept are not saved",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="leave out --preview-every, or try one seed only",
        )
    names = check_destination(request, destination)
    engine = make_engine(runtime)
    if wish is not None:
        engine.require_ready(request.choice, wish.estimator)
    if loading is not None:
        engine.expect(request.choice, loading)
    warned: set[str] = set()
    with step_bar(quiet=quiet) as show:

        def listen(progress: Progress) -> None:
            show(progress)
            if names and destination.preview_every and progress.step % destination.preview_every == 0:
                _save_preview(progress, names[progress.picture - 1], destination)

        index = 0  # enumerate would hold the picture before while the next is painted
        for result in _results(engine, request, wish, listen):
            if index == 0:
                _tell_first(request, result, quiet=quiet, depth_told=depth_told)
                warned.update(result.depth.notes if depth_told else ())
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
    engine: Engine, request: Request, wish: Wish | None, listen: Callable[[Progress], None]
) -> Generator[GenerationResult]:
    """A result for each picture, when it is painted."""
    if wish is None:
        return engine.pictures(engine.prepare(request), listen)
    from depthpaint.verify.choosing import choose_each

    return choose_each(engine, request, wish, listen)


def _tell_first(request: Request, first: GenerationResult, *, quiet: bool, depth_told: bool) -> None:
    """Say how the depth was understood, and which prompt the model was given."""
    tell(describe(first.depth), quiet=quiet or depth_told)
    if (prompt := first.plan.prompts[0]) != request.prompt:
        others = ", other seeds in other colours" if len(request.seeds) > 1 else ""
        tell(f'prompt painted: "{printable(prompt)}"{others} (--no-expand: as it stands)', quiet=quiet)


def describe(source: DepthSource) -> str:
    """What the depth file was understood as, in one line."""
    low, high = source.used_range
    kind = f"{source.format.upper()}, {source.bits_used} of {source.container_bits} bits used"
    colours = "" if source.colour_map == "gray" else f", colours of {source.colour_map} decoded"
    holes = f", {source.invalid_share:.1%} without depth" if source.invalid_share else ""
    near = source.finding("near")
    sure = f" ({near.confidence:.0%} sure)" if near is not None and near.confidence < 1 else ""
    meaning = f"{source.kind} from {low:.4g} to {high:.4g}, {source.near} is near{sure}"
    return f"depth: {source.size}, {kind}{colours}{holes}; {meaning}"


def _save_preview(progress: Progress, stem: str, destination: Destination) -> None:
    from depthpaint.core.files import make_folder, write_atomic
    from depthpaint.record.png_text import encode_png

    make_folder(destination.folder)
    path = destination.preview(stem, progress.step)
    write_atomic(path, encode_png(progress.preview(), {}), overwrite=destination.overwrite)
