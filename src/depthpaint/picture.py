"""One picture of a plan: the maps that the networks get, the sampling, and the exact output size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import ErrorCode, ModelError, printable
from depthpaint.core.noise import NoiseDraws
from depthpaint.depth.depth_map import DepthMap, ProfileName, in_terms_of
from depthpaint.depth.finish import enlarge_along_depth
from depthpaint.depth.hints import edges_of, normals_of
from depthpaint.depth.resize import depth_at, fit_depth, pad_to
from depthpaint.models.painter import Floats, Painter, UnknownWord
from depthpaint.plan import RunPlan, Sizes
from depthpaint.record.result import PaintedPicture
from depthpaint.sampling.drive import Array, Evaluate, drive
from depthpaint.sampling.guidance import Branch, Guidance, composed, denoised_from, prediction_named
from depthpaint.sampling.samplers import noised, sampler_named

Pixels = NDArray[np.uint8]
Weighted = tuple[tuple[object, float], ...]
MOST_WORDS = 10


@dataclass(frozen=True, slots=True)
class Progress:
    """One step is done.

    `picture` and `step` count from 1; `preview()` decodes what the picture looks like so far.
    """

    picture: int
    pictures: int
    step: int
    steps: int
    preview: Callable[[], Pixels]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What stays the same through all steps of a picture, and its prompts at each step.

    `text` holds for each step the encoded prompts with their weights; several if AND separates them. `start`
    are the clean latents of the picture to start from; None starts from noise alone.
    """

    plan: RunPlan
    painter: Painter
    text: Mapping[Branch, Sequence[Weighted]]
    prepared: object | None
    start: Array | None
    guide: Floats | None
    threads: int


def paint_picture(
    conditions: Conditions,
    index: int,
    seconds: dict[str, float],
    counts: Counter[str],
    on_progress: Callable[[Progress], None] | None,
) -> PaintedPicture:
    """Paint the picture of seed `index`; its stages are added to `seconds`, its model calls to `counts`.

    Raises ModelError where the model gives NaN or infinity in float32 as well, and what `on_progress` raises.
    """
    plan, painter = conditions.plan, conditions.painter
    started = perf_counter()
    latent = plan.sizes.latent_size
    # One stream a picture: picture k of a batch is the picture that its seed gives alone.
    draws = NoiseDraws((1, painter.habits.latent_channels, latent.height, latent.width), plan.seeds[index])

    def noise(number: int) -> Array:
        return painter.begin(draws(number))

    levels, first = plan.schedule.levels, noise(0)
    if conditions.start is not None:
        first = noised(conditions.start, first, levels[0])
    sampling = sampler_named(plan.settings.sampler).start(first, levels, noise)

    def report(request: Evaluate[Array], denoised: Array) -> None:
        if on_progress is not None:
            on_progress(Progress(
                index + 1, len(plan.seeds), request.index + 1, request.steps,
                lambda: _finished(painter.decode(denoised), conditions),
            ))  # fmt: skip

    with timed(seconds, "denoise"):
        latents = drive(sampling, lambda request: _denoise(conditions, request, counts), report)
    with timed(seconds, "decode"):
        canvas = painter.decode(latents)
    if not np.isfinite(canvas).all():
        if not painter.steadier():
            raise _no_colours(plan)
        return paint_picture(conditions, index, seconds, counts, on_progress)
    with timed(seconds, "finish"):
        pixels = _finished(canvas, conditions)
    return PaintedPicture(pixels, plan.seeds[index], perf_counter() - started)


def _denoise(conditions: Conditions, request: Evaluate[Array], counts: Counter[str]) -> Array:
    """Answer a sampler with one model call.

    It holds the branches that guidance needs, and depth where its window is open.
    """
    plan, painter, latents = conditions.plan, conditions.painter, request.latents
    guidance = Guidance(plan.settings.guidance_scale, *plan.settings.guidance_window)
    branches = guidance.branches(request.fraction)
    prompts = {branch: conditions.text[branch][request.index] for branch in branches}
    texts = [text for branch in branches for text, _ in prompts[branch]]
    residuals = None
    strengths = plan.strengths(request.index)
    if conditions.prepared is not None and strengths:
        residuals = painter.control(conditions.prepared, latents, request.level, texts, strengths)
        counts["control"] += len(strengths)
    answers = iter(painter.predict(latents, request.level, texts, residuals))
    counts["denoise"] += 1
    counts["branches"] += len(texts)
    outputs: dict[Branch, Array] = {}
    for branch in branches:  # "uncond" comes first
        own = [(next(answers), weight) for _, weight in prompts[branch]]
        outputs[branch] = composed(own, outputs.get("uncond"))
    merged = guidance.merge(outputs)
    return denoised_from(prediction_named(plan.prediction), merged, latents, request.level)


def _no_colours(plan: RunPlan) -> ModelError:
    return ModelError(
        f"{plan.model} painted numbers that are no colours (NaN or infinite)",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="lower --guidance or --strength; if it stays, its weights are damaged: fetch them again",
    )


def hints_of(depth: DepthMap, plan: RunPlan) -> dict[str, Floats]:
    """What each control sees of the depth, at the canvas' size, by its name (Painter.prepare_control)."""
    hints = {"depth": control_map(depth, plan.sizes, plan.settings.profile)}
    kinds = [each.kind for each in plan.settings.also]
    plain = control_map(depth, plan.sizes) if kinds else hints["depth"]
    if "normal" in kinds:
        hints["normal"] = normals_of(plain, depth.source.far_over_near)
    if "canny" in kinds:
        hints["canny"] = edges_of(plain)
    return hints


def control_map(depth: DepthMap, sizes: Sizes, profile: ProfileName = "midas") -> Floats:
    """The depth that the network sees: float32 (H, W) of the canvas, in [0, 1], 1 = nearest."""
    seen = replace(depth, values=in_terms_of(depth.values, profile, depth.source.far_over_near))
    values, _ = fit_depth(seen, sizes.depth_placement, sizes.content_size)
    return np.ascontiguousarray(pad_to(values, sizes.canvas_size, sizes.content_box), dtype=np.float32)


def known_map(depth: DepthMap, sizes: Sizes) -> Floats | None:
    """Where depth controls the canvas: 1, and 0 in holes that are left free; None where there are none."""
    if depth.source.reading.holes != "free" or depth.valid.all():
        return None
    _, valid = fit_depth(depth, sizes.depth_placement, sizes.content_size)
    return pad_to(valid, sizes.canvas_size, sizes.content_box).astype(np.float32)


def depth_guide(depth: DepthMap, plan: RunPlan) -> Floats | None:
    """The depth (H, W) at the asked size, along whose surfaces a picture's edges are drawn."""
    if not plan.finished:
        return None
    guide, _ = depth_at(depth, plan.sizes.output_size, plan.settings.fit)
    return guide


def _finished(canvas: Floats, conditions: Conditions) -> Pixels:
    """Cut the content out of a decoded canvas (H, W, 3) in [0, 1] and bring it to the exact output size."""
    sizes, guide = conditions.plan.sizes, conditions.guide
    left, top, right, bottom = (round(side) for side in sizes.content_box)
    pixels = np.rint(np.clip(canvas[top:bottom, left:right], 0, 1) * 255).astype(np.uint8)
    if guide is not None:
        pixels = enlarge_along_depth(pixels, guide, conditions.painter.habits.softness, conditions.threads)
    elif sizes.resized:
        size = (sizes.output_size.width, sizes.output_size.height)
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    return np.ascontiguousarray(pixels)


def vocabulary_warnings(painter: Painter, plan: RunPlan) -> list[str]:
    """Words of the prompts that the model does not know, and how many tokens are cut off."""
    prompt, negative = plan.settings.prompt, plan.settings.negative_prompt
    unknown = painter.unknown_words(f"{prompt} {negative}")
    found = [_unknown(word, plan.model) for word in unknown[:MOST_WORDS]]
    if len(unknown) > MOST_WORDS:
        found.append(f"and {len(unknown) - MOST_WORDS} more words that {plan.model} does not know")
    for name, text in (("prompt", prompt), ("negative prompt", negative)):
        if cut := painter.tokens_cut(text):
            found.append(f"the last {cut} tokens of the {name} are cut off: it is too long for {plan.model}")
    return found


def _unknown(unknown: UnknownWord, model: str) -> str:
    known = f"; nearest known: {', '.join(unknown.nearest)}" if unknown.nearest else ""
    return f"{model} does not know the word '{printable(unknown.word)}'{known}"


@contextmanager
def timed(seconds: dict[str, float], stage: str) -> Generator[None]:
    """Add to `seconds` what the block takes, under the name of its `stage`."""
    started = perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + perf_counter() - started
