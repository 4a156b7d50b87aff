"""How a record names files: by paths that say nothing of the machine, as text that any JSON reader takes.

File names are bytes on Linux and need not be UTF-8. Python holds such a byte as half a character, which
neither JSON nor a PNG's text may hold, so it is written as six plain characters, as in "map-\\udcff.png".
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath, PureWindowsPath

LONGEST_PATH = 4096
"""Characters; Linux takes no longer path, and each other byte of one becomes six characters in a record."""

_HALF = re.compile("[\ud800-\udfff]")
# A backslash in front of what looks like such a byte is itself written as one, \udc5c.
_AMBIGUOUS = re.compile(r"\\(?=udc[0-9a-f]{2})")
_WRITTEN = re.compile(r"\\udc(5c|[89a-f][0-9a-f])")


def path_to_tell(path: Path) -> str:
    """`path` below the working folder, or its name alone where it lies elsewhere, as text."""
    below = path
    if path.is_absolute():
        below = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else Path(path.name)
    return path_as_text(path.name if ".." in below.parts else below.as_posix())


def path_as_text(path: str) -> str:
    """`path` with bytes that are not UTF-8 written as \\udcXX; `path_from_text` reads it back."""
    return _HALF.sub(lambda half: f"\\u{ord(half.group()):04x}", _AMBIGUOUS.sub(r"\\udc5c", path))


def path_from_text(text: str) -> str:
    """The path that `path_as_text` wrote."""
    return _WRITTEN.sub(lambda byte: "\\" if byte[1] == "5c" else chr(0xDC00 + int(byte[1], 16)), text)


def names_no_folder(path: str) -> bool:
    """Whether a path says nothing of the machine: it leads below the working folder, or is a name alone."""
    windows = PureWindowsPath(path)
    return bool(path) and not (windows.anchor or PurePosixPath(path).is_absolute() or ".." in windows.parts)
