"""From a request to files: what `generate` and the interactive mode share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from depthpaint.cli.terminal import step_bar, tell, warn
from depthpaint.core.errors import ErrorCode, OutputError

if TYPE_CHECKING:
    from depthpaint.depth.depth_map import DepthSource
    from depthpaint.engine import Engine, Progress
    from depthpaint.inputs.request import GenerationRequest
    from depthpaint.record.picture_file import SavedPicture
    from depthpaint.record.result import GenerationResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where pictures go and how: `name` is a file's stem, `preview_every` counts steps, 0 for none."""

    folder: Path
    name: str | None = None
    overwrite: bool = False
    sidecar: bool = False
    preview_every: int = 0


def make_engine() -> Engine:
    """The engine that commands paint with."""
    from depthpaint.engine import Engine

    return Engine()


def paint_into(
    request: GenerationRequest, destination: Destination, *, quiet: bool, depth_told: bool = False
) -> tuple[GenerationResult, list[SavedPicture]]:
    """Paint and save every picture of `request`; what can be refused is refused before painting.

    `depth_told` says that the person has seen how the depth was understood.
    """
    from depthpaint.record.picture_file import save_picture

    check_destination(request, destination)
    engine = make_engine()
    with step_bar(quiet=quiet) as show:

        def listen(progress: Progress) -> None:
            show(progress)
            if destination.preview_every and progress.step % destination.preview_every == 0:
                _save_preview(progress, request, destination)

        result = engine.paint(request, listen)
    tell(describe(result.depth), quiet=quiet or depth_told)
    told = result.depth.notes if depth_told else ()
    for warning in result.warnings:
        if warning not in told:
            warn(warning, quiet=quiet)
    saved = [
        save_picture(
            result,
            index,
            destination.folder,
            overwrite=destination.overwrite,
            name=_name(destination, request, index),
            sidecar=destination.sidecar,
        )
        for index in range(len(result.pictures))
    ]
    return result, saved


def check_destination(request: GenerationRequest, destination: Destination) -> None:
    """Refuse a folder that cannot be written, a bad name, and a name that is taken. Raises OutputError."""
    from depthpaint.record.picture_file import checked_name

    folder = destination.folder
    existing = next((parent for parent in (folder, *folder.parents) if parent.exists()), Path())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(
            f"cannot write into {folder}",
            code=ErrorCode.OUTPUT_NOT_WRITABLE,
            value=str(folder),
            remedy="name a folder that you may write to with --out",
        )
    if destination.name is None or destination.overwrite:
        return
    for index in range(request.count):
        path = folder / checked_name(_name(destination, request, index) or "")
        if path.exists():
            raise OutputError(
                f"{path} is there already",
                code=ErrorCode.OUTPUT_EXISTS,
                value=str(path),
                remedy="choose another --name, or allow overwriting with --overwrite",
            )


def describe(source: DepthSource) -> str:
    """What the depth file was understood as, in one line."""
    low, high = source.raw_range
    kind = f"{source.format.upper()}, {source.bits_used} of {source.container_bits} bits used"
    colours = "" if source.colour_map == "gray" else f", colours of {source.colour_map} decoded"
    holes = f", {source.invalid_share:.1%} without depth" if source.invalid_share else ""
    return f"depth: {source.size}, {kind}, {low:g} to {high:g}{colours}{holes}; {source.near} is near"


def _name(destination: Destination, request: GenerationRequest, index: int) -> str | None:
    if destination.name is None or request.count == 1:
        return destination.name
    return f"{destination.name}-{index + 1}"


def _save_preview(progress: Progress, request: GenerationRequest, destination: Destination) -> None:
    from depthpaint.core.files import safe_stem, write_atomic
    from depthpaint.record.png_text import encode_png

    seed = (request.seed + progress.picture - 1) % 2**32
    stem = _name(destination, request, progress.picture - 1) or f"{safe_stem(request.prompt)}-{seed}"
    destination.folder.mkdir(parents=True, exist_ok=True)
    path = destination.folder / f"{stem}-step-{progress.step:03d}.png"
    write_atomic(path, encode_png(progress.preview(), {}), overwrite=True)
