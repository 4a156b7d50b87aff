"""A painted picture becomes a file that carries its own record."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from depthpaint.core.errors import ErrorCode, OutputError, printable
from depthpaint.core.files import is_same_file, make_folder, safe_stem, write_atomic
from depthpaint.record.infotext import infotext
from depthpaint.record.names import SUFFIX, picture_names
from depthpaint.record.png_text import INFOTEXT_KEY, RECORD_KEY, encode_png
from depthpaint.record.result import GenerationResult
from depthpaint.record.run_record import RunRecord, record_of

_SIDECAR = ".json"


@dataclass(frozen=True, slots=True)
class SavedPicture:
    """A picture on disk. `sha256` is of its pixels, as in the record: the file also holds times."""

    path: Path
    seed: int
    width: int
    height: int
    sha256: str
    record: RunRecord


def save_picture(
    result: GenerationResult,
    index: int,
    folder: Path,
    *,
    overwrite: bool = False,
    name: str | None = None,
    sidecar: bool = False,
) -> SavedPicture:
    """Write picture `index` of `result` into `folder`, made if missing; `sidecar` adds the record as .json.

    Without a `name` one is made from the prompt and the seed, and a number is added rather than anything
    overwritten, unless `overwrite`. Raises OutputError: output_exists, output_not_writable, disk_full, and
    output_path_escape for a name that is more than a name.
    """
    record = record_of(result, index)
    text = record.to_json()
    picture = result.pictures[index]
    data = encode_png(picture.pixels, {RECORD_KEY: text, INFOTEXT_KEY: infotext(record)})
    name = None if name is None else checked_name(name)
    make_folder(folder)
    if name is None:
        source = Path(result.depth.path)
        path = _write_under_free_name(data, record, folder, source, overwrite=overwrite, sidecar=sidecar)
    else:
        path = folder / name
        if sidecar and not overwrite and _there(path.with_suffix(_SIDECAR)):
            raise _exists(path.with_suffix(_SIDECAR))
        write_atomic(path, data, overwrite=overwrite)
    if sidecar:
        # After the picture, so that a sidecar always has one.
        write_atomic(path.with_suffix(_SIDECAR), (text + "\n").encode(), overwrite=overwrite)
    height, width = picture.pixels.shape[:2]
    return SavedPicture(path, picture.seed, width, height, record.digests.picture, record)


def checked_name(name: str) -> str:
    """`name` with its .png. Raises OutputError output_path_escape unless every system takes it as a name."""
    stem = name.partition(".")[0].strip().lower()
    plain = (
        name != ""
        and not name.startswith(".")
        and not set(name) & set('/\\:*?"<>|')
        and printable(name) == name
        and name == name.strip().rstrip(".")
        # which tells the names that Windows keeps for devices
        and safe_stem(stem) != f"picture-{stem}"
    )
    if not plain:
        raise OutputError(
            f"'{name}' is not a plain file name",
            code=ErrorCode.OUTPUT_PATH_ESCAPE,
            value=name,
            remedy="give a name without folders and special characters, like red-ball.png",
        )
    return name if name.lower().endswith(SUFFIX) else name + SUFFIX


def _write_under_free_name(
    data: bytes, record: RunRecord, folder: Path, source: Path, *, overwrite: bool, sidecar: bool
) -> Path:
    lost: set[str] = set()

    def taken(name: str) -> bool:
        path = folder / name
        found = _there(path) or (sidecar and _there(path.with_suffix(_SIDECAR)))
        return name in lost or (found and (not overwrite or is_same_file(path, source)))

    while True:
        (name,) = picture_names(record.settings.prompt, [record.settings.seed], taken)
        try:
            write_atomic(folder / name, data, overwrite=overwrite)
        except OutputError as error:
            # Another process took the name between the look and the write.
            if error.code is not ErrorCode.OUTPUT_EXISTS or name in lost:
                raise
            lost.add(name)
        else:
            return folder / name


def _there(path: Path) -> bool:
    # A link that leads nowhere also holds its name; Path.exists would not see it.
    return os.path.lexists(path)


def _exists(path: Path) -> OutputError:
    return OutputError(
        f"{path} is there already",
        code=ErrorCode.OUTPUT_EXISTS,
        value=str(path),
        remedy="choose another name or allow overwriting",
    )
