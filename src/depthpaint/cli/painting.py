"""Paint a request into files: shared by the commands that paint."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from depthpaint.cli.terminal import inform, step_bar, warn
from depthpaint.core.errors import ErrorCode, ParameterError, number_text, printable
from depthpaint.core.files import make_folder, write_atomic
from depthpaint.depth.depth_map import DepthSource
from depthpaint.depth.slopes import with_chance
from depthpaint.engine import Engine, Prepared
from depthpaint.models.painter import Painter, Runtime
from depthpaint.picture import Progress
from depthpaint.plan import RunPlan
from depthpaint.record.earlier import add_sidecar, earlier_picture, places_of
from depthpaint.record.encode import encode_png
from depthpaint.record.paths import Destination, check_destination, stems
from depthpaint.record.picture_file import SavedPicture
from depthpaint.record.result import Result, save_picture
from depthpaint.record.sections import AgreementFacts
from depthpaint.request import Request
from depthpaint.verification.choosing import Requirement, choose_each


def make_engine(runtime: Runtime | None = None, memory: int | None = None) -> Engine:
    """The engine that commands paint with; `memory` is in bytes."""
    return Engine(runtime=runtime, memory=memory)


@dataclass(frozen=True, slots=True)
class Made:
    """A saved picture and the plan of it alone, without its pixels; `earlier` if it was there before."""

    saved: SavedPicture
    plan: RunPlan
    warnings: tuple[str, ...]
    seconds: float
    agreement: AgreementFacts | None
    earlier: bool = False


def paint_into(
    request: Request,
    destination: Destination,
    *,
    quiet: bool,
    depth_shown: bool = False,
    runtime: Runtime | None = None,
    required: Requirement | None = None,
    loading: Future[Painter] | None = None,
) -> Generator[Made]:
    """Paint the pictures of `request` one by one, save each at once, and yield it.

    A picture that is there already, painted from the same request, is yielded as it is. Errors that can be
    found early are raised before painting. If `depth_shown`, how the depth was understood has been printed
    already. With `required` each picture is verified, and other seeds are tried. `loading` is the painter of
    the request's model, if it is being loaded.
    """
    if required is not None and required.tries > 1 and destination.preview_every:
        raise ParameterError(
            "--preview-every cannot be used when several seeds are tried",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="leave out --preview-every, or try one seed",
        )
    engine = make_engine(runtime)
    if loading is not None:
        engine.expect(request.choice, loading)
    earlier = _earlier(engine, request, destination, required)
    names = check_destination(request, destination, [made.saved.path.stem for made in earlier.values()])
    if required is not None:
        engine.require_ready(request.choice, required.estimator)
    warned: set[str] | None = None
    with step_bar(quiet=quiet) as show:

        def listen(progress: Progress) -> None:
            show(progress)
            if names and destination.preview_every and progress.step % destination.preview_every == 0:
                _save_preview(progress, names[progress.picture - 1], destination)

        missing = [index for index in range(len(request.seeds)) if index not in earlier]
        results = _results(engine, request, missing, required, listen)
        for index in range(len(request.seeds)):  # not enumerate: it would keep a picture
            if index in earlier:
                yield _kept(earlier[index], destination, quiet=quiet)
                continue
            result = next(results)
            if warned is None:
                _print_first(request, result, quiet=quiet, depth_shown=depth_shown)
                warned = set(result.depth.notes if depth_shown else ())
            for warning in dict.fromkeys(result.warnings):
                if warning not in warned:
                    warn(warning, quiet=quiet)
            warned.update(result.warnings)
            saved = save_picture(
                result, 0, destination.folder, overwrite=destination.overwrite, sidecar=destination.sidecar,
                name=names[index] if names else None, form=destination.form,
            )  # fmt: skip
            (picture,) = result.pictures
            made = Made(saved, result.plan, result.warnings, picture.seconds, picture.agreement)
            del result, picture, saved  # the next one is painted while nobody holds this one
            yield made


def _earlier(
    engine: Engine, request: Request, destination: Destination, required: Requirement | None
) -> dict[int, Made]:
    """The pictures of the request that are there already, by their number."""
    if destination.overwrite or destination.preview_every:
        return {}
    names = None if destination.name is None else stems(request, destination)
    found: dict[int, Made] = {}
    prepared: Prepared | None = None
    choice, count = request.choice, len(request.seeds)

    def painter() -> tuple[str, Mapping[str, str]]:
        return engine.weights_of(choice), engine.runs_on(choice)

    for index, first in enumerate(request.seeds):
        stem = None if names is None else names[index]
        for seed in (first,) if required is None else required.seeds_of(first, count):
            paths = list(places_of(destination.folder, request.prompt, seed, stem, destination.form.suffix))
            if not paths:
                continue
            prepared = prepared or engine.prepare(request)
            plan = engine.with_seeds(prepared, (seed,)).plan
            judged = _judged(required, first)
            saved = earlier_picture(
                iter(paths), plan, prepared.depth.source, painter, judged, destination.form
            )
            if saved is not None:
                record = saved.record
                agreement = None if required is None else record.agreement
                found[index] = Made(saved, plan, record.warnings, 0.0, agreement, earlier=True)
                break
    return found


def _judged(required: Requirement | None, first_seed: int) -> dict[str, object]:
    """What the record of a picture says of how it was verified, and chosen among seeds."""
    if required is None:
        return {}
    if required.tries == 1:
        return {"estimator": required.estimator, "most_tries": 1}
    return {
        "estimator": required.estimator, "most_tries": required.tries, "least": required.recorded_least,
        "first_seed": first_seed,
    }  # fmt: skip


def _kept(made: Made, destination: Destination, *, quiet: bool) -> Made:
    path = made.saved.path
    if destination.sidecar:
        add_sidecar(made.saved)
    inform(f"{path} was painted before from the same request; --overwrite paints it again", quiet=quiet)
    return made


def _results(
    engine: Engine,
    request: Request,
    numbers: Sequence[int],
    required: Requirement | None,
    listen: Callable[[Progress], None],
) -> Generator[Result]:
    """A result for each picture with one of the numbers, from 0, as soon as it is painted."""
    if not numbers:
        return
    if required is not None:
        yield from choose_each(engine, request, required, listen, numbers)
        return
    seeds = [request.seeds[number] for number in numbers]
    yield from engine.pictures(engine.with_seeds(engine.prepare(request), seeds), listen)


def _print_first(request: Request, first: Result, *, quiet: bool, depth_shown: bool) -> None:
    """Print how the depth was understood, and the prompt if it was extended."""
    inform(describe(first.depth), quiet=quiet or depth_shown)
    if (prompt := first.plan.prompts[0]) != request.prompt:
        others = ", other seeds in other colours" if len(request.seeds) > 1 else ""
        inform(f'prompt painted: "{printable(prompt)}"{others} (--no-expand: unchanged)', quiet=quiet)


def agreement_line(path: Path, seed: int, found: AgreementFacts) -> str:
    """How well the depth of a picture agrees, in one line; and which seed it has, if several were tried."""
    score = with_chance(found.depth_agreement, found.mirrored_agreement)
    others = f"edges {found.edge_f_score:.2f}, rank correlation {found.rank_correlation:.3f}"
    chosen = ""
    if found.most_tries > 1:
        what = "agrees best" if found.least is None else "was kept"
        chosen = f"; seed {seed} {what}, try {found.tries} of {found.most_tries}"
    return f"{path.name}: depth agreement {score}, {others} (by {found.estimator}){chosen}"


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
