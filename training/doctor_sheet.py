"""A picture of what the depth doctor does: files as they are found, above what it understood."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from depthpaint.depth.colour_map import colours_of
from depthpaint.depth.depth_map import DepthReading
from depthpaint.depth.read import read_depth
from training.near_study import HELD_OUT_SEED
from training.worlds.families import random_world
from training.worlds.render import render_worlds

SIDE, GAP, TITLE = 192, 8, 34
FAMILIES = ("bedroom", "chair room", "house", "living room", "snowy mountains", "kitchen")
Case = tuple[str, str, bytes, dict[str, object]]


def doctor_sheet() -> Image.Image:
    """Six files that other programs misread, each with what it shows and what was understood of it."""
    cases = list(_cases())
    sheet = Image.new("RGB", (len(cases) * (SIDE + GAP) + GAP, 2 * (SIDE + GAP) + TITLE), "white")
    draw = ImageDraw.Draw(sheet)
    with tempfile.TemporaryDirectory() as folder:
        for column, (title, name, data, said) in enumerate(cases):
            path = Path(folder) / name
            path.write_bytes(data)
            depth = read_depth(path, DepthReading.model_validate(said))
            left = GAP + column * (SIDE + GAP)
            source = depth.source
            draw.text((left, 4), title, fill="black")
            draw.text((left, 17), f"{source.colour_map}, {source.near} is near, {source.kind}", fill="black")
            for row, picture in enumerate((_as_shown(path), np.rint(depth.values * 255).astype(np.uint8))):
                small = Image.fromarray(picture).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
                sheet.paste(small, (left, TITLE + row * (SIDE + GAP)))
    return sheet


def _as_shown(path: Path) -> NDArray[np.uint8]:
    """What an image viewer shows of the file: 16 bits by their high byte, floats stretched."""
    if path.suffix == ".npy":
        values = np.nan_to_num(np.load(path), nan=0.0)
        return np.rint(np.clip(values / values.max(), 0, 1) * 255).astype(np.uint8)
    with Image.open(path) as image:
        values = np.asarray(image)
    return (values >> 8).astype(np.uint8) if values.dtype == np.uint16 else values


def _cases() -> Iterator[Case]:
    rng = np.random.default_rng(HELD_OUT_SEED + 3)
    maps = [
        render_worlds([random_world(rng, family=family, ratio=1.0)], 256, 256, depth_only=True)
        .disparity[0]
        .numpy()
        for family in FAMILIES
    ]
    near = [(depth - depth.min()) / np.ptp(depth) for depth in maps]
    yield "turbo, red and blue swapped", "a.png", _png(_painted("turbo", 1 - near[0])[..., ::-1]), {}
    yield "a plot, saved as JPEG", "b.jpg", _jpeg(_page(_painted("viridis", near[1]))), {}
    yield "a renderer's Z, normalised", "c.png", _png(_linear(maps[2])), {}
    metres = 1 / np.maximum(maps[3], 1 / 20)
    metres[60:110, 90:140] = 0
    metres[rng.random(metres.shape) < 0.05] = 0
    yield "millimetres with holes", "d.png", _png(np.rint(metres * 1000).astype(np.uint16)), {}
    banded = np.rint(near[4] * 24).astype(np.uint8) * 10
    yield "25 levels, --deband", "e.png", _png(banded), {"deband": True}
    squashed = (near[5] * 25 + 12).astype(np.float32)
    squashed[:40, :60], squashed[200, 30] = -1.0, 900.0
    yield "a few values far from the rest", "f.npy", _npy(squashed), {}


def _painted(name: str, positions: NDArray[np.floating]) -> NDArray[np.uint8]:
    return colours_of(name)[np.rint(positions * 255).astype(np.intp)].astype(np.uint8)  # type: ignore[arg-type]


def _linear(disparity: NDArray[np.floating]) -> NDArray[np.uint16]:
    distance = 1 / np.maximum(disparity, 1 / 60)
    return np.rint((distance - distance.min()) / np.ptp(distance) * 65_535).astype(np.uint16)


def _page(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A plot: paper, a line around the map, a title and a colour bar."""
    page = Image.new("RGB", (380, 330), "white")
    draw = ImageDraw.Draw(page)
    draw.rectangle((29, 39, 286, 296), outline="black")
    page.paste(Image.fromarray(picture), (30, 40))
    bar = np.repeat(np.linspace(255, 0, 256).astype(int)[:, None], 16, axis=1)
    page.paste(Image.fromarray(colours_of("viridis").astype(np.uint8)[bar]), (305, 40))
    draw.text((130, 18), "Depth", fill="black")
    return np.asarray(page)


def _png(values: NDArray[np.generic]) -> bytes:
    return _saved(values, "PNG")


def _jpeg(values: NDArray[np.generic]) -> bytes:
    return _saved(values, "JPEG")


def _saved(values: NDArray[np.generic], kind: str) -> bytes:
    stream = BytesIO()
    Image.fromarray(np.ascontiguousarray(values)).save(stream, kind)
    return stream.getvalue()


def _npy(values: NDArray[np.generic]) -> bytes:
    stream = BytesIO()
    np.save(stream, values)
    return stream.getvalue()
