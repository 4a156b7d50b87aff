"""The command that paints a picture again, quoted for a shell, and in lines that can be copied."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from depthpaint.core.errors import printable
from depthpaint.core.geometry import Extent
from depthpaint.core.setting import settings_of
from depthpaint.formats.samples import MAX_PIXELS
from depthpaint.model_choice import Also, Lora
from depthpaint.record.paths import depth_for_record, path_from_text
from depthpaint.record.run_record import RunRecord
from depthpaint.request import Settings

_ALWAYS = ("model",)
"""Settings whose default a user's config file may change."""
_SEVERAL = ("--also", "--lora", "--empty")


def recipe(record: RunRecord, depth: Path | None = None, init: Path | None = None) -> str:
    """`depthpaint generate` with the model and every setting that differs from its default.

    Settings whose default is the model's own are always included, in case that changes. `depth` is where the
    depth map was found: the command names it relative to the working folder, as records do. Without it, it
    is as in the record. `init` is the same for the picture to start from.
    """
    settings, words = record.settings, list[str]()
    if settings.init is not None:
        place = settings.init if init is None else depth_for_record(init, Path.cwd())
        settings = settings.model_copy(update={"init": path_from_text(place)})
    for name, setting in settings_of(Settings).items():
        if (value := getattr(settings, name)) != setting.default or name in _ALWAYS:
            words += _option(setting.flag_of(name), value)
    if (pixels := record.depth.size.pixels) > MAX_PIXELS:
        words.append(f"--max-pixels={pixels}")
    file = record.depth.file if depth is None else depth_for_record(depth, Path.cwd())
    subject = [path_from_text(file), settings.prompt]
    # A prompt that starts with a dash would be taken for a flag.
    dashed = any(word.startswith("-") for word in subject)
    words = [*words, "--", *subject] if dashed else [*subject, *words]
    return " ".join(map(_quoted, ("depthpaint", "generate", *words)))


def _option(flag: str, value: object) -> list[str]:
    """The arguments that set a flag to a value."""
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    if flag in _SEVERAL:
        return [f"{flag}={_text(each)}" for each in cast("tuple[object, ...]", value)]
    return [f"{flag}={_text(value)}"]


def _text(value: object) -> str:
    """A value as the command line accepts it."""
    match value:
        case Also():
            network = f"={value.control}" if value.control else ""
            return f"{value.kind}{network}:{_text(value.strength)}:{_text(value.window)}"
        case Lora():
            return f"{value.file}:{_text(value.weight)}"
        case float():
            return f"{value:g}" if float(f"{value:g}") == value else repr(value)
        case Extent():
            return str(value)
        case (float(), float()):
            return ":".join(map(_text, value))
        case tuple():
            return ",".join(map(_text, cast("tuple[object, ...]", value))) or "none"
        case _:
            return str(value)


def _quoted(word: str) -> str:
    """Quote an argument for the shell. Unprintable characters are written as bytes in $'...', as in bash."""
    if printable(word) == word:
        return shlex.quote(word)
    letters = (letter if letter not in "\\'" else f"\\{letter}" for letter in word)
    return f"$'{''.join(letter if printable(letter) == letter else _bytes(letter) for letter in letters)}'"


def _bytes(letter: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))


_TOKEN = re.compile(r"""\$'(?:\\.|[^'\\])*'|'[^']*'|"[^"]*"|[^\s'"$]+|\s""")
"""A piece of a word, quoted in one way or not at all, or the space between two words."""
_UNIT = re.compile(r"\\x[0-9a-f]{2}|\\.|.")
"""What may not be divided within quotes."""
LONGEST_UNIT = 4


def in_lines(command: str, width: int) -> list[str]:
    """A command of `recipe` in lines of at most `width` characters, which a shell reads as the same command.

    Lines end with a backslash where the command goes on: between words if they are short enough, otherwise
    within a word, whose quotes are closed and opened again.
    """
    lines = [""]
    for word in _words(command):
        space = " " if lines[-1] else ""
        if len(lines[-1] + space) + sum(map(len, word)) + len(" \\") <= width:
            lines[-1] += space + "".join(word)
            continue
        if space:
            lines[-1] += " \\"
            lines.append("")
        for piece in word:
            _add(piece, lines, width)
    return lines


def _words(command: str) -> Iterator[list[str]]:
    """The pieces of each word."""
    word: list[str] = []
    for token in _TOKEN.findall(command):
        if not token.isspace():
            word.append(token)
        elif word:
            yield word
            word = []
    if word:
        yield word


def _add(piece: str, lines: list[str], width: int) -> None:
    """Add a piece of a word to the last line, and to new ones where it is too long."""
    closing = piece[-1] if piece[0] in "$'\"" else ""
    opening = "" if not closing else piece[: piece.index(closing) + 1]
    inner = piece[len(opening) : len(piece) - len(closing)]
    if lines[-1] and len(lines[-1]) + len(opening) + LONGEST_UNIT + len(closing) + len(" \\") > width:
        lines[-1] += "\\"
        lines.append("")
    lines[-1] += opening
    for unit in _UNIT.findall(inner) if opening == "$'" else inner:
        if len(lines[-1]) + len(unit) + len(closing) + len(" \\") > width:
            lines[-1] += f"{closing}\\"
            lines.append(opening)
        lines[-1] += unit
    lines[-1] += closing
