"""A sheet of worlds for eyes: picture, disparity, caption beneath."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from training.worlds.caption import full_caption, random_caption, visible_named
from training.worlds.degrade import scaled
from training.worlds.families import random_world
from training.worlds.render import render_worlds

MARGIN = 6


def contact_sheet(
    seeds: Sequence[int], *, width: int = 128, height: int = 128, columns: int = 6, family: str | None = None,
    style: str | None = None, full: bool = False, font_size: int = 10,
) -> Image.Image:  # fmt: skip
    """Draw the worlds of `seeds`; under each its caption, full or as a person might write it."""
    ratio = width / height
    worlds = [random_world(np.random.default_rng(s), family=family, ratio=ratio, style=style) for s in seeds]
    drawn = render_worlds(worlds, width, height)
    font = ImageFont.load_default(font_size)
    letters = max(12, int(width / (0.52 * font_size)))
    text_height = (8 if full else 5) * (font_size + 3)
    cell_width, cell_height = width + MARGIN, 2 * height + text_height + MARGIN
    rows = -(-len(worlds) // columns)
    sheet = Image.new("RGB", (columns * cell_width + MARGIN, rows * cell_height + MARGIN), "white")
    pen = ImageDraw.Draw(sheet)
    for i, (seed, world) in enumerate(zip(seeds, worlds, strict=True)):
        x, y = MARGIN + i % columns * cell_width, MARGIN + i // columns * cell_height
        picture = (drawn.picture[i].cpu().numpy() * 255).round().astype(np.uint8)
        depth = (scaled(drawn.disparity[i].cpu().numpy()) * 255).round().astype(np.uint8)
        sheet.paste(Image.fromarray(picture), (x, y))
        sheet.paste(Image.fromarray(depth), (x, y + height))
        visible = visible_named(drawn.ids[i], len(world.named))
        rng = np.random.default_rng((seed, 1))
        text = full_caption(world, visible) if full else random_caption(world, visible, rng)
        lines = textwrap.wrap(text, letters)[: 8 if full else 5]
        pen.multiline_text((x, y + 2 * height + 2), "\n".join(lines), fill="black", font=font, spacing=1)
    return sheet
