"""Which depth map a picture is to be compared with: as its record says, or as folders and names say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from depthpaint.core.errors import DepthError, ErrorCode, ParameterError
from depthpaint.core.files import is_file, is_folder
from depthpaint.record.png_text import read_record
from depthpaint.record.run_record import RecordError

FORMATS = ("PNG", "JPEG", "WEBP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
MAPPED = "-verified"
"""Ends the names of the pictures that --maps writes."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and the depth that was asked for: a map, the folder of a recorded map, or None where the
    record says all; or why there is none.
    """

    image: Path
    depth: Path | None = None
    problem: DepthError | None = None


def pairs_of(images: Iterable[Path], depth: Path | None) -> list[Pair]:
    """The pictures, with those of folders in the folders' place, each with its depth map.

    Where `depth` is a folder a recorded picture's map is the file in it that the record names, any other's
    the one that is called like the picture, whatever it ends in. Without `depth`, pictures in a folder that
    hold no record are passed by; a PNG that cannot be read is not. Raises ParameterError where there is no
    picture at all.
    """
    found = [file for image in images for file in _files(image, recorded=depth is None)]
    if not found:
        raise ParameterError(
            "there is no picture to verify",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="name pictures, or a folder of them; with --depth those of other programs count, too",
        )
    if depth is None or not is_folder(depth):
        return [Pair(image, depth) for image in found]
    maps: dict[str, list[Path]] = {}
    for file in _listed(depth):
        if is_file(file) and not file.name.startswith("."):
            maps.setdefault(file.stem, []).append(file)
    return [
        Pair(image, depth) if _is_recorded(image) else _matched(image, maps.get(image.stem, []), depth)
        for image in found
    ]


def map_names(pairs: Iterable[Pair]) -> list[str]:
    """The file that --maps writes for each picture: called like it, and numbered where the name is taken."""
    images = [pair.image for pair in pairs]
    stems = {image.stem.casefold() for image in images}
    names: list[str] = []
    taken: set[str] = set()
    for image in images:
        # Compared without case, as some file systems do.
        numbered = (f"{image.stem}-{number}" for number in count(2))
        free = (name for name in numbered if name.casefold() not in stems | taken)
        name = image.stem if image.stem.casefold() not in taken else next(free)
        taken.add(name.casefold())
        names.append(f"{name}{MAPPED}.png")
    return names


def _files(image: Path, *, recorded: bool) -> list[Path]:
    if not is_folder(image):
        return [image]
    files = [file for file in _listed(image) if file.suffix.lower() in SUFFIXES and not is_folder(file)]
    pictures = [file for file in files if not file.stem.endswith(MAPPED)]
    return [file for file in pictures if not recorded or _is_recorded(file)]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise RecordError(
            f"cannot read {folder}: {error.strerror}",
            code=ErrorCode.PICTURE_UNREADABLE,
            value=str(folder),
            remedy="name files, or a folder that may be listed",
        ) from error


def _is_recorded(file: Path) -> bool:
    if file.suffix.lower() != ".png":
        return False
    try:
        read_record(file)
    except RecordError as error:
        return error.code is not ErrorCode.RECORD_MISSING
    return True


def _matched(image: Path, maps: list[Path], folder: Path) -> Pair:
    if len(maps) == 1:
        return Pair(image, maps[0])
    many = ", ".join(file.name for file in maps[:3])
    problem = DepthError(
        f"{folder} holds " + (f"several maps of its name: {many}" if maps else "no map of its name"),
        code=ErrorCode.DEPTH_UNREADABLE,
        value=str(image),
        remedy=f"call its depth map {image.stem}, with any ending",
    )
    return Pair(image, problem=problem)
