"""File names of new pictures, and paths as records store them, without folders of the machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path, PurePath, PureWindowsPath

from depthpaint.core.errors import ErrorCode, OutputError, printable
from depthpaint.core.files import safe_stem
from depthpaint.core.setting import settings_of
from depthpaint.request import Settings

SUFFIX = ".png"


def picture_names(prompt: str, seeds: Sequence[int], taken: Callable[[str], bool]) -> list[str]:
    """One name for each seed, such as "a-red-ball-on-a-green-floor-12345.png".

    `taken` returns whether a name is in use; such a name, or one used earlier in this list, gets -2, -3 and
    so on.
    """
    words = safe_stem(prompt)
    names: list[str] = []
    for seed in seeds:
        # Compared without case: "A.png" and "a.png" are one file on macOS and Windows.
        used = {name.casefold() for name in names}
        candidates = (f"{words}-{seed}{'' if k == 1 else f'-{k}'}{SUFFIX}" for k in count(1))
        names.append(next(name for name in candidates if name.casefold() not in used and not taken(name)))
    return names


LONGEST_PATH = 4096
"""Characters; the longest path on Linux. In a record, each non-UTF-8 byte becomes six characters."""

_HALF = re.compile("[\ud800-\udfff]")
# On other systems than Windows these two are ordinary letters; escaped, no reader takes them for separators.
_SPECIAL = re.compile(r"[\\:]")
_WRITTEN = re.compile(r"\\udc(3a|5c|[89a-f][0-9a-f])")


def path_for_record(path: Path) -> str:
    """`path` relative to the working folder, or its name alone if it is outside, as text."""
    below = path
    if path.is_absolute():
        below = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else Path(path.name)
    return path_as_text(path.name if ".." in below.parts else below.as_posix())


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
    """Whether a path is below the working folder or a name alone, so it reveals nothing of the machine."""
    # By Windows' rules as it is written, and by this system's rules as decoded.
    windows, here = PureWindowsPath(_WRITTEN.sub("_", path)), PurePath(path_from_text(path))
    parts = {*windows.parts, *here.parts}
    return bool(path) and not (windows.anchor or here.anchor or path.startswith("/") or ".." in parts)


def settings_for_record(settings: Settings) -> Settings:
    """Settings with paths shortened as by `path_for_record`; registered names and hub ids are kept."""
    return _with_paths(settings, lambda path, _: path_for_record(Path(path).resolve()))


def require_no_folder(settings: Settings) -> Settings:
    """Reject paths outside the working folder: a record from elsewhere must not name files here."""

    def checked(path: str, field: str) -> str:
        if not names_no_folder(path):
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


def checked_name(name: str) -> str:
    """`name` with its .png. Raises OutputError output_path_escape unless it is valid on every system."""
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
    return name if name.lower().endswith(SUFFIX) else name + SUFFIX
