"""Rows of a folder: a depth map, and a text of the same name that holds its sentence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from depthpaint.batch.manifests.row import Row, unreadable
from depthpaint.batch.mark import is_marked
from depthpaint.core.errors import DepthError
from depthpaint.inputs.regular_file import read_regular_file

TEXT, PICTURE = ".txt", ".png"
LARGEST_TEXT = 1 << 20
"""Bytes; the longest prompt takes a tenth of it."""
DEPTH_ENDINGS = frozenset(
    {".png", ".npy", ".npz", ".exr", ".pfm", ".tif", ".tiff", ".jpg", ".jpeg", ".webp", ".heic", ".heif"}
)


def folder_rows(folder: Path) -> Iterator[Row]:
    """Read pair after pair in the order of their names, which all are held for that; the rest is let be.

    A pair's picture bears its name, and may lie in the same folder: pictures of a batch beside another
    map, or without a text, are no part of a pair. Raises ParameterError where the folder cannot be listed.
    """
    try:
        names = sorted(
            (path.stem, path.suffix)
            for path in folder.iterdir()
            if not path.name.startswith(".") and path.suffix.lower() in {TEXT, *DEPTH_ENDINGS}
        )
    except OSError as error:
        raise unreadable(folder, f"it cannot be listed: {error.strerror}", "name a manifest") from error
    number = 0
    for stem, several in groupby(names, key=lambda name: name[0]):
        endings = _without_pictures(folder, stem, [ending for _, ending in several])
        if endings:
            number += 1
            yield _row(folder, number, stem, endings)


def _without_pictures(folder: Path, stem: str, endings: list[str]) -> list[str]:
    """The endings that may be a pair's; a picture is looked into only where they are no pair as they are."""
    if len(endings) == 2 and TEXT in map(str.lower, endings):
        return endings
    return [
        ending for ending in endings if ending.lower() != PICTURE or not is_marked(folder / f"{stem}{ending}")
    ]


def _row(folder: Path, number: int, stem: str, endings: list[str]) -> Row:
    maps = [ending for ending in endings if ending.lower() != TEXT]
    texts = [ending for ending in endings if ending.lower() == TEXT]
    if len(maps) != 1 or len(texts) != 1:
        found = ", ".join(f"{stem}{ending}" for ending in endings)
        why = f"a pair is a depth map and a text of the same name, and there is {found}"
        return Row(number, problem=why)
    try:
        data = read_regular_file(folder / f"{stem}{texts[0]}", LARGEST_TEXT)
        prompt = data.decode("utf-8-sig").replace("\r\n", "\n").removesuffix("\n")
    except DepthError as error:
        return Row(number, problem=error.message)
    except UnicodeError as error:
        return Row(number, problem=f"{stem}{texts[0]} cannot be read as UTF-8: {error}")
    return Row(number, {"depth": f"{stem}{maps[0]}", "prompt": prompt, "name": stem})
