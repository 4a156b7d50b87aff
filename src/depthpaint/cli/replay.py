"""`depthpaint replay`: paint a picture again from its own record, and compare."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, cast

import numpy as np
import typer
from numpy.typing import NDArray

from depthpaint.cli import completion, options, painting
from depthpaint.cli.painting import probe
from depthpaint.cli.terminal import emit, emit_document, step_bar, tell
from depthpaint.core.errors import DepthpaintError, ErrorCode, printable
from depthpaint.core.geometry import Extent
from depthpaint.models.painter import Runtime
from depthpaint.record.picture_file import read_record
from depthpaint.record.picture_source import pixels_of, recorded_depth
from depthpaint.record.result import record_of, save_picture
from depthpaint.record.run_record import RecordError, RunRecord
from depthpaint.record.verdict import Verdict, compare, require_learned_words

SOME_FAILED = 4


@options.grouped
def replay(  # noqa: PLR0913 - one parameter a flag
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Pictures that depthpaint painted.")
    ],
    depth: Annotated[
        Path | None, typer.Option(help="The depth map, or its folder, if it is not where it was.")
    ] = None,
    estimator: Annotated[
        str | None,
        typer.Option(
            help="For photos: the estimator's folder, if it is not where it was.",
            autocompletion=completion.estimators,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="The model, if it is not where it was.", autocompletion=completion.models),
    ] = None,
    control: Annotated[str | None, typer.Option(help="The control network, likewise.")] = None,
    vae: Annotated[str | None, typer.Option(help="The autoencoder, likewise.")] = None,
    lora: Annotated[list[str] | None, typer.Option(help="The LoRAs, likewise, all in their order.")] = None,
    max_pixels: int | None = options.MAX_PIXELS,
    device: options.DeviceOption = "auto",
    precision: options.PrecisionOption = "auto",
    out: Annotated[Path | None, typer.Option(help="Keep the pictures that were painted again here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Paint pictures again: bit-equal, within tolerance, or different and why.

    \b
    Examples:
      depthpaint replay output_images/a-red-sphere-12345.png
      depthpaint replay picture.png --depth maps/depth.png --out again
    """  # fmt: skip
    moved = {
        "from_photo": estimator,
        "model": model,
        "control": control,
        "vae": vae,
        "lora": lora,
        "max_pixels": max_pixels,
    }
    runtime = options.runtime_of(device, precision)
    rows: list[dict[str, object]] = []
    failure: DepthpaintError | None = None
    for image in images:
        try:
            verdict = _again(image, depth, moved, runtime, out)
        except DepthpaintError as error:
            failure = error
            rows.append({"path": str(image), "verdict": None, "why": str(error), "error": error.code.value})
            if len(images) > 1 and not as_json:
                tell(f"depthpaint: error: {printable(str(image))}: {error}")
            continue
        rows.append({
            "path": str(image), "verdict": verdict.verdict, "why": verdict.why, "psnr": verdict.psnr,
            "largest_difference": verdict.largest_difference,
        })  # fmt: skip
        if not as_json:
            emit(f"{printable(str(image))}: {verdict.verdict}" + (f" ({verdict.why})" if verdict.why else ""))
    if as_json:
        emit_document({"images": rows})
    if failure is not None and len(images) == 1:
        if as_json:
            raise typer.Exit(failure.exit_status)
        raise failure
    if any(row["verdict"] in (None, "different") for row in rows):
        raise typer.Exit(SOME_FAILED)


def _again(
    image: Path, depth: Path | None, moved: Mapping[str, object], runtime: Runtime, out: Path | None
) -> Verdict:

    if out is not None:
        probe(out)
    record = read_record(image)
    original = pixels_of(image)
    _require_same_size(image, record, original)
    most = cast("int | None", moved["max_pixels"])
    request = record.request(recorded_depth(record, image, depth, most), moved)
    engine = painting.make_engine(runtime)
    prepared = engine.prepare(request)
    if record.digests.inversions:
        require_learned_words(record, prepared.plan)
    recorded = record.plan.expanded_prompt
    if recorded not in (None, *prepared.plan.prompts):
        # Colours are drawn otherwise by now: the model is given the prompt that it was given then.
        prepared = prepared.with_prompt(recorded)
    with step_bar(quiet=False) as show:
        result = engine.run(prepared, show)
    if out is not None:
        save_picture(result, 0, out)
    return compare(record, original, record_of(result, 0), result.pictures[0].pixels)


def _require_same_size(image: Path, record: RunRecord, pixels: NDArray[np.uint8]) -> None:
    """Refuse a record of another size: it would be painted at that size, however large."""
    height, width = pixels.shape[:2]
    size = Extent(width, height)
    if size != record.settings.size:
        raise RecordError(
            f"{image} is {size}, and its record is of a picture of {record.settings.size}",
            code=ErrorCode.RECORD_DAMAGED,
            value=str(size),
            limit=str(record.settings.size),
            remedy="use the picture as depthpaint wrote it",
        )
