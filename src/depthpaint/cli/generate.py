"""`depthpaint generate`: one depth map, one sentence, one or more pictures."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from depthpaint.cli.terminal import emit, emit_document, tell

if TYPE_CHECKING:
    from depthpaint.inputs.request import GenerationRequest
    from depthpaint.plan.run_plan import RunPlan

RANDOM_SEED = -1


def generate(  # noqa: PLR0913 - one parameter a flag; they become one request at once
    depth: Annotated[Path, typer.Argument(help="Depth map: PNG (1 to 16 bits) or NPY.")],
    prompt: Annotated[str, typer.Argument(help="What is in the picture.")],
    seed: Annotated[int, typer.Option(help="0 to 4294967295; -1 draws one.")] = 12345,
    count: Annotated[int, typer.Option(help="Pictures; picture k has the seed plus k.")] = 1,
    size: Annotated[
        str | None, typer.Option(help="Output, like 940x564, or 'depth' for the map's own.")
    ] = None,
    aspect: Annotated[str | None, typer.Option(help="Ratio at the model's trained area, like 5:3.")] = None,
    steps: Annotated[int | None, typer.Option(help="num_inference_steps.")] = None,
    guidance: Annotated[float | None, typer.Option(help="guidance_scale; 1 is off.")] = None,
    guidance_window: Annotated[str, typer.Option(help="Share of the steps with guidance.")] = "0:1",
    strength: Annotated[float | None, typer.Option(help="How strongly depth controls; 0 is off.")] = None,
    control_window: Annotated[str, typer.Option(help="Share of the steps with depth, like 0:0.6.")] = "0:1",
    negative: Annotated[str, typer.Option(help="What should not be in the picture.")] = "",
    model: Annotated[str, typer.Option(help="See: depthpaint models list.")] = "diorama",
    sampler: Annotated[
        str | None, typer.Option(help="euler, euler-ancestral, heun, dpm++-2m, ddim, unipc.")
    ] = None,
    schedule: Annotated[
        str | None, typer.Option(help="trailing, leading, linspace, karras, exponential.")
    ] = None,
    near: Annotated[str, typer.Option(help="Which end of the map is near: white or black.")] = "white",
    fit: Annotated[str, typer.Option(help="Where ratios differ: pad, crop or stretch.")] = "pad",
    alpha_mask: Annotated[
        bool, typer.Option("--alpha-mask", help="Transparent pixels have no depth.")
    ] = False,
    allow_constant: Annotated[bool, typer.Option("--allow-constant", help="Let a flat map through.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("output_images"),
    name: Annotated[str | None, typer.Option(help="File name; without it, from prompt and seed.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    sidecar: Annotated[bool, typer.Option("--sidecar", help="Write the record as .json, too.")] = False,
    preview_every: Annotated[int, typer.Option(min=0, help="Save what it looks like every N steps.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan; paint nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Paint a picture that obeys a depth map and a sentence.

    Example: depthpaint generate depth.png "a red sphere on a green floor, at sunset" --size 940x564
    """
    from depthpaint.cli.painting import Destination, paint_into

    if seed == RANDOM_SEED:
        seed = secrets.randbelow(2**32)
        tell(f"seed: {seed}", quiet=quiet)
    request = _request({
        "depth": depth, "prompt": prompt, "negative_prompt": negative, "seed": seed, "count": count,
        "size": size, "aspect": aspect, "num_inference_steps": steps, "guidance_scale": guidance,
        "guidance_window": guidance_window, "control_strength": strength, "control_window": control_window,
        "model": model, "sampler": sampler, "schedule": schedule, "near": near, "fit": fit,
        "alpha_mask": alpha_mask, "allow_constant": allow_constant,
    })  # fmt: skip
    if dry_run:
        _print_plan(request, as_json=as_json)
        return
    destination = Destination(
        folder=out, name=name, overwrite=overwrite, sidecar=sidecar, preview_every=preview_every
    )
    result, saved = paint_into(request, destination, quiet=quiet or as_json)
    if not as_json:
        for picture in saved:
            emit(picture.path)
        return
    images = [
        {
            "path": str(picture.path),
            "seed": picture.seed,
            "width": picture.width,
            "height": picture.height,
            "sha256": picture.sha256,
            "warnings": list(result.warnings),
            "seconds": round(result.pictures[index].seconds, 4),
        }
        for index, picture in enumerate(saved)
    ]
    emit_document({"images": images, "plan": plan_document(result.plan)})


def plan_document(plan: RunPlan) -> dict[str, Any]:
    """The plan as JSON holds it: sizes as text, the infinite first sigma of pure noise as "inf"."""
    from dataclasses import asdict
    from math import isinf

    document = asdict(plan)
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


def _print_plan(request: GenerationRequest, *, as_json: bool) -> None:
    from depthpaint.cli.painting import describe, make_engine

    depth, plan = make_engine().understand(request)
    document = plan_document(plan)
    if as_json:
        emit_document({"plan": document})
        return
    tell(describe(depth.source))
    rows = {**document, **document.pop("sizes")}
    del rows["sizes"], rows["timesteps"], rows["sigmas"]
    width = max(map(len, rows))
    for key, value in rows.items():
        several = isinstance(value, tuple | list)
        shown = ", ".join(map(str, cast("list[object]", value))) if several else value
        emit(f"{key:{width}}  {shown}")
