"""The one place that joins the stages: depth, plan, model, sampling, picture."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from threading import RLock
from time import perf_counter
from types import UnionType

from depthpaint.core.errors import ErrorCode, ModelError, ParameterError
from depthpaint.core.setting import MAX_PROMPT
from depthpaint.depth.depth_map import DepthMap, DepthReading
from depthpaint.depth.read import Estimate, read_depth, require_certain
from depthpaint.formats.decode import Source, name_of
from depthpaint.model_choice import ModelChoice
from depthpaint.models.estimators import registry as estimators
from depthpaint.models.estimators.estimator import Estimator
from depthpaint.models.painter import ModelEntry, Painter, Runtime
from depthpaint.models.prompt_schedule import parts_of, texts_at
from depthpaint.models.prompt_syntax import require_prompts
from depthpaint.models.registry import find_model
from depthpaint.picture import (
    Conditions,
    Pixels,
    Progress,
    Weighted,
    depth_guide,
    hints_of,
    known_map,
    paint_picture,
    timed,
    vocabulary_warnings,
)
from depthpaint.plan import RunPlan, make_plan
from depthpaint.record.result import Result, joined
from depthpaint.request import Request, Settings
from depthpaint.sampling.drive import Array
from depthpaint.start_picture import StartPicture, on_canvas, read_start

# Their validators are built now, and not by the first of several threads that needs them.
for _group in (DepthReading, ModelChoice, Request, Settings):
    _group.model_rebuild()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request with its depth map read and its plan made: read once, run as often as wanted.

    `seconds` is what reading and planning took; `start` is the picture that it starts from, if there is one.
    """

    request: Request
    depth: DepthMap
    plan: RunPlan
    seconds: float = 0.0
    start: StartPicture | None = None

    def with_expanded(self, prompt: str) -> Prepared:
        """The same, but the model is given `prompt`, whatever it would expand the user's prompt to."""
        plan = replace(self.plan, prompts=(prompt,) * len(self.plan.seeds))
        return replace(self, plan=plan, seconds=0.0)


class Engine:
    """Paints requests. Models stay loaded and prompts encoded, so that the next picture starts at once.

    `find` gives the model of a choice, `load_estimator` the estimator of a name; `runtime` says where and how
    they compute. `memory`: once the weights of the loaded models have more bytes, those that were not used
    for longest are unloaded, but for the one that is needed; None: models stay.

    An engine may be used from several threads, and the pictures are those that one thread paints. Depth maps
    are read side by side, and so are pictures of models whose entry says `side_by_side`. Other models compute
    for one thread at a time: a picture is painted as a whole before another thread's begins. `on_progress` is
    called within its picture: it may use this engine, but must not wait for another thread that does. Several
    engines share nothing but the process' memory and torch's number of threads.

        engine = Engine(runtime=Runtime(device="cuda"))
        result = engine.paint(Request(depth=Path("depth.png"), prompt="a red house", seed=7))
    """

    def __init__(
        self,
        find: Callable[[ModelChoice], ModelEntry] = find_model,
        load_estimator: Callable[[str], Estimator] | None = None,
        runtime: Runtime | None = None,
        memory: int | None = None,
    ) -> None:
        self._find = find
        self._memory = memory
        self._runtime = runtime or Runtime()
        self._load_estimator = load_estimator or estimators.load_estimator
        self._estimators: dict[str, Estimator] = {}
        self._painters: dict[ModelChoice, Painter] = {}
        self._ready: dict[ModelChoice, ModelError | None] = {}
        self._coming: dict[ModelChoice, Future[Painter]] = {}
        self._texts: dict[tuple[object, ...], object] = {}
        self._last_read: tuple[object, DepthMap | None] = (None, None)
        # Held while a model is loaded, and while one computes that does not paint side by side; never while
        # `pictures` waits for its caller.
        self._lock = RLock()

    @property
    def runtime(self) -> Runtime:
        """Where it computes."""
        return self._runtime

    def elsewhere(self, runtime: Runtime) -> Engine:
        """An engine that finds the same models and computes as `runtime` says."""
        return Engine(self._find, self._load_estimator, runtime, self._memory)

    def prepare(
        self, request: Request, source: Source | DepthMap | None = None, *, recorded: bool = False
    ) -> Prepared:
        """Read and understand the depth map and resolve the plan: no weights are loaded.

        `source` is the depth map where it is no file, in place of the path in the request. `recorded`: the
        request is of a record, and is painted again as it was. Raises DepthpaintError for anything that the
        user can correct.
        """
        started = perf_counter()
        _require(request, Request, "request")
        depth = self.read(request.depth if source is None else source, request.reading)
        if source is not None:
            request = request.model_copy(update={"depth": Path(depth.source.path)})
        require_certain(depth.source)
        entry = self._find(request.choice)
        start = None if request.init is None else read_start(Path(request.init))
        plan = make_plan(
            request, depth.source.size, entry.habits, depth.source.reading,
            init=start.facts if start else None, recorded=recorded,
        )  # fmt: skip
        if start is not None:
            plan = replace(plan, warnings=(*start.notes, *plan.warnings))
        prepared = self._with_prompts(Prepared(request, depth, plan, start=start))
        if not recorded:
            names = prepared.plan.inversions
            syntax = entry.prompt_syntax
            require_prompts(request.prompt, request.negative_prompt, plan.model, names, syntax=syntax)
        return replace(prepared, seconds=perf_counter() - started)

    def with_seeds(self, prepared: Prepared, seeds: Sequence[int]) -> Prepared:
        """The same depth and settings for other seeds; nothing is read again."""
        plan = prepared.plan
        settings = plan.settings.model_copy(update={"seed": seeds[0]})
        plan = replace(plan, settings=settings, seeds=tuple(seeds), prompts=(settings.prompt,) * len(seeds))
        return self._with_prompts(replace(prepared, plan=plan, seconds=0.0))

    def _with_prompts(self, prepared: Prepared) -> Prepared:
        """The plan with the prompts that the model is given, and the textual inversions in them."""
        plan, entry = prepared.plan, self._find(prepared.plan.settings.choice)
        inversions = entry.inversions(f"{plan.settings.prompt}\n{plan.settings.negative_prompt}")
        prompts = plan.prompts
        if plan.settings.expand:
            expanded = (entry.expanded(plan.settings.prompt, seed) for seed in plan.seeds)
            # A replay gives the expanded prompt as a prompt, which has a limit.
            prompts = tuple(text if len(text) <= MAX_PROMPT else plan.settings.prompt for text in expanded)
        return replace(prepared, plan=replace(plan, inversions=inversions, prompts=prompts))

    def read(self, source: Source | DepthMap, reading: DepthReading) -> DepthMap:
        """Read and understand a depth map; a photo through its estimator, which stays loaded.

        The last file is kept: while it does not change it is not read again, so do not write into the
        map's arrays. A DepthMap is returned as it is. Raises DepthpaintError, among others where a DepthMap
        is to be read differently.
        """
        _require(reading, DepthReading, "reading")
        if isinstance(source, DepthMap):
            _require_no_reading(reading)
            return source
        if not isinstance(source, str | PathLike):
            return read_depth(source, reading, self.estimate)
        path = Path(name_of(source))
        key = (path, reading, _state_of(path))
        kept, depth = self._last_read
        if depth is None or key[2] is None or key != kept:
            depth = read_depth(path, reading, self.estimate)
            self._last_read = (key, depth)
        return depth

    def estimate(self, name: str, picture: Pixels) -> Estimate:
        """The depth that an estimator, a name or a folder, finds in a picture (H, W, 3); it stays loaded."""
        with self._lock:
            estimator = self._estimator(name)
            return Estimate(
                values=estimator.estimate(picture), quantity=estimator.quantity, estimator=estimator.name,
                revision=estimator.revision, weights_sha256=estimator.weights_sha256,
                caution=estimator.caution,
            )  # fmt: skip

    def require_ready(self, choice: ModelChoice, estimator: str | None = None) -> None:
        """Raise ModelError where the model's files are not all there, or `estimator` cannot be loaded.

        The model is not loaded, so damage inside its files is not found.
        """
        with self._lock:
            if choice not in self._ready:
                try:
                    self._ready[choice] = self._find(choice).require_here()
                except ModelError as error:
                    self._ready[choice] = error
            lacking = self._ready[choice]
        if lacking is not None:
            raise lacking
        if estimator is not None:
            self._estimator(estimator)

    def expect(self, choice: ModelChoice, painter: Future[Painter]) -> None:
        """Take the painter of `choice` from elsewhere, where it is being loaded; "load" is then the wait."""
        self._coming[choice] = painter

    def weights_of(self, choice: ModelChoice) -> str:
        """The digest of the weights that paint it, sha256; they are loaded for that, and stay."""
        return self._painter(choice).weights_sha256

    def paints_side_by_side(self, choice: ModelChoice) -> bool:
        """Whether pictures of several threads are painted at the same time by this model."""
        return self._find(choice).side_by_side

    def runs_on(self, choice: ModelChoice) -> Mapping[str, str]:
        """Where its model computes, as in a record; it is loaded for that, and stays."""
        return self._painter(choice).runs_on

    def paint(self, request: Request, on_progress: Callable[[Progress], None] | None = None) -> Result:
        """Prepare `request` and paint every picture of it; what `on_progress` raises ends the run.

        Raises DepthpaintError for anything that the user can correct.
        """
        return self.run(self.prepare(request), on_progress)

    def run(self, prepared: Prepared, on_progress: Callable[[Progress], None] | None = None) -> Result:
        """Paint every picture of a plan, as `paint`; the depth map is not read again."""
        return joined(self.pictures(prepared, on_progress))

    def pictures(
        self, prepared: Prepared, on_progress: Callable[[Progress], None] | None = None
    ) -> Generator[Result]:
        """As `run`, but each picture is handed over when it is painted, as a result of its own.

        What is done once for all pictures counts in the `seconds` of the first.
        """
        _require(prepared, Prepared, "plan")
        depth, plan = prepared.depth, prepared.plan
        settings = plan.settings
        seconds: dict[str, float] = {"read": prepared.seconds}
        with self._lock, timed(seconds, "load"):
            painter = self._painter(settings.choice)
        with self._lock, timed(seconds, "text"):
            unasked = self._texts_of(painter, plan, settings.negative_prompt, several=False)
            texts = [self._texts_of(painter, plan, prompt, several=True) for prompt in plan.prompts]
        hints = hints_of(depth, plan)
        beside = self.paints_side_by_side(settings.choice)
        turn: AbstractContextManager[object] = nullcontext() if beside else self._lock
        with turn, timed(seconds, "control"):
            known = known_map(depth, plan.sizes)
            prepared_control = painter.prepare_control(hints, known) if plan.controlled else None
        with self._lock:
            start = _start_latents(prepared, painter, seconds)
        guide = depth_guide(depth, plan)
        control_sha256 = hashlib.sha256(hints["depth"].tobytes()).hexdigest()
        warnings = (*depth.source.notes, *plan.warnings, *vocabulary_warnings(painter, plan))
        for index, text in enumerate(texts):
            counts: Counter[str] = Counter()
            conditions = Conditions(
                plan,
                painter,
                {"cond": text, "uncond": unasked},
                prepared_control,
                start,
                guide,
                self._runtime.threads,
            )
            with turn:
                painted = paint_picture(conditions, index, seconds, counts, on_progress)
            yield Result(
                pictures=(painted,),
                plan=plan.only(index),
                depth=depth.source,
                control_sha256=control_sha256,
                weights_sha256=painter.weights_sha256,
                runs_on=painter.runs_on,
                seconds=seconds,
                evaluations=dict(counts),
                warnings=(*warnings, *painter.notes),
            )
            del painted  # The next one is painted while only its receiver may hold this one.
            seconds = {}

    def _estimator(self, name: str) -> Estimator:
        _require(name, str, "name of an estimator")
        with self._lock:
            if name not in self._estimators:
                self._estimators[name] = self._load_estimator(name)
            return self._estimators[name]

    def _painter(self, choice: ModelChoice) -> Painter:
        with self._lock:
            if choice not in self._painters:
                coming = self._coming.pop(choice, None)
                self._painters[choice] = coming.result() if coming else self._find(choice).load(self._runtime)
                self._unload_beside(choice)
            # The one that was used last is the last.
            self._painters[choice] = painter = self._painters.pop(choice)
            return painter

    def _unload_beside(self, needed: ModelChoice) -> None:
        """Unload models until the rest fits into the memory; one that paints is freed when it is done."""
        for choice in [each for each in self._painters if each != needed]:
            if self._memory is None or sum(each.memory for each in self._painters.values()) <= self._memory:
                return
            del self._painters[choice]
            for key in [each for each in self._texts if each[0] == choice]:
                del self._texts[key]

    def _texts_of(
        self, painter: Painter, plan: RunPlan, prompt: str, *, several: bool
    ) -> tuple[Weighted, ...]:
        """The encoded prompt for each step; with `several`, of all parts that AND separates."""
        steps = plan.schedule.steps
        if not self._find(plan.settings.choice).prompt_syntax:
            return (((self._text(painter, plan, prompt), 1.0),),) * steps
        parts = parts_of(prompt) if several else ((prompt, 1.0),)
        columns = [
            [(self._text(painter, plan, each), weight) for each in texts_at(text, steps)]
            for text, weight in parts
        ]
        return tuple(zip(*columns, strict=True))

    def _text(self, painter: Painter, plan: RunPlan, prompt: str) -> object:
        # The file of a textual inversion may have changed since.
        key = (plan.settings.choice, prompt, *plan.inversions.items())
        if key not in self._texts:
            if len(self._texts) >= 256:
                self._texts.pop(next(iter(self._texts)))
            self._texts[key] = painter.encode_text(prompt)
        return self._texts[key]


def _start_latents(prepared: Prepared, painter: Painter, seconds: dict[str, float]) -> Array | None:
    """The clean latents of the picture to start from; None if there is none, or noise hides it entirely."""
    plan, placement = prepared.plan, prepared.plan.init_placement
    if prepared.start is None or placement is None or plan.schedule.levels[0].is_pure_noise:
        return None
    with timed(seconds, "encode"):
        return painter.encode(on_canvas(prepared.start.pixels, placement, plan.sizes))


def _require(value: object, kind: type | UnionType, what: str) -> None:
    """Raise ParameterError for a value of another type than the one that is needed."""
    if not isinstance(value, kind):
        raise ParameterError(
            f"the {what} is of the type {type(value).__name__}",
            code=ErrorCode.INVALID_PARAMETER,
            remedy=f"give {getattr(kind, '__name__', 'a path')}",
        )


def _require_no_reading(reading: DepthReading) -> None:
    """Raise ParameterError where a map that is read already is to be read in a way of its own."""
    plain = DepthReading()
    given = [name for name in DepthReading.model_fields if getattr(reading, name) != getattr(plain, name)]
    if given:
        raise ParameterError(
            f"the depth map has been read already, so {' and '.join(given)} cannot be given beside it",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="give it to read_depth, or give the file in place of the depth map",
            value=tuple(given),
        )


def _state_of(path: Path) -> tuple[int, ...] | None:
    """What changes with a file's content; None for standard input, and for what cannot be looked at."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
