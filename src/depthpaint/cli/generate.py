"""`depthpaint generate`: one depth map, one prompt, one or more pictures."""

from __future__ import annotations

import secrets
from dataclasses import replace
from math import isinf
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from depthpaint.cli import options
from depthpaint.cli.config import OUT_FOLDER
from depthpaint.cli.picture_format import CHOICE
from depthpaint.cli.terminal import as_utf8, emit, emit_document, emit_path, inform, warn
from depthpaint.core.errors import SOME_FAILED
from depthpaint.models.diorama import family
from depthpaint.record.file_format import FormatChoice
from depthpaint.record.paths import Destination, check_destination
from depthpaint.request import Request, request_from

if TYPE_CHECKING:
    from depthpaint.cli.painting import Made
    from depthpaint.models.painter import Runtime
    from depthpaint.plan import RunPlan
    from depthpaint.record.picture_file import SavedPicture
    from depthpaint.record.sections import AgreementFacts
    from depthpaint.verification.choosing import Requirement

RANDOM_SEED = -1


def destination_of(
    out: options.Out = OUT_FOLDER,
    name: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=options.OUTPUT_PANEL, help="Name of the file. Default: prompt and seed."
        ),
    ] = None,
    overwrite: options.Overwrite = False,
    sidecar: Annotated[
        bool,
        typer.Option(
            "--sidecar", rich_help_panel=options.OUTPUT_PANEL, help="Also write the record as a .json file."
        ),
    ] = False,
    preview_every: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            rich_help_panel=options.OUTPUT_PANEL,
            help="Save a preview every N steps, as NAME-step-003.png. 0: none.",
        ),
    ] = 0,
    choice: FormatChoice = CHOICE,
) -> Destination:
    """Where the pictures go, and in which format."""
    return Destination(
        folder=out, name=name, overwrite=overwrite, sidecar=sidecar, preview_every=preview_every,
        form=choice.of(name),
    )  # fmt: skip


SETTINGS, DESTINATION = options.settings_group(), options.group_of(destination_of)


@options.grouped
def generate(
    depth: options.Depth,
    prompt: options.Prompt,
    settings: dict[str, object] = SETTINGS,
    required: Requirement | None = options.REQUIREMENT,
    runtime: Runtime = options.RUNTIME,
    destination: Destination = DESTINATION,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Paint a picture that obeys a depth map and a prompt.

    \b
    Examples:
      depthpaint generate depth.png "a red sphere on snow, at night"
      depthpaint generate depth.npy "a room" --count 4 --size 940x564 --fit crop
      depthpaint generate depth.png "a room" --control-window 0:0.6 --dry-run
      depthpaint generate depth.png "a (red:1.3) house" --model sd15 --lora style.safetensors:0.8
      depthpaint generate depth.png "a room" --format webp --quality 90
    """  # fmt: skip
    loading = None if dry_run else family.start_loading(str(settings.get("model", "diorama")), runtime)
    # The import takes about as long as the loading, and is done meanwhile.
    from depthpaint.cli.painting import paint_into

    if settings.get("seed") == RANDOM_SEED:
        settings["seed"] = secrets.randbelow(2**32)
        inform(f"seed: {settings['seed']}", quiet=quiet)
    request = request_from({"depth": depth, "prompt": as_utf8(prompt), **settings})
    if dry_run:
        _print_plan(request, destination, runtime, required, as_json=as_json, quiet=quiet)
        return
    output = PictureOutput(as_json=as_json)
    try:
        for made in paint_into(
            request, destination, quiet=quiet, runtime=runtime, required=required, loading=loading
        ):
            output.add(made)
    finally:
        # Also after an error or an interruption: the document names the pictures that were saved.
        output.emit_document()
    if required is not None:
        output.report_agreement(required, quiet=quiet)


def plan_document(plan: RunPlan) -> dict[str, Any]:
    """The plan for JSON: sizes as text, the infinite first sigma of pure noise as "inf"."""
    sizes = plan.sizes
    return {
        "model": plan.model,
        "settings": plan.settings.model_dump(mode="json"),
        "seeds": list(plan.seeds),
        "prompts": list(plan.prompts),
        "prediction": plan.prediction,
        "timesteps": plan.schedule.timesteps.tolist(),
        "sigmas": ["inf" if isinf(sigma) else float(sigma) for sigma in plan.schedule.sigmas],
        "sizes": {
            "depth_size": str(sizes.depth_size), "content_size": str(sizes.content_size),
            "canvas_size": str(sizes.canvas_size), "content_box": list(sizes.content_box),
            "latent_size": str(sizes.latent_size), "output_size": str(sizes.output_size),
        },
        "inversions": dict(plan.inversions),
        "warnings": list(plan.warnings),
    }  # fmt: skip


class PictureOutput:
    """Prints paths of saved pictures at once, and the JSON document at the end. It holds no pixels."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._images: list[dict[str, object]] = []
        self._agreements: list[tuple[SavedPicture, AgreementFacts]] = []
        self._plan: RunPlan | None = None

    def add(self, made: Made) -> None:
        """Print the path of a picture, or keep its facts for the JSON document."""
        self._images.append(_row(made))
        if made.agreement is not None:
            self._agreements.append((made.saved, made.agreement))
        plan = made.plan
        if self._plan is not None:
            seeds, prompts = (*self._plan.seeds, *plan.seeds), (*self._plan.prompts, *plan.prompts)
            plan = replace(self._plan, seeds=seeds, prompts=prompts)
        self._plan = plan
        if not self._as_json:
            emit_path(made.saved.path)

    def emit_document(self) -> None:
        """Print the JSON document, if it is wanted and a picture was saved."""
        if self._as_json and self._plan is not None:
            emit_document({"images": self._images, "plan": plan_document(self._plan)})

    def report_agreement(self, required: Requirement, *, quiet: bool) -> None:
        """Print how well each picture's depth agrees. Exit with 4 if one agrees less than requested."""
        from depthpaint.cli.painting import agreement_line

        for saved, found in self._agreements:
            inform(agreement_line(saved.path, saved.seed, found), quiet=quiet)
        if missed := sum(required.is_missed_by(found.depth_agreement) for _, found in self._agreements):
            share = f"{missed} of {len(self._agreements)} pictures agree less than {required.least:g}"
            inform(f"depthpaint: error: {share} in {required.tries} tries; the best are kept")
            raise typer.Exit(SOME_FAILED)


def _row(made: Made) -> dict[str, object]:
    """A picture's object in the JSON document."""
    saved = made.saved
    row: dict[str, object] = {
        "path": str(saved.path),
        "seed": saved.seed,
        "width": saved.width,
        "height": saved.height,
        "sha256": saved.sha256,
        "warnings": list(made.warnings),
        "seconds": round(made.seconds, 4),
    }
    if made.earlier:
        row["earlier"] = True
    if made.agreement is not None:
        row["agreement"] = made.agreement.model_dump(mode="json")
    return row


def _print_plan(
    request: Request,
    destination: Destination,
    runtime: Runtime,
    required: Requirement | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:

    from depthpaint.cli import painting

    check_destination(request, destination)
    engine = painting.make_engine(runtime)
    prepared = engine.prepare(request)
    depth, plan = prepared.depth, prepared.plan
    engine.require_ready(request.choice, None if required is None else required.estimator)
    inform(painting.describe(depth.source), quiet=quiet)
    for warning in (*depth.source.notes, *plan.warnings):
        warn(warning, quiet=quiet)
    document = plan_document(plan)
    if as_json:
        emit_document({"plan": document})
        return
    rows = {**document["settings"], **document, **document["sizes"]}
    for key in ("settings", "sizes", "size", "timesteps", "sigmas", "warnings"):
        del rows[key]
    width = max(map(len, rows))
    for key, value in rows.items():
        several = isinstance(value, tuple | list)
        shown = ", ".join(map(str, cast("list[object]", value))) if several else value
        emit(f"{key:{width}}  {shown}")
