"""`depthpaint doctor`: what works in this environment, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
from typing import Annotated, NamedTuple

import typer

from depthpaint import __version__
from depthpaint.cli.config import config_file
from depthpaint.cli.terminal import emit, emit_document
from depthpaint.core.errors import DepthpaintError, printable
from depthpaint.core.installation import command_for, extras, version_of
from depthpaint.models.diorama.files import open_files

BASE = (
    "numpy",
    "pillow",
    "onnxruntime",
    "tokenizers",
    "safetensors",
    "pydantic",
    "typer",
    "rich",
    "platformdirs",
)
BROKEN = 5


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """Check this environment: versions, memory, built-in model, config file, and extras with how to get them.

    Example: depthpaint doctor --json
    """
    try:
        model = f"ok, sha256 {open_files().weights_sha256[:10]}"
        broken = False
    except DepthpaintError as error:
        model, broken = str(error), True
    except (ValueError, KeyError) as error:
        model, broken = f"model.json is damaged ({type(error).__name__}); reinstall depthpaint", True
    packages = {name: version_of(name) for name in BASE}
    own = _config()
    optional = extras()
    memory = _memory_gib()
    lacks_torch = any(extra.name == "sd" and extra.missing for extra in optional)
    if as_json:
        emit_document({
            "depthpaint": __version__, "python": platform.python_version(), "system": platform.system(),
            "cores": os.cpu_count(), "memory_gib": memory, "diorama": {"ok": not broken, "detail": model},
            "config": own, "packages": packages, "torch": None if lacks_torch else _torch()._asdict(),
            "missing_for_extras": {extra.name: list(extra.missing) for extra in optional},
            "commands_for_extras": {extra.name: command_for(extra.name) for extra in optional},
        })  # fmt: skip
    else:
        emit(f"depthpaint {__version__}, Python {platform.python_version()}, {platform.system()}")
        emit(f"cores {os.cpu_count()}, memory {memory or 'unknown'} GiB")
        emit(f"built-in model: {model}")
        if own is not None:
            emit(f"config file: {own['path']}, {own['detail']}")
        for name, found in packages.items():
            emit(f"  {name:12} {found or 'MISSING: reinstall depthpaint'}")
        for extra in optional:
            emit(
                f"extra {extra.name:8} {'not installed' if extra.missing else 'installed':14} {extra.purpose}"
            )
            if extra.missing:
                emit(f"  lacks {', '.join(extra.missing)}: {command_for(extra.name)}")
        if not lacks_torch:  # the last line: loading torch takes seconds
            emit(_torch().detail)
    if broken or None in packages.values():
        raise typer.Exit(BROKEN)


class Torch(NamedTuple):
    """The `device` that Stable Diffusion takes, None if torch does not work here, and a sentence on it."""

    device: str | None
    detail: str


def _torch() -> Torch:
    try:
        from depthpaint.models.stable_diffusion.device import what_torch_finds

        return Torch(*what_torch_finds())
    except Exception as error:  # noqa: BLE001 - a build for another system or driver fails in many ways
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Torch(None, f"torch is installed and does not work: {printable(first)}")


def _config() -> dict[str, object] | None:
    """The user's config file, and whether it can be used; None if there is none."""
    file = config_file()
    if file is None or not (file.exists or file.named):
        return None
    try:
        file.read()
    except DepthpaintError as error:
        return {"path": str(file.path), "ok": False, "detail": str(error)}
    return {"path": str(file.path), "ok": True, "detail": "ok"}


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None
