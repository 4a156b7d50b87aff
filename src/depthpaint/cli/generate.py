"""`depthpaint generate`: one depth map, one sentence, one or more pictures."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from depthpaint.cli import options
from depthpaint.cli.terminal import as_utf8, emit, emit_document, emit_path, tell, warn

if TYPE_CHECKING:
    from depthpaint.cli.destination import Destination
    from depthpaint.inputs.request import GenerationRequest
    from depthpaint.models.runtime import Runtime
    from depthpaint.plan.run_plan import RunPlan
    from depthpaint.record.picture_file import SavedPicture
    from depthpaint.record.result import GenerationResult, PaintedPicture
    from depthpaint.record.sections import AgreementFacts
    from depthpaint.verify.choosing import Wish

SOME_FAILED = 4
RANDOM_SEED = -1


def generate(  # noqa: PLR0913 - one parameter a flag; they become one request at once
    depth: options.Depth,
    prompt: options.Prompt,
    seed: options.Seed = 12345,
    count: options.Count = 1,
    size: options.Size = None,
    aspect: options.Aspect = None,
    steps: options.Steps = None,
    guidance: options.GuidanceScale = None,
    guidance_window: options.GuidanceWindow = "0:1",
    strength: options.Strength = None,
    control_window: options.ControlShare = "0:1",
    profile: options.Profile = None,
    negative: options.Negative = "",
    model: options.Model = "diorama",
    control: options.Control = None,
    also: options.AlsoOption = None,
    lora: options.LoraOption = None,
    vae: options.Vae = None,
    clip_skip: options.ClipSkip = 0,
    safety_checker: options.SafetyCheckerOption = False,
    device: options.DeviceOption = "auto",
    precision: options.PrecisionOption = "auto",
    compiled: options.Compile = False,
    threads: options.Threads = 0,
    sampler: options.Sampler = None,
    schedule: options.Schedule = None,
    fit: options.FitOption = "pad",
    finish: options.Finish = True,
    expand: options.Expand = True,
    near: options.Near = "auto",
    kind: options.Kind = "auto",
    unit: options.Unit = "auto",
    colour_map: options.ColourMap = "auto",
    range_: options.Range = "auto",
    holes: options.Holes = None,
    empty: options.Empty = "auto",
    frame: options.FrameOption = "auto",
    part: options.Part = None,
    deband: options.Deband = False,
    photo: options.FromPhoto = False,
    estimator: options.EstimatorName = None,
    alpha_mask: options.AlphaMask = False,
    allow_constant: options.AllowConstant = False,
    max_pixels: options.MaxPixels = None,
    verify: options.Verify = False,
    min_agreement: options.MinAgreement = None,
    tries: options.Tries = None,
    best_of: options.BestOf = None,
    verify_with: options.VerifyWith = None,
    out: options.Out = Path("output_images"),
    name: options.Name = None,
    overwrite: options.Overwrite = False,
    sidecar: options.Sidecar = False,
    preview_every: options.PreviewEvery = 0,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Paint a picture that obeys a depth map and a sentence.

    \b
    Examples:
      depthpaint generate depth.png "a red sphere on snow, at night"
      depthpaint generate depth.npy "a room" --count 4 --size 940x564 --fit crop
      depthpaint generate depth.png "a room" --control-window 0:0.6 --dry-run
      depthpaint generate depth.png "a (red:1.3) house" --model sd15 --lora style.safetensors:0.8
    """  # fmt: skip
    from depthpaint.models.head_start import start_loading

    loading = None if dry_run else start_loading(model, threads)

    from depthpaint.cli.destination import Destination
    from depthpaint.cli.painting import paint_into

    if seed == RANDOM_SEED:
        seed = secrets.randbelow(2**32)
        tell(f"seed: {seed}", quiet=quiet)
    request = _request({
        "depth": depth, "prompt": as_utf8(prompt), "negative_prompt": as_utf8(negative), "seed": seed,
        "count": count, "size": size, "aspect": aspect, "num_inference_steps": steps,
        "guidance_scale": guidance, "guidance_window": guidance_window, "control_strength": strength,
        "control_window": control_window, "model": model, "sampler": sampler, "schedule": schedule,
        "fit": fit, "finish": finish, "expand": expand, "profile": profile, "control": control,
        "also": ",".join(also or ()), "lora": tuple(lora or ()), "vae": vae,
        "clip_skip": clip_skip, "safety_checker": safety_checker,
    } | options.said(
        near=near, kind=kind, unit=unit, colour_map=colour_map, range=range_, holes=holes, empty=empty,
        frame=frame, part=part, deband=deband, photo=photo, estimator=estimator, alpha_mask=alpha_mask,
        allow_constant=allow_constant, max_pixels=max_pixels,
    ))  # fmt: skip
    destination = Destination(
        folder=out, name=name, overwrite=overwrite, sidecar=sidecar, preview_every=preview_every
    )
    runtime = options.runtime_of(device, precision, compiled=compiled, threads=threads)
    wish = options.wish_of(
        verify=verify, least=min_agreement, tries=tries, best_of=best_of, estimator=verify_with
    )
    if dry_run:
        _print_plan(request, destination, runtime, wish, as_json=as_json, quiet=quiet)
        return
    made = Made(as_json=as_json)
    try:
        for result, saved in paint_into(
            request, destination, quiet=quiet, runtime=runtime, wish=wish, loading=loading
        ):
            made.add(result, saved)
            del result
    finally:
        # After an error or an interruption, too: what was saved is named.
        made.emit_document()
    if wish is not None:
        made.judge(wish, quiet=quiet)


def plan_document(plan: RunPlan) -> dict[str, Any]:
    """The plan as JSON holds it: sizes as text, the infinite first sigma of pure noise as "inf"."""
    from dataclasses import asdict
    from math import isinf

    document = asdict(plan)
    document["choice"] = plan.choice.model_dump(mode="json")
    document["also"] = [also.model_dump(mode="json") for also in plan.also]
    sizes = plan.sizes
    document["sizes"] = {
        "depth_size": str(sizes.depth_size), "content_size": str(sizes.content_size),
        "canvas_size": str(sizes.canvas_size), "content_box": list(sizes.content_box),
        "latent_size": str(sizes.latent_size), "output_size": str(sizes.output_size),
    }  # fmt: skip
    document["sigmas"] = ["inf" if isinf(sigma) else sigma for sigma in plan.sigmas]
    return document


def _request(values: dict[str, object]) -> GenerationRequest:
    from depthpaint.inputs.request import request_from

    return request_from(values)


class Made:
    """What has been saved: paths are printed at once, the JSON document at the end. It holds no pixels."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._images: list[dict[str, object]] = []
        self._agreements: list[tuple[Path, AgreementFacts]] = []
        self._plan: RunPlan | None = None

    def add(self, result: GenerationResult, saved: SavedPicture) -> None:
        """Keep what is printed of a picture."""
        (picture,) = result.pictures
        self._images.append(_row(result, picture, saved))
        if picture.agreement is not None:
            self._agreements.append((saved.path, picture.agreement))
        plan = result.plan
        if self._plan is not None:
            seeds, heard = (*self._plan.seeds, *plan.seeds), (*self._plan.heard, *plan.heard)
            plan = replace(plan, seeds=seeds, heard=heard)
        self._plan = plan
        if not self._as_json:
            emit_path(saved.path)

    def emit_document(self) -> None:
        """Print the one JSON document, where it is asked for and a picture was saved."""
        if self._as_json and self._plan is not None:
            emit_document({"images": self._images, "plan": plan_document(self._plan)})

    def judge(self, wish: Wish, *, quiet: bool) -> None:
        """Tell how each picture's depth agrees; exit 4 where one does not agree as wished."""
        for path, found in self._agreements:
            told = f"{path.name}: rank correlation {found.rank_correlation:.3f}"
            told += f", of detail {found.detail_correlation:.3f}, edges {found.edge_f_score:.2f}"
            tell(f"{told} (by {found.estimator})", quiet=quiet)
        if missed := sum(wish.is_missed_by(found.rank_correlation) for _, found in self._agreements):
            told = f"{missed} of {len(self._agreements)} pictures agree less than {wish.least:g}"
            tell(f"depthpaint: error: {told} in {wish.tries} tries; the best are kept")
            raise typer.Exit(SOME_FAILED)


def _row(result: GenerationResult, picture: PaintedPicture, saved: SavedPicture) -> dict[str, object]:
    """A picture in the JSON document."""
    row: dict[str, object] = {
        "path": str(saved.path),
        "seed": saved.seed,
        "width": saved.width,
        "height": saved.height,
        "sha256": saved.sha256,
        "warnings": list(result.warnings),
        "seconds": round(picture.seconds, 4),
    }
    if picture.agreement is not None:
        row["agreement"] = picture.agreement.model_dump(mode="json")
    return row


def _print_plan(
    request: GenerationRequest,
    destination: Destination,
    runtime: Runtime,
    wish: Wish | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    from depthpaint.cli.destination import check_destination
    from depthpaint.cli.painting import describe, make_engine

    check_destination(request, destination)
    engine = make_engine(runtime)
    depth, plan = engine.understand(request)
    engine.require_ready(request.choice, None if wish is None else wish.estimator)
    tell(describe(depth.source), quiet=quiet)
    for warning in (*depth.source.notes, *plan.warnings):
        warn(warning, quiet=quiet)
    document = plan_document(plan)
    if as_json:
        emit_document({"plan": document})
        return
    rows = {**document, **document.pop("sizes")}
    for key in ("sizes", "timesteps", "sigmas", "warnings"):
        del rows[key]
    width = max(map(len, rows))
    for key, value in rows.items():
        several = isinstance(value, tuple | list)
        shown = ", ".join(map(str, cast("list[object]", value))) if several else value
        emit(f"{key:{width}}  {shown}")
