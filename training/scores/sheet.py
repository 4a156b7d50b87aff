"""A sheet of held-out worlds for eyes: painted above rendered above the asked depth, the caption beneath."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from training.scores.held_out import HeldOut, Picture

MOST, COLUMNS = 48, 8
CELL, MARGIN = 160, 6
"""Pixels: no picture is shown larger than CELL either way."""
FONT, LETTERS, LINES = 9, 33, 7


def save_sheet(shown: Sequence[tuple[HeldOut, Picture]], path: Path) -> None:
    """Write the sheet of the first MOST worlds, each with its painting (H, W, 3)."""
    shown = shown[:MOST]
    font = ImageFont.load_default(FONT)
    text = LINES * (FONT + 3)
    rows = [shown[start : start + COLUMNS] for start in range(0, len(shown), COLUMNS)]
    tallest = [max(_fitted(asked)[1] for asked, _ in row) for row in rows]
    heights = [3 * (tall + 2) + text + MARGIN for tall in tallest]
    width = min(COLUMNS, len(shown)) * (CELL + MARGIN)
    sheet = Image.new("RGB", (width, sum(heights)), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (row, tall) in enumerate(zip(rows, tallest, strict=True)):
        top = sum(heights[:number])
        for column, (asked, painted) in enumerate(row):
            x = column * (CELL + MARGIN)
            depth = np.repeat((asked.disparity * 255).round().astype(np.uint8)[..., None], 3, axis=-1)
            for below, picture in enumerate((painted, asked.render, depth)):
                image = Image.fromarray(picture).resize(_fitted(asked), Image.Resampling.LANCZOS)
                sheet.paste(image, (x, top + below * (tall + 2)))
            lines = textwrap.wrap(asked.caption, LETTERS)[:LINES]
            pen.multiline_text((x, top + 3 * (tall + 2)), "\n".join(lines), "black", font, spacing=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def _fitted(asked: HeldOut) -> tuple[int, int]:
    width, height = asked.size
    scale = min(1.0, CELL / width, CELL / height)
    return round(width * scale), round(height * scale)
