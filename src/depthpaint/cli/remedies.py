"""Remedies for the command that runs: an error names the flag that settles it, which a command may lack."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from depthpaint.core.errors import DepthpaintError

Result = TypeVar("Result")
_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
OUTPUTS = ("--out", "--as", "--maps")
"""The flags that say where files are written; a command has one of them."""


@dataclass(frozen=True, slots=True)
class Running:
    """A command, like "depthpaint inspect", and all of its flags."""

    name: str
    flags: frozenset[str]


_RUNNING: ContextVar[Running | None] = ContextVar("command", default=None)


def run_as(running: Running, run: Callable[[], Result]) -> Result:
    """Run a command; errors that it raises name its own flags."""
    before = _RUNNING.set(running)
    try:
        return run()
    except DepthpaintError as error:
        for_command(error)
        raise
    finally:
        _RUNNING.reset(before)


def for_command(error: DepthpaintError) -> DepthpaintError:
    """The error, whose remedy says what takes the place of flags that the running command lacks."""
    running = _RUNNING.get()
    if running is None or not error.remedy:
        return error
    text = error.remedy
    place = next((flag for flag in OUTPUTS if flag in running.flags), None)
    if place is not None and "--out" not in running.flags:
        text = re.sub(r"--out\b(?!-)", place, text)
    lacking = [
        flag for flag in dict.fromkeys(_FLAG.findall(text)) if flag not in running.flags and field_of(flag)
    ]
    hint = ""
    if lacking and "--set" in running.flags:
        fields = dict.fromkeys(field_of(flag) for flag in lacking)
        hint = "here as " + ", ".join(f"--set {field}=VALUE" for field in fields)
    elif lacking:
        hint = f"{', '.join(lacking)}: a flag of depthpaint generate, which {running.name} lacks"
    if hint and hint not in text:
        text = f"{text}; {hint}"
    error.remedy = text
    return error


def field_of(flag: str) -> str | None:
    """The setting that a flag sets, or None."""
    from depthpaint.core.setting import settings_of  # imported only where there is an error
    from depthpaint.request import Request

    if flag == "--from-photo":
        return "from_photo"
    flags = {setting.flag_of(name): name for name, setting in settings_of(Request).items()}
    return flags.get(flag) or flags.get(f"--{flag.removeprefix('--no-')}")
