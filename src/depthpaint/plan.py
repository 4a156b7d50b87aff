"""The plan: all settings that decide the picture, resolved before anything heavy is loaded.

There are four sizes:

depth map --fit--> content --pad--> canvas --network--> canvas --crop--> content --resize--> output
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.core.geometry import Box, Extent, Fit, Placement, place, same_ratio
from depthpaint.core.setting import Default, settings_of
from depthpaint.depth.depth_map import DepthReading, ProfileName
from depthpaint.request import MAX_OUTPUT_SIDE, MIN_OUTPUT_SIDE, Request, Settings
from depthpaint.sampling.guidance import ControlWindow, Guidance
from depthpaint.sampling.levels import NoiseTable, betas_named
from depthpaint.sampling.samplers import sampler_named
from depthpaint.sampling.schedule import Schedule, schedule_named


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelHabits:
    """The part of a model's entry that planning needs, without any weights.

    `trained_area` and `largest_area` are pixels: a picture is painted at its own size up to `largest_area`,
    and painted at `trained_area` and resized beyond it or below `smallest_area`. Canvas sides are multiples
    of `multiple` pixels; a latent covers `latent_factor` pixels a side. `prediction` is what the network
    predicts; `zero_terminal_snr` whether its noise table was rescaled (Lin et al. 2305.08891); the betas are
    those of scheduler_config.json. `softness` is the width of edges in painted pixels: above 1 the edges of
    the depth map are drawn in every picture. `profile` names what its depth network was trained on
    (depth.profile). `output_area` is the area in pixels of a picture without a requested size; None means
    the painted area. Guidance above `most_guidance` burns its colours; more steps than `most_steps` gain
    nothing (None: no such number).
    """

    name: str
    trained_area: int
    smallest_area: int
    largest_area: int
    multiple: int
    latent_factor: int
    latent_channels: int
    prediction: Literal["epsilon", "v_prediction", "sample"]
    zero_terminal_snr: bool
    beta_schedule: str = "scaled_linear"
    beta_start: float = 0.00085
    beta_end: float = 0.012
    train_timesteps: int = 1000
    sampler: str
    schedule: str
    num_inference_steps: int
    guidance_scale: float
    control_strength: float
    profile: ProfileName = "midas"
    softness: int = 1
    output_area: int | None = None
    most_guidance: float | None = None
    most_steps: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Sizes in pixels (latents for `latent_size`).

    `depth_size` of the file; `content_size` of the painted picture; `canvas_size` the network's input, the
    content padded to the model's multiple; `content_box` the place of the content on the canvas;
    `latent_size` of the canvas in latents; `output_size` exactly as requested. `depth_placement` places the
    map on the content.
    """

    depth_size: Extent
    content_size: Extent
    canvas_size: Extent
    content_box: Box
    latent_size: Extent
    output_size: Extent
    depth_placement: Placement

    @property
    def resized(self) -> bool:
        """Whether the painted content is resized to the output size."""
        return self.content_size != self.output_size

    @property
    def enlarged(self) -> bool:
        """Whether it is enlarged, guided by the edges of the full depth map."""
        return self.output_size.pixels > self.content_size.pixels


def plan_sizes(
    depth_size: Extent,
    habits: ModelHabits,
    *,
    size: Extent | Literal["depth"] | None = None,
    aspect: float | None = None,
    fit: Fit = Fit.PAD,
) -> Sizes:
    """Resolve every size.

    `size` is the output in pixels, or "depth" for the map's own. Without it the output has the model's usual
    area, with the ratio `aspect` (width over height) or, by default, the map's own.
    """
    output = output_size(depth_size, habits, size=size, aspect=aspect)
    content = output
    if not habits.smallest_area <= output.pixels <= habits.largest_area:
        content = output.scaled_to_area(habits.trained_area)
    canvas = content.ceil_to(habits.multiple)
    # Centred, so that the rim gets the same padding on both sides.
    left, top = (canvas.width - content.width) // 2, (canvas.height - content.height) // 2
    return Sizes(
        depth_size=depth_size,
        content_size=content,
        canvas_size=canvas,
        content_box=Box(left, top, left + content.width, top + content.height),
        latent_size=Extent(canvas.width // habits.latent_factor, canvas.height // habits.latent_factor),
        output_size=output,
        depth_placement=place(depth_size, content, fit),
    )


def output_size(
    depth_size: Extent, habits: ModelHabits, *, size: Extent | Literal["depth"] | None, aspect: float | None
) -> Extent:
    """The exact output size in pixels."""
    if isinstance(size, Extent):
        return size
    if size == "depth":
        return depth_size
    area = habits.output_area or habits.trained_area
    if aspect is not None:
        side = area**0.5
        return Extent(max(1, round(side * aspect**0.5)), max(1, round(side / aspect**0.5)))
    return depth_size.scaled_to_area(area)


@dataclass(frozen=True, slots=True)
class InitPicture:
    """The picture that a run starts from: its size in pixels, and the sha256 of its file."""

    size: Extent
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What will run. No field is optional, and zero is a value.

    `model` is the model's name. `settings` are those of the first picture; `seeds` holds one seed per
    picture, and `prompts` the text given to the model for each seed: the prompt, with colours that a model
    may add. `schedule` holds the noise levels for the sampler: the last ones only, if the run starts from the
    picture `init`. Windows are shares of the steps that run. `finished` is whether edges are drawn along
    the depth map. `inversions` are the textual inversions in the prompts, with the sha256 of their files.
    """

    model: str
    settings: Settings
    seeds: tuple[int, ...]
    prompts: tuple[str, ...]
    schedule: Schedule
    prediction: str
    sizes: Sizes
    finished: bool
    warnings: tuple[str, ...] = ()
    inversions: Mapping[str, str] = field(default_factory=dict[str, str])
    init: InitPicture | None = None

    def only(self, index: int) -> RunPlan:
        """The plan of picture `index` alone."""
        return replace(
            self,
            settings=self.settings.model_copy(update={"seed": self.seeds[index]}),
            seeds=(self.seeds[index],),
            prompts=(self.prompts[index],),
        )

    def strengths(self, index: int) -> dict[str, float]:
        """The controls that are active at step `index`, with their strengths: "depth" and further kinds."""
        settings = self.settings
        controls = [("depth", settings.control_strength, settings.control_window)]
        controls += [(each.kind, each.strength, each.window) for each in settings.also]
        return {
            name: strength
            for name, strength, window in controls
            if ControlWindow(*window).runs(index, self.schedule.steps, strength)
        }

    @property
    def init_placement(self) -> Placement | None:
        """Where the picture that the run starts from lies on the content; None if there is none.

        One of the depth map's ratio lies where the map lies. Any other covers the content, which shows its
        middle part; with Fit.STRETCH it is stretched.
        """
        if self.init is None:
            return None
        fit = self.settings.fit
        size, depth = self.init.size, self.sizes.depth_size
        if fit is Fit.PAD and not (same_ratio(size, depth) or same_ratio(depth, size)):
            fit = Fit.CROP
        return place(size, self.sizes.content_size, fit)

    @property
    def init_sha256(self) -> str:
        """The digest of the picture that the run starts from; empty if there is none."""
        return "" if self.init is None else self.init.sha256

    @property
    def controlled(self) -> bool:
        """Whether the depth control is active at any step."""
        return any(self.strengths(index) for index in range(self.schedule.steps))


def make_plan(
    request: Request,
    depth_size: Extent,
    habits: ModelHabits,
    reading: DepthReading | None = None,
    *,
    init: InitPicture | None = None,
    recorded: bool = False,
) -> RunPlan:
    """Resolve `request` for a depth map of `depth_size` and a model with these `habits`.

    `reading` is how the depth file was interpreted; without it the request's own is used. `init` is the
    picture that the request names, if it was read. `recorded`: the request is of a record, and is painted
    again even if its guidance ruins the picture. Raises ParameterError for an unknown sampler or schedule, an
    impossible number of steps, guidance beyond what the model takes, and a size beyond the limits.
    """
    sizes = plan_sizes(
        depth_size, habits, size=request.size, aspect=request.aspect, fit=request.fit or Fit.PAD
    )
    _require_possible(sizes.output_size)
    settings = _resolved(request, habits, sizes.output_size, reading or request.reading)
    schedule = noise_schedule(habits, settings.schedule, settings.num_inference_steps)
    if settings.init is not None:
        schedule = schedule.tail(settings.denoise)
    Guidance(settings.guidance_scale, *settings.guidance_window)
    if not recorded:
        _require_usable(settings.guidance_scale, habits)
    plan = RunPlan(
        model=habits.name,
        settings=settings,
        seeds=request.seeds,
        prompts=(request.prompt,) * len(request.seeds),
        schedule=schedule,
        prediction=habits.prediction,
        sizes=sizes,
        finished=False,
        init=init,
    )
    finished = settings.finish and plan.controlled and (sizes.enlarged or habits.softness > 1)
    plan = replace(plan, finished=finished)
    return replace(plan, warnings=tuple(_warnings(plan, habits)))


def _resolved(request: Request, habits: ModelHabits, size: Extent, reading: DepthReading) -> Settings:
    """Every setting: as given, else the model's own, else its default."""
    known = settings_of(Settings)
    values = {
        name: getattr(habits, name, None)
        for name, setting in known.items()
        if setting.default is Default.OF_MODEL
    }
    for group in (request, reading):
        values |= {name: value for name, value in group.given().items() if name in known}
    values |= {"prompt": request.prompt, "seed": request.seeds[0], "size": size}
    values["sampler"] = sampler_named(str(values["sampler"])).name
    return Settings.model_validate(values)


def noise_schedule(habits: ModelHabits, name: str, steps: int) -> Schedule:
    """The noise levels of a model with these habits for `steps` steps."""
    betas = betas_named(habits.beta_schedule, habits.beta_start, habits.beta_end, habits.train_timesteps)
    return schedule_named(name)(
        NoiseTable.from_betas(betas, rescale_zero_snr=habits.zero_terminal_snr), steps
    )


def _require_usable(guidance_scale: float, habits: ModelHabits) -> None:
    """Raise ParameterError for guidance that ruins the model's pictures."""
    if habits.most_guidance is not None and guidance_scale > habits.most_guidance:
        raise ParameterError(
            f"guidance {guidance_scale:g} burns the colours of {habits.name}, which takes 1 to "
            f"{habits.most_guidance:g}",
            code=ErrorCode.INVALID_PARAMETER,
            value=guidance_scale,
            limit=habits.most_guidance,
            remedy=f"leave out --guidance: {habits.name}'s own is {habits.guidance_scale:g}",
        )


def _require_possible(output: Extent) -> None:
    """Apply the limits of --size also to a size derived from the map, which records would reject later."""
    if not all(MIN_OUTPUT_SIDE <= side <= MAX_OUTPUT_SIDE for side in output):
        raise ParameterError(
            f"size: the picture would have {output} pixels, but each side must be {MIN_OUTPUT_SIDE} to "
            f"{MAX_OUTPUT_SIDE}",
            code=ErrorCode.INVALID_PARAMETER,
            value=str(output),
            limit=MAX_OUTPUT_SIDE,
            remedy="give a size with --size, and --fit crop or pad",
        )


def _habitual(size: Extent, habits: ModelHabits) -> bool:
    """Whether the model always resizes its pictures to about that many pixels."""
    return habits.output_area is not None and abs(size.pixels / habits.output_area - 1) < 0.05


def _warnings(plan: RunPlan, habits: ModelHabits) -> list[str]:
    warnings: list[str] = []
    sizes = plan.sizes
    if sizes.resized and not _habitual(sizes.output_size, habits):
        enlarged = "enlarged along the depth map's edges" if plan.finished else "enlarged"
        how = enlarged if sizes.enlarged else "reduced"
        warnings.append(
            f"painted at {sizes.content_size}, the area {habits.name} was trained for, "
            f"and {how} to {sizes.output_size}"
        )
    ratio = max(sizes.canvas_size.ratio, 1 / sizes.canvas_size.ratio)
    if ratio > 2.5:
        warnings.append(f"a side ratio of {ratio:.1f} is beyond what {habits.name} was trained on")
    settings = plan.settings
    if settings.negative_prompt and settings.guidance_scale == 1:
        warnings.append("the negative prompt has no effect: guidance is 1, which is off (--guidance)")
    if habits.most_steps is not None and settings.num_inference_steps > habits.most_steps:
        warnings.append(
            f"{settings.num_inference_steps} steps gain nothing over {habits.most_steps}: {habits.name} was "
            f"trained to paint in {habits.num_inference_steps}"
        )
    warnings += _start_warnings(plan)
    if not plan.controlled:
        warnings.append("the depth map has no effect: its strength is 0 or its window contains no whole step")
    return warnings


def _start_warnings(plan: RunPlan) -> list[str]:
    """About the picture that the run starts from."""
    settings, total = plan.settings, plan.settings.num_inference_steps
    if settings.init is None:
        default = settings_of(Settings)["denoise"].default
        return [] if settings.denoise == default else ["denoise has no effect without init (--init)"]
    warnings: list[str] = []
    if plan.schedule.levels[0].is_pure_noise:
        less = f"give --denoise {(total - 1) / total:.3g} or less, or" if total > 1 else "give"
        warnings.append(
            f"init has no effect: denoise {settings.denoise:g} of {total} steps is all of them, which start "
            f"from noise alone; {less} more --steps"
        )
    placement = plan.init_placement
    if plan.init is not None and placement is not None and placement.source != Box(0, 0, *plan.init.size):
        warnings.append(
            f"init is {plan.init.size}, of another ratio than the picture: its middle part is used"
        )
    return warnings
