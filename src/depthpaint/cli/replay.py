"""`depthpaint replay`: paint a picture again from its own record, and compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from depthpaint.cli.terminal import emit, emit_document, tell
from depthpaint.core.errors import DepthError, DepthpaintError, ErrorCode, printable

if TYPE_CHECKING:
    from depthpaint.record.run_record import RunRecord
    from depthpaint.record.verdict import Verdict

SOME_FAILED = 4


def replay(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Pictures that depthpaint painted.")
    ],
    depth: Annotated[Path | None, typer.Option(help="The depth map, if it is not where it was.")] = None,
    out: Annotated[Path | None, typer.Option(help="Keep the pictures that were painted again here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Paint pictures again: bit-equal, within tolerance, or different and why.

    Example: depthpaint replay output_images/a-red-sphere-12345.png
    """
    rows: list[dict[str, object]] = []
    failure: DepthpaintError | None = None
    for image in images:
        try:
            verdict = _again(image, depth, out)
        except DepthpaintError as error:
            failure = error
            rows.append({"path": str(image), "verdict": None, "why": str(error), "error": error.code.value})
            if not as_json:
                tell(f"{image}: {error}")
            continue
        rows.append({
            "path": str(image), "verdict": verdict.verdict, "why": verdict.why, "psnr": verdict.psnr,
            "largest_difference": verdict.largest_difference,
        })  # fmt: skip
        if not as_json:
            emit(printable(f"{image}: {verdict.verdict}" + (f" ({verdict.why})" if verdict.why else "")))
    if as_json:
        emit_document({"images": rows})
    if failure is not None and len(images) == 1:
        raise typer.Exit(failure.exit_status)
    if any(row["verdict"] in (None, "different") for row in rows):
        raise typer.Exit(SOME_FAILED)


def _again(image: Path, depth: Path | None, out: Path | None) -> Verdict:
    import numpy as np
    from PIL import Image

    from depthpaint.cli.painting import make_engine
    from depthpaint.record.picture_file import save_picture
    from depthpaint.record.png_text import read_record
    from depthpaint.record.run_record import record_of
    from depthpaint.record.verdict import compare

    record = read_record(image)
    try:
        with Image.open(image, formats=("PNG",)) as picture:
            original = np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DepthError(
            f"{image} cannot be read: its pixels are damaged",
            code=ErrorCode.RECORD_DAMAGED,
            remedy="use the picture as depthpaint wrote it",
        ) from error
    result = make_engine().paint(record.request(depth or _recorded_depth(record, image)))
    if out is not None:
        save_picture(result, 0, out)
    return compare(record, original, record_of(result, 0), result.pictures[0].pixels)


def _recorded_depth(record: RunRecord, image: Path) -> Path:
    """The depth file as the record names it, from here or beside the picture, if its bytes are the same."""
    from depthpaint.core.files import sha256_of

    named = Path(record.depth.file)
    found = [path for path in (named, image.parent / named.name) if path.is_file()]
    for path in found:
        if sha256_of(path) == record.digests.depth:
            return path
    raise DepthError(
        f"the depth map {named} of {image} {'has changed since' if found else 'is not here'}",
        code=ErrorCode.DEPTH_UNREADABLE,
        value=str(named),
        remedy="name the map with --depth",
    )
