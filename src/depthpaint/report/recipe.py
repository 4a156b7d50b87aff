"""The command line that paints a recorded picture again: for people to copy and to change."""

from __future__ import annotations

import shlex
from typing import cast

from depthpaint.core.errors import printable
from depthpaint.core.geometry import Extent
from depthpaint.core.setting import settings_of
from depthpaint.inputs.size_limit import MAX_PIXELS
from depthpaint.model_choice import Also, Lora
from depthpaint.record.paths import path_from_text
from depthpaint.record.run_record import RunRecord
from depthpaint.request import Settings

_SEVERAL = ("--also", "--lora", "--empty")


def recipe(record: RunRecord) -> str:
    """`depthpaint generate` with every setting that differs from its default.

    What a model decides is written out, whatever its defaults become.
    """
    settings, words = record.settings, list[str]()
    for name, setting in settings_of(Settings).items():
        if (value := getattr(settings, name)) != setting.default:
            words += _option(setting.flag_of(name), value)
    if (pixels := record.depth.size.pixels) > MAX_PIXELS:
        words.append(f"--max-pixels={pixels}")
    subject = [path_from_text(record.depth.file), settings.prompt]
    # What starts with a dash would be taken for a flag.
    dashed = any(word.startswith("-") for word in subject)
    words = [*words, "--", *subject] if dashed else [*subject, *words]
    return " ".join(map(_quoted, ("depthpaint", "generate", *words)))


def _option(flag: str, value: object) -> list[str]:
    """The words that set a flag to a value."""
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    if flag in _SEVERAL:
        return [f"{flag}={_text(each)}" for each in cast("tuple[object, ...]", value)]
    return [f"{flag}={_text(value)}"]


def _text(value: object) -> str:
    """A value as the command line takes it."""
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
    """A word for the shell. What cannot be shown is written as bytes in $'...', as bash reads it."""
    if printable(word) == word:
        return shlex.quote(word)
    letters = (letter if letter not in "\\'" else f"\\{letter}" for letter in word)
    return f"$'{''.join(letter if printable(letter) == letter else _bytes(letter) for letter in letters)}'"


def _bytes(letter: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))
