"""`depthpaint doctor`: what works in this environment, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from depthpaint import __version__
from depthpaint.cli.config import config_file
from depthpaint.cli.terminal import emit, emit_document
from depthpaint.core.errors import DepthpaintError
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
EXTRAS = {
    "sd": ("torch", "diffusers", "transformers", "accelerate"),
    "report": ("jinja2", "matplotlib", "typst"),
}
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
    packages = {name: _version(name) for name in BASE}
    own = _config()
    extras = {name: [p for p in packages_of if _version(p) is None] for name, packages_of in EXTRAS.items()}
    memory = _memory_gib()
    if as_json:
        emit_document({
            "depthpaint": __version__, "python": platform.python_version(), "system": platform.system(),
            "cores": os.cpu_count(), "memory_gib": memory, "diorama": {"ok": not broken, "detail": model},
            "config": own, "packages": packages, "missing_for_extras": extras,
        })  # fmt: skip
    else:
        emit(f"depthpaint {__version__}, Python {platform.python_version()}, {platform.system()}")
        emit(f"cores {os.cpu_count()}, memory {memory or 'unknown'} GiB")
        emit(f"built-in model: {model}")
        if own is not None:
            emit(f"config file: {own['path']}, {own['detail']}")
        for name, found in packages.items():
            emit(f"  {name:12} {found or 'MISSING: reinstall depthpaint'}")
        for name, missing in extras.items():
            lacks = f"needs {', '.join(missing)}: pip install 'depthpaint[{name}]'"
            emit(f"extra {name:6} {lacks if missing else 'installed'}")
    if broken or None in packages.values():
        raise typer.Exit(BROKEN)


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


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None
