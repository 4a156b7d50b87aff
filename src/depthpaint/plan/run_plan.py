"""The plan: everything that decides the picture, resolved, before anything heavy is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.core.geometry import Extent, Fit
from depthpaint.depth.profile import ProfileName
from depthpaint.inputs.also import Also
from depthpaint.inputs.model_choice import ModelChoice
from depthpaint.inputs.request import MAX_OUTPUT_SIDE, MIN_OUTPUT_SIDE, GenerationRequest
from depthpaint.plan.habits import ModelHabits
from depthpaint.plan.sizes import Sizes, plan_sizes
from depthpaint.sampling.guidance import Guidance
from depthpaint.sampling.samplers import sampler_named
from depthpaint.sampling.schedule import Schedule, schedule_named
from depthpaint.sampling.table import NoiseTable, betas_named
from depthpaint.sampling.window import ControlWindow

T = TypeVar("T")

SEED_COUNT = 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What will run. No field is optional: zero is a value and survives.

    `model` is what the model calls itself, `choice` what it was asked for as.

    `seeds` holds one seed a picture; the windows are shares of the steps in [0, 1]. `timesteps` is what the
    network is told at each step, `sigmas` the noise over signal there and the final 0 (k-diffusion's
    convention). `inversions` are the learned words of the sentences, with the sha256 of their files. `heard`
    is what the model is told in place of the prompt, for each seed.
    """

    model: str
    choice: ModelChoice
    prompt: str
    negative_prompt: str
    seeds: tuple[int, ...]
    sampler: str
    schedule: str
    num_inference_steps: int
    timesteps: tuple[float, ...]
    sigmas: tuple[float, ...]
    prediction: str
    guidance_scale: float
    guidance_window: tuple[float, float]
    control_strength: float
    control_window: tuple[float, float]
    also: tuple[Also, ...]
    profile: ProfileName
    fit: Fit
    finish: bool
    sizes: Sizes
    warnings: tuple[str, ...] = ()
    inversions: Mapping[str, str] = field(default_factory=dict[str, str])
    expand: bool
    heard: tuple[str, ...]

    def strengths(self, index: int) -> dict[str, float]:
        """What is heard at step `index`, and how strongly: "depth" and the further controls' kinds."""
        steps = self.num_inference_steps
        controls = [("depth", self.control_strength, self.control_window)]
        controls += [(each.kind, each.strength, each.window) for each in self.also]
        return {
            name: strength
            for name, strength, window in controls
            if ControlWindow(*window).runs(index, steps, strength)
        }

    @property
    def controlled(self) -> bool:
        """Whether depth has a say in any step at all."""
        return any(self.strengths(index) for index in range(self.num_inference_steps))


def make_plan(request: GenerationRequest, depth_size: Extent, habits: ModelHabits) -> RunPlan:
    """Resolve `request` for a depth map of `depth_size` and a model with these `habits`.

    Picture k of several gets the seed `request.seed + k`, wrapped at 2**32. Raises ParameterError for a
    sampler, a schedule or a number of steps that does not exist, and for a size beyond the limits.
    """
    steps = _given(request.num_inference_steps, habits.num_inference_steps)
    sampler = sampler_named(_given(request.sampler, habits.sampler)).name
    name = _given(request.schedule, habits.schedule)
    schedule = noise_schedule(habits, name, steps)
    guidance = Guidance(_given(request.guidance_scale, habits.guidance_scale), *request.guidance_window)
    sizes = plan_sizes(depth_size, habits, size=request.size, aspect=request.aspect, fit=request.fit)
    _require_possible(sizes.output_size)
    strength = _given(request.control_strength, habits.control_strength)
    plan = RunPlan(
        model=habits.name,
        choice=request.choice,
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        seeds=tuple((request.seed + k) % SEED_COUNT for k in range(request.count)),
        sampler=sampler,
        schedule=name,
        num_inference_steps=steps,
        timesteps=tuple(float(t) for t in schedule.timesteps),
        sigmas=tuple(float(s) for s in schedule.sigmas),
        prediction=habits.prediction,
        guidance_scale=guidance.scale,
        guidance_window=request.guidance_window,
        control_strength=strength,
        control_window=request.control_window,
        also=request.also,
        profile=_given(request.profile, habits.profile),
        fit=request.fit,
        finish=request.finish,
        expand=request.expand,
        heard=(request.prompt,) * request.count,
        sizes=sizes,
    )
    return replace(plan, warnings=tuple(_warnings(plan, habits)))


def noise_schedule(habits: ModelHabits, name: str, steps: int) -> Schedule:
    """The noise levels that a model with these habits passes in `steps` steps."""
    betas = betas_named(habits.beta_schedule, habits.beta_start, habits.beta_end, habits.train_timesteps)
    return schedule_named(name)(
        NoiseTable.from_betas(betas, rescale_zero_snr=habits.zero_terminal_snr), steps
    )


def _require_possible(output: Extent) -> None:
    """The limits of --size hold for a size that the map decides, too; a record beyond them is refused."""
    if not all(MIN_OUTPUT_SIDE <= side <= MAX_OUTPUT_SIDE for side in output):
        raise ParameterError(
            f"size: the picture would have {output} pixels, and each side must be {MIN_OUTPUT_SIDE} to "
            f"{MAX_OUTPUT_SIDE}",
            code=ErrorCode.INVALID_PARAMETER,
            value=str(output),
            limit=MAX_OUTPUT_SIDE,
            remedy="give a size with --size, and --fit crop or pad",
        )


def _given(value: T | None, otherwise: T) -> T:
    return otherwise if value is None else value


def _habitual(size: Extent, habits: ModelHabits) -> bool:
    """Whether the model always brings its pictures to about that many pixels."""
    return habits.output_area is not None and abs(size.pixels / habits.output_area - 1) < 0.05


def _warnings(plan: RunPlan, habits: ModelHabits) -> list[str]:
    found: list[str] = []
    sizes = plan.sizes
    if sizes.resized and not _habitual(sizes.output_size, habits):
        finished = plan.finish and plan.controlled
        enlarged = "enlarged along the depth map's edges" if finished else "enlarged"
        how = enlarged if sizes.enlarged else "reduced"
        found.append(
            f"painted at {sizes.content_size}, the area {habits.name} was trained for, "
            f"and {how} to {sizes.output_size}"
        )
    ratio = max(sizes.canvas_size.ratio, 1 / sizes.canvas_size.ratio)
    if ratio > 2.5:
        found.append(f"a side ratio of {ratio:.1f} is beyond what {habits.name} was trained on")
    if not plan.controlled:
        found.append("the depth map has no say: its strength is 0 or its window holds no whole step")
    return found
