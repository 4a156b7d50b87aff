"""`depthpaint replay`: paint a picture again from its own record, and compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from depthpaint.cli import completion, options, painting
from depthpaint.cli.picture_format import CHOICE
from depthpaint.cli.remedies import for_command
from depthpaint.cli.terminal import emit, emit_document, inform, step_bar
from depthpaint.core.errors import SOME_FAILED, DepthpaintError, ErrorCode, ParameterError, printable
from depthpaint.core.geometry import Extent
from depthpaint.depth.depth_map import Finding
from depthpaint.engine import Prepared
from depthpaint.models.painter import Runtime
from depthpaint.record.file_format import OPEN, FileFormat, FormatChoice
from depthpaint.record.paths import probe
from depthpaint.record.picture_file import read_record
from depthpaint.record.picture_source import is_as_painted, pixels_of, recorded_depth, recorded_init
from depthpaint.record.result import record_of, save_picture
from depthpaint.record.run_record import RecordError, RunRecord
from depthpaint.record.verdict import Verdict, compare, require_inversions


@dataclass(frozen=True, slots=True)
class Moved:
    """Files that are no longer where the record has them; None for those that are."""

    depth: Path | None
    init: Path | None
    settings: Mapping[str, object]
    max_pixels: int | None


def moved_of(
    depth: Annotated[
        Path | None, typer.Option(help="The depth map, or the folder that holds it, if it was moved.")
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(help="The picture to start from, or the folder that holds it, if it was moved."),
    ] = None,
    estimator: Annotated[
        str | None,
        typer.Option(
            help="For photos: the folder of the depth estimator, if it was moved.",
            autocompletion=completion.estimators,
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The model, if it was moved.", autocompletion=completion.models)
    ] = None,
    control: Annotated[str | None, typer.Option(help="The control network, if it was moved.")] = None,
    vae: Annotated[str | None, typer.Option(help="The autoencoder, if it was moved.")] = None,
    lora: Annotated[
        list[str] | None, typer.Option(help="The LoRAs, if they were moved: all, in the same order.")
    ] = None,
    max_pixels: int | None = options.MAX_PIXELS,
) -> Moved:
    """Where the files are now."""
    settings = {
        "from_photo": estimator,
        "model": model,
        "control": control,
        "vae": vae,
        "lora": lora,
        "max_pixels": max_pixels,
    }
    return Moved(depth, init, settings, max_pixels)


def runtime_of(device: options.DeviceOption = "auto", precision: options.PrecisionOption = "auto") -> Runtime:
    """Where to compute."""
    return options.runtime_of(device, precision)


MOVED, RUNTIME = options.group_of(moved_of), options.group_of(runtime_of)


@options.grouped
def replay(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Pictures that depthpaint painted.")
    ],
    moved: Moved = MOVED,
    runtime: Runtime = RUNTIME,
    out: Annotated[Path | None, typer.Option(help="Save the new pictures in this folder.")] = None,
    choice: FormatChoice = CHOICE,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Paint pictures again from their records. Each is bit-equal, within tolerance, or different.

    Exit status: 0 if no picture is different, 4 if some are different or failed.

    \b
    Examples:
      depthpaint replay output_images/a-red-sphere-12345.png
      depthpaint replay picture.png --depth maps/depth.png --out again
    """  # fmt: skip
    if choice != OPEN and out is None:
        raise ParameterError(
            "--format and --quality need --out, the folder in which the new pictures are saved",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="add --out, or leave them out",
        )
    form = choice.of()
    rows: list[dict[str, object]] = []
    failure: DepthpaintError | None = None
    for image in images:
        try:
            verdict = _replayed(image, moved, runtime, out, form)
        except DepthpaintError as error:
            failure = for_command(error)
            rows.append({"path": str(image), "verdict": None, "why": str(error), "error": error.code.value})
            if len(images) > 1 and not as_json:
                inform(f"depthpaint: error: {printable(str(image))}: {error}")
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
        raise typer.Exit(failure.exit_status) if as_json else failure
    if any(row["verdict"] in (None, "different") for row in rows):
        raise typer.Exit(SOME_FAILED)


def _replayed(image: Path, moved: Moved, runtime: Runtime, out: Path | None, form: FileFormat) -> Verdict:

    if out is not None:
        probe(out)
    record = read_record(image)
    original = pixels_of(image)
    _require_same_size(image, record, original)
    source = recorded_depth(record, image, moved.depth, moved.max_pixels)
    engine = painting.make_engine(runtime)
    settings = {**moved.settings, "init": recorded_init(record, image, moved.init)}
    prepared = engine.prepare(record.request(source, settings), recorded=True)
    prepared = _with_findings(prepared, record)
    if record.digests.inversions:
        require_inversions(record, prepared.plan)
    recorded = record.plan.expanded_prompt
    if recorded not in (None, *prepared.plan.prompts):
        # Another version may draw other colours for the same seed: use the prompt of the record.
        prepared = prepared.with_expanded(recorded)
    with step_bar(quiet=False) as show:
        result = engine.run(prepared, show)
    if out is not None:
        save_picture(result, 0, out, form=form)
    edited = not is_as_painted(image, record, original)
    return compare(record, original, record_of(result, 0), result.pictures[0].pixels, edited=edited)


def _with_findings(prepared: Prepared, record: RunRecord) -> Prepared:
    """The plan with the findings of the record, which are settings here although nobody has given them."""
    source = prepared.depth.source
    if source.sha256 != record.digests.depth:
        return prepared
    findings = tuple(Finding(**found.model_dump()) for found in record.depth.findings)
    depth = replace(prepared.depth, source=replace(source, findings=findings))
    return replace(prepared, depth=depth)


def _require_same_size(image: Path, record: RunRecord, pixels: NDArray[np.uint8]) -> None:
    """Refuse a record of another size: the picture would be painted at that size, however large."""
    height, width = pixels.shape[:2]
    size = Extent(width, height)
    if size != record.settings.size:
        raise RecordError(
            f"{image} is {size}, but its record is of a picture of {record.settings.size}",
            code=ErrorCode.RECORD_DAMAGED,
            value=str(size),
            limit=str(record.settings.size),
            remedy="use the original file that depthpaint wrote",
        )
