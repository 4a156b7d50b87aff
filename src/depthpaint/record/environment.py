"""On what a picture was painted: versions and machine; nothing that names a person, a host or a folder."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

import depthpaint

VERSIONS = ("depthpaint", "python", "numpy", "onnxruntime", "pillow")
"""The keys that hold versions; all others of `environment()` describe the machine."""

_CPU_LIST = Path("/proc/cpuinfo")
_MODEL_KEYS = ("model name", "hardware", "cpu model")


def environment() -> dict[str, str]:
    """Versions of what decides the numbers, and the machine: system, machine, cpu_count, cpu.

    The packages are looked up, not imported, so that asking costs no ONNX Runtime.
    """
    found = {
        "depthpaint": depthpaint.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cpu_count": str(os.cpu_count() or "unknown"),
        "cpu": _cpu_model(_CPU_LIST),
    }
    found |= {name: _version(name) for name in VERSIONS if name not in found}
    return found


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _cpu_model(listing: Path) -> str:
    """The processor's own name; two of them may round differently, so it explains a picture that differs."""
    try:
        lines = listing.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    for line in lines:
        key, colon, value = line.partition(":")
        if colon and key.strip().lower() in _MODEL_KEYS and value.strip():
            return value.strip()
    return platform.processor() or "unknown"
