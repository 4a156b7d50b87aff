"""`depthpaint replay`: paint a picture again from its own record, and compare."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from depthpaint.cli import options
from depthpaint.cli.terminal import emit, emit_document, step_bar, tell
from depthpaint.core.errors import DepthError, DepthpaintError, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from depthpaint.models.runtime import Runtime
    from depthpaint.record.run_record import RunRecord
    from depthpaint.record.verdict import Verdict

SOME_FAILED = 4


def replay(  # noqa: PLR0913 - one parameter a flag
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Pictures that depthpaint painted.")
    ],
    depth: Annotated[Path | None, typer.Option(help="The depth map, if it is not where it was.")] = None,
    estimator: Annotated[
        str | None, typer.Option(help="For photos: the estimator's folder, if it is not where it was.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The model, if it is not where it was.")] = None,
    control: Annotated[str | None, typer.Option(help="The control network, likewise.")] = None,
    vae: Annotated[str | None, typer.Option(help="The autoencoder, likewise.")] = None,
    lora: Annotated[list[str] | None, typer.Option(help="The LoRAs, likewise, all in their order.")] = None,
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
    moved = {"from_photo": estimator, "model": model, "control": control, "vae": vae, "lora": lora}
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
                tell(f"depthpaint: error: {image}: {error}")
            continue
        rows.append({
            "path": str(image), "verdict": verdict.verdict, "why": verdict.why, "psnr": verdict.psnr,
            "largest_difference": verdict.largest_difference,
        })  # fmt: skip
        if not as_json:
            emit(f"{image}: {verdict.verdict}" + (f" ({verdict.why})" if verdict.why else ""))
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
    from depthpaint.cli.destination import probe
    from depthpaint.cli.painting import make_engine
    from depthpaint.record.picture_file import save_picture
    from depthpaint.record.png_text import read_record
    from depthpaint.record.run_record import record_of
    from depthpaint.record.verdict import compare

    if out is not None:
        probe(out)
    record = read_record(image)
    original = _pixels(image)
    request = record.request(depth or _recorded_depth(record, image), moved)
    with step_bar(quiet=False) as show:
        result = make_engine(runtime).paint(request, show)
    if out is not None:
        save_picture(result, 0, out)
    return compare(record, original, record_of(result, 0), result.pictures[0].pixels)


def _pixels(image: Path) -> NDArray[np.uint8]:
    import numpy as np
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # A picture so large that Pillow warns of it is none of ours.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(image, formats=("PNG",)) as picture:
                return np.asarray(picture.convert("RGB"))
    except (
        OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning,
    ) as error:  # fmt: skip
        raise DepthError(
            f"{image} cannot be read: its pixels are damaged",
            code=ErrorCode.RECORD_DAMAGED,
            remedy="use the picture as depthpaint wrote it",
        ) from error


def _recorded_depth(record: RunRecord, image: Path) -> Path:
    """The depth file as the record names it, from here or beside the picture, if its bytes are the same."""
    named = Path(record.depth.file)
    found = [path for path in (named, image.parent / named.name) if path.is_file()]
    for path in found:
        if _digest(path) == record.digests.depth:
            return path
    raise DepthError(
        f"the depth map {named} of {image} {'has changed since' if found else 'is not here'}",
        code=ErrorCode.DEPTH_UNREADABLE,
        value=str(named),
        remedy="name the map with --depth",
    )


def _digest(path: Path) -> str:
    from depthpaint.core.files import sha256_of

    try:
        return sha256_of(path)
    except OSError as error:
        raise DepthError(
            f"cannot read {path}: {error.strerror}",
            code=ErrorCode.DEPTH_UNREADABLE,
            value=str(path),
            remedy="name a map that can be read with --depth",
        ) from error
