"""Where new pictures are saved and under which names, and paths as records store them."""

from __future__ import annotations

import glob
import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePath, PureWindowsPath

from depthpaint.core.errors import ErrorCode, OutputError, printable
from depthpaint.core.files import is_full, require_other_file, require_short_name, safe_stem
from depthpaint.core.setting import settings_of
from depthpaint.record.file_format import PNG, FileFormat
from depthpaint.request import Request, Settings

PREVIEW = "-step-"


def picture_names(
    prompt: str, seeds: Sequence[int], taken: Callable[[str], bool], suffix: str = PNG.suffix
) -> list[str]:
    """One name for each seed, such as "a-red-ball-on-a-green-floor-12345.png".

    `taken` returns whether a name is in use; such a name, or one used earlier in this list, gets -2, -3 and
    so on.
    """
    names: list[str] = []
    for seed in seeds:
        # Compared without case: "A.png" and "a.png" are one file on macOS and Windows.
        used = {name.casefold() for name in names}
        candidates = names_of(prompt, seed, suffix)
        names.append(next(name for name in candidates if name.casefold() not in used and not taken(name)))
    return names


def names_of(prompt: str, seed: int, suffix: str) -> Iterator[str]:
    """The names that a picture of this prompt and seed may have, without end, the preferred one first."""
    words = safe_stem(prompt)
    return (f"{words}-{seed}{'' if k == 1 else f'-{k}'}{suffix}" for k in count(1))


LONGEST_PATH = 4096
"""Characters; the longest path on Linux. In a record, each non-UTF-8 byte becomes six characters."""

MOST_UP = 20
"""Folders that the recorded path of a depth map may go up, from that of the picture."""

_HALF = re.compile("[\ud800-\udfff]")
# On other systems than Windows these two are ordinary letters; escaped, no reader takes them for separators.
_SPECIAL = re.compile(r"[\\:]")
_WRITTEN = re.compile(r"\\udc(3a|5c|[89a-f][0-9a-f])")


INIT = "init"
"""The setting that names an input of the picture, like the depth map, and no model."""


def path_for_record(path: Path) -> str:
    """`path` relative to the working folder, or its name alone if it is outside, as text."""
    below = path
    if path.is_absolute():
        below = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else Path(path.name)
    return path_as_text(path.name if ".." in below.parts else below.as_posix())


def depth_for_record(path: Path, folder: Path) -> str:
    """The path of an input file relative to `folder`, which holds the picture: it stays valid if both move.

    It names no folder of a person: if it leads from elsewhere into the home folder of a user, it is as
    `path_for_record`'s.
    """
    try:
        place, real = Path(os.path.realpath(folder)), Path(os.path.realpath(path.parent))
        relative = Path(os.path.relpath(real / path.name, place))
    except (OSError, ValueError):  # a folder that cannot exist, or on another drive of Windows
        return path_for_record(path)
    common = next((parent for parent in (place, *place.parents) if real.is_relative_to(parent)), place)
    # Also from the home folder of one user into that of another.
    names_user = any(home in real.parents and home not in common.parents for home in _holders_of_homes())
    enters_home = names_user or any(
        real.is_relative_to(home) and not common.is_relative_to(home) for home in _own_home()
    )
    return path_for_record(path) if enters_home else path_as_text(relative.as_posix())


def _own_home() -> list[Path]:
    """The user's home folder; none where it is not known, as in a container with a foreign user number."""
    try:
        return [Path(os.path.realpath(Path.home()))]
    except RuntimeError:
        return []


def _holders_of_homes() -> set[Path]:
    """The folders that contain the home folders of all users."""
    several = {Path("/home"), Path("/Users"), *(home.parent for home in _own_home())}
    return {folder for folder in several if folder != Path(folder.anchor)}


def path_as_text(path: str) -> str:
    """`path` with non-UTF-8 bytes, backslashes and colons as \\udcXX; `path_from_text` reverses it."""
    plain = _SPECIAL.sub(lambda sign: f"\\udc{ord(sign.group()):02x}", path)
    return _HALF.sub(lambda half: f"\\u{ord(half.group()):04x}", plain)


def path_from_text(text: str) -> str:
    """The path that `path_as_text` encoded."""

    def letter(byte: re.Match[str]) -> str:
        number = int(byte[1], 16)
        return chr(number if number < 0x80 else 0xDC00 + number)

    return _WRITTEN.sub(letter, text)


def names_no_folder(path: str) -> bool:
    """Whether a path goes down only, from the folder that it starts at, or is a name alone."""
    # By Windows' rules as it is written, and by this system's rules as decoded.
    windows, here = PureWindowsPath(_WRITTEN.sub("_", path)), PurePath(path_from_text(path))
    parts = {*windows.parts, *here.parts}
    return bool(path) and not (windows.anchor or here.anchor or path.startswith("/") or ".." in parts)


def is_depth_path(path: str) -> bool:
    """Whether a record may hold this path of an input: up by MOST_UP folders at most, and then down."""
    up = 0
    while path.startswith("../"):
        path, up = path[3:], up + 1
    return up <= MOST_UP and names_no_folder(path)


def settings_for_record(settings: Settings, folder: Path | None) -> Settings:
    """Settings with paths shortened as by `path_for_record`; registered names and hub ids are kept.

    The picture to start from is named as the depth map is: relative to `folder`, which holds the picture.
    """

    def shortened(path: str, field: str) -> str:
        if field == INIT:
            return path_for_record(Path(path)) if folder is None else depth_for_record(Path(path), folder)
        return path_for_record(Path(path).resolve())

    return _with_paths(settings, shortened)


def require_no_folder(settings: Settings) -> Settings:
    """Reject paths outside the working folder: a record from elsewhere must not name files here."""

    def checked(path: str, field: str) -> str:
        if not (is_depth_path if field == INIT else names_no_folder)(path):
            raise ValueError(f"{field}: '{path[:80]}' is not a name, hub id or path below the working folder")
        return path

    return _with_paths(settings, checked)


def _with_paths(settings: Settings, change: Callable[[str, str], str]) -> Settings:
    """The settings with `change` applied to every path. Fields with paths are marked as such (Setting)."""
    changed: dict[str, object] = {}
    for name, setting in settings_of(Settings).items():
        value = getattr(settings, name)
        if not setting.paths or value is None:
            continue
        if isinstance(value, str):
            changed[name] = change(value, name)
        elif name == "lora":
            changed[name] = tuple(
                lora.model_copy(update={"file": change(lora.file, name)}) for lora in settings.lora
            )
        else:
            changed[name] = tuple(
                also.model_copy(update={"control": change(also.control, name)}) if also.control else also
                for also in settings.also
            )
    return settings.model_copy(update=changed)


def sources_of(request: Request) -> list[Path]:
    """The files that it paints from, which no picture may replace: the depth map, and `init`."""
    return [request.depth, *([] if request.init is None else [Path(request.init)])]


def checked_name(name: str, form: FileFormat = PNG) -> str:
    """`name` with the ending of its format.

    Raises OutputError output_path_escape unless it is valid on every system.
    """
    stem = name.partition(".")[0].strip().lower()
    plain = (
        name != ""
        and not name.startswith(".")
        and not set(name) & set('/\\:*?"<>|')
        and printable(name) == name
        and name == name.strip().rstrip(".")
        # is_reserved covers the device names of Windows
        and safe_stem(stem) != f"picture-{stem}"
    )
    if not plain:
        raise OutputError(
            f"'{name}' is not a plain file name",
            code=ErrorCode.OUTPUT_PATH_ESCAPE,
            value=name,
            remedy="give a name without folders and special characters, like red-ball.png",
        )
    return name if name.lower().endswith(form.suffix) else name + form.suffix


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where pictures are saved, and in which format.

    `preview_every` is a number of steps; 0 means no previews, which are PNGs.
    """

    folder: Path
    name: str | None = None
    overwrite: bool = False
    sidecar: bool = False
    preview_every: int = 0
    form: FileFormat = PNG

    def preview(self, stem: str, step: int) -> Path:
        """The file of a preview of the picture `stem` after `step` steps."""
        return self.folder / f"{stem}{PREVIEW}{step:03d}.png"


def stems(request: Request, destination: Destination) -> list[str] | None:
    """The stem of each picture's files, or None if each picture gets a free name when it is saved.

    Previews are saved before their picture and have its name, so with previews the names are chosen first.
    Raises OutputError for a name that is not a plain one.
    """
    form = destination.form
    if destination.name is not None:
        stem = form.stem(checked_name(destination.name, form))
        count = len(request.seeds)
        return [stem] if count == 1 else [f"{stem}-{k + 1}" for k in range(count)]
    if not destination.preview_every:
        return None

    def taken(name: str) -> bool:
        return not destination.overwrite and bool(_occupied(destination, form.stem(name)))

    names = picture_names(request.prompt, request.seeds, taken, form.suffix)
    return [form.stem(name) for name in names]


def check_destination(
    request: Request, destination: Destination, kept: Collection[str] = ()
) -> list[str] | None:
    """Check that pictures can be saved, and return the `stems`. No file is left behind.

    The stems `kept` are of pictures that are there already and are not painted again.

    Raises OutputError for a folder that cannot be written, a bad name, and a name that is in use.
    """
    probe(destination.folder)
    names = stems(request, destination)
    for stem in names or ():
        longest = destination.preview(stem, 1000).name if destination.preview_every else f"{stem}.json"
        require_short_name(longest)
        there = _occupied(destination, stem)
        for path in there:
            for source in sources_of(request):
                require_other_file(path, source)
        if there and not destination.overwrite and stem not in kept:
            found = there[0]
            raise OutputError(
                f"{found} exists already",
                code=ErrorCode.OUTPUT_EXISTS,
                value=str(found),
                remedy="choose another --name, or add --overwrite",
            )
    return names


def refusal(folder: Path, error: OSError | ValueError) -> OutputError:
    """The error for a folder that cannot be written."""
    reason = error.strerror if isinstance(error, OSError) else error
    return OutputError(
        f"cannot write into {folder}: {reason}",
        code=ErrorCode.DISK_FULL if is_full(error) else ErrorCode.OUTPUT_NOT_WRITABLE,
        value=str(folder),
        remedy="choose another folder with --out",
    )


def _occupied(destination: Destination, stem: str) -> list[Path]:
    """The files that a picture of this stem would replace."""
    folder = destination.folder
    files = [folder / f"{stem}{destination.form.suffix}"]
    if destination.sidecar:
        files.append(folder / f"{stem}.json")
    if destination.preview_every:
        files += folder.glob(f"{glob.escape(stem)}{PREVIEW}*.png")
    # lexists: a broken link also occupies its name.
    return [path for path in files if os.path.lexists(path)]


def probe(folder: Path) -> None:
    """Write into the folder, or into its nearest existing parent. Permission bits miss read-only disks."""
    try:
        nearest = next((part for part in (folder, *folder.parents) if _there(part)), Path())
        # An empty file, deleted when it is closed.
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except (OSError, ValueError) as error:  # ValueError: the path holds NUL or cannot be encoded
        raise refusal(folder, error) from error


def _there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
