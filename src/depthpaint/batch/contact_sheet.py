"""The pictures of a grid on labelled contact sheets, as an X/Y plot: one block for each map and seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, groupby, islice, product
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from depthpaint.batch.grid import Axis, Grid
from depthpaint.batch.job import jobs_of
from depthpaint.batch.manifest import Manifest, Shard
from depthpaint.batch.survey import ROW_ERRORS, checked_rows
from depthpaint.core.errors import DepthpaintError, printable
from depthpaint.core.files import replace_own, require_own
from depthpaint.record.encode import encode_png
from depthpaint.record.picture_file import SHEET, SHEET_KEY
from depthpaint.record.picture_source import pixels_of
from depthpaint.request import Request
from depthpaint.verification.choosing import Requirement

SIDE, GAP, LINE = 256, 8, 22
"""Pixels: longest side of a picture, space between pictures, height of a line of text."""
WIDEST, HIGHEST = 4096, 8192
"""Pixels of the largest sheet; what does not fit begins the next one."""
MOST_BLOCKS = 200
_FONT_SIZE = 15
_LEAST_SIDE = 48
MOST_ACROSS = 60
"""Pictures side by side; a part of the values begins a row of blocks of its own."""
MOST_DOWN = (HIGHEST - 2 * LINE - GAP) // (SIDE + GAP)
_Value = TypeVar("_Value")
_PAPER, _INK, _MISSING = (255, 255, 255), (20, 20, 20), (225, 225, 225)


@dataclass(slots=True)
class Block:
    """The pictures of one map, prompt and seed: a file for each point of the grid."""

    title: str
    files: dict[tuple[str, ...], Path] = field(default_factory=dict[tuple[str, ...], Path])


def blocks_of(
    manifest: Manifest, defaults: Mapping[str, object], folder: Path, required: Requirement | None
) -> Iterator[Block]:
    """The blocks of a batch in the order of its rows. Rows that cannot be painted are left out."""
    rows = ((line, parsed) for line, parsed in checked_rows(manifest, defaults))
    for _, several in groupby(rows, key=lambda row: row[0]):
        blocks: dict[int, Block] = {}
        for _, parsed in several:
            if isinstance(parsed, DepthpaintError):
                continue
            try:
                jobs = list(jobs_of(parsed, folder, required))
            except ROW_ERRORS:
                continue
            for index, job in enumerate(jobs):
                block = blocks.setdefault(index, Block(_title(job.request, manifest.grid)))
                block.files[parsed.point] = folder / job.file
        yield from blocks.values()


def _title(request: Request, grid: Grid) -> str:
    """What the pictures of a block have in common."""
    swept = {axis.field for axis in grid.axes}
    parts = [
        request.depth.name,
        *([] if "seed" in swept else [f"seed {request.seed}"]),
        *([] if "prompt" in swept else [request.prompt]),
    ]
    return ", ".join(parts)


def require_sheet(folder: Path, shard: Shard) -> None:
    """Raise OutputError if the first sheet of a batch would replace a file that is not a sheet."""
    require_own(_sheet_path(folder, shard, 1), _is_sheet)


def _sheet_path(folder: Path, shard: Shard, number: int) -> Path:
    part = "" if shard.of == 1 else f"-{shard.index}-of-{shard.of}"
    return folder / f"{SHEET}{part}{f'-{number}' if number > 1 else ''}.png"


def _is_sheet(proof: bytes) -> bool:
    return SHEET_KEY.encode() in proof


def write_sheets(
    manifest: Manifest,
    defaults: Mapping[str, object],
    folder: Path,
    required: Requirement | None = None,
    on_block: Callable[[], None] | None = None,
) -> list[Path]:
    """Write the contact sheets of a batch with a grid into its `folder`; returns their paths.

    The first axis runs to the right, the second down, further ones make blocks of their own. The first
    MOST_BLOCKS maps are shown. Raises OutputError, among others if a file of that name is not a sheet.
    """
    paths: list[Path] = []
    page: list[Image.Image] = []

    def finish() -> None:
        paths.append(_sheet_path(folder, manifest.shard, len(paths) + 1))
        data = encode_png(np.asarray(_stacked(page)), {SHEET_KEY: "1"})
        replace_own(paths[-1], data, _is_sheet)
        page.clear()

    for block in islice(blocks_of(manifest, defaults, folder, required), MOST_BLOCKS):
        for drawn in _drawn(block, manifest.grid.axes):
            if page and sum(each.height for each in page) + drawn.height > HIGHEST:
                finish()
            page.append(drawn)
        if on_block is not None:
            on_block()
    if page:
        finish()
    _remove_later_sheets(folder, manifest.shard, len(paths))
    return paths


def _remove_later_sheets(folder: Path, shard: Shard, last: int) -> None:
    """Remove the sheets of an earlier run that had more of them; other files are kept."""
    for number in count(last + 1):
        path = _sheet_path(folder, shard, number)
        try:
            require_own(path, _is_sheet)
            path.unlink()
        except OSError:  # there is none, or it is not a sheet
            return


def _drawn(block: Block, axes: Sequence[Axis]) -> Iterator[Image.Image]:
    """The block, once for each point of the axes after the second, in parts that fit on a sheet."""
    across = axes[0]
    down = axes[1] if len(axes) > 1 else None
    all_rows = down.values if down is not None else (None,)
    parts = list(product(_in_parts(all_rows, MOST_DOWN), _in_parts(across.values, MOST_ACROSS)))
    for fixed in product(*(axis.values for axis in axes[2:])):
        named = [f"{axis.label} {value}" for axis, value in zip(axes[2:], fixed, strict=True)]
        title = ", ".join([*named, block.title])
        for rows, columns in parts:
            cells = [
                [block.files.get((x, *(() if y is None else (y,)), *fixed)) for x in columns] for y in rows
            ]
            labels = ["" if down is None or y is None else f"{down.label} {y}" for y in rows]
            yield _table(title, [f"{across.label} {x}" for x in columns], labels, cells)


def _in_parts(values: Sequence[_Value], most: int) -> list[Sequence[_Value]]:
    return [values[start : start + most] for start in range(0, len(values), most)]


def _table(
    title: str, columns: Sequence[str], rows: Sequence[str], cells: Sequence[Sequence[Path | None]]
) -> Image.Image:
    """A title, a line of column labels, and for each row its label and its pictures."""
    font = ImageFont.load_default(_FONT_SIZE)
    longest = max((int(font.getlength(row)) + GAP for row in rows if row), default=0)
    margin = GAP + min(longest, SIDE)
    side = max(_LEAST_SIDE, min(SIDE, (WIDEST - margin) // len(columns) - GAP))
    pictures = [[_thumbnail(path, side) for path in row] for row in cells]
    height = max(picture.height for row in pictures for picture in row)
    sheet = Image.new(
        "RGB",
        (margin + len(columns) * (side + GAP), 2 * LINE + GAP + len(rows) * (height + GAP)),
        _PAPER,
    )
    draw = ImageDraw.Draw(sheet)

    def write(x: int, y: int, text: str, room: int) -> None:
        text = printable(" ".join(text.split()))
        while font.getlength(text) > room and len(text) > 4:
            text = text[: -max(4, len(text) // 20)].rstrip() + "..."
        draw.text((x, y), text, _INK, font)

    write(GAP, 2, title, sheet.width - 2 * GAP)
    for column, label in enumerate(columns):
        write(margin + column * (side + GAP), LINE, label, side)
    for row, label in enumerate(rows):
        top = 2 * LINE + row * (height + GAP)
        write(GAP, top + (height - LINE) // 2, label, margin - GAP)
        for column, picture in enumerate(pictures[row]):
            sheet.paste(picture, (margin + column * (side + GAP), top))
    return sheet


def _thumbnail(path: Path | None, side: int) -> Image.Image:
    """A picture of at most `side` pixels; a gray one where it was not painted."""
    try:
        if path is None:
            raise FileNotFoundError
        picture = Image.fromarray(pixels_of(path))
    except (DepthpaintError, OSError):
        missing = Image.new("RGB", (side, side), _MISSING)
        ImageDraw.Draw(missing).text((GAP, GAP), "not painted", _INK, ImageFont.load_default(_FONT_SIZE))
        return missing
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return picture


def _stacked(blocks: Sequence[Image.Image]) -> Image.Image:
    sheet = Image.new(
        "RGB", (max(block.width for block in blocks), sum(block.height for block in blocks)), _PAPER
    )
    top = 0
    for block in blocks:
        sheet.paste(block, (0, top))
        top += block.height
    return sheet
