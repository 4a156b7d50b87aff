"""Libraries written in C read strangers' files in a process of their own, bounded in memory and in time.

A crash there, whether by accident or by design, is an unreadable file here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal, cast

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.inputs.refusal import damaged, unsupported

SECONDS = 60
# For the interpreter and the library themselves, before any file.
_BASE_BYTES = 1 << 30
_WORKER = Path(__file__).with_name("child_worker.py")
# What reads a kind of file, and the part of depthpaint's requirements that brings it.
_EXTRAS = {"exr": ("OpenEXR", "[exr]"), "heif": ("pillow-heif", "[phone]"), "tiff": ("Pillow", "")}
# Libraries of numbers reserve memory for each processor, which a limit of memory would take for the file's.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "PATH")


def decoded_elsewhere(
    name: str,
    data: bytes,
    kind: Literal["exr", "heif", "tiff"],
    options: dict[str, Any],
    unpacked_bytes: int,
) -> tuple[dict[str, Any], list[bytes]]:
    """Let the library for `kind` read `data` in another process; return what it says, and its planes' bytes.

    `unpacked_bytes` is how much memory the pixels may take. Raises DepthError: depth_unreadable for a file
    that the library refuses, crashes on or spends too much on; depth_unsupported_format where it is not
    installed.
    """
    task = {
        "kind": kind,
        "path": [entry for entry in sys.path if entry],
        "memory_bytes": _BASE_BYTES + 3 * unpacked_bytes + 2 * len(data),
        "seconds": SECONDS,
        **options,
    }
    environment = _ENVIRONMENT | {key: os.environ[key] for key in _KEPT if key in os.environ}
    library, extra = _EXTRAS[kind]
    try:
        # -I: neither the environment nor the current folder has a say in what is imported.
        run = subprocess.run(
            [sys.executable, "-I", str(_WORKER), json.dumps(task)],
            input=data,
            capture_output=True,
            timeout=SECONDS,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise damaged(name, f"{kind.upper()} file", f"reading it takes more than {SECONDS} s") from error
    except OSError as error:
        raise DepthError(
            f"cannot read {name}: no other process can be started for it",
            code=ErrorCode.DEPTH_UNREADABLE,
            remedy="convert it to a 16-bit PNG or to NPY",
            value=name,
        ) from error
    head, planes = _answer(run.stdout)
    if head is None:
        raise damaged(name, f"{kind.upper()} file", f"the library {library} crashed on it")
    if head.get("error") == "missing":
        raise unsupported(
            name,
            f"a file that the library {library} is needed for",
            f'install it with pip install "depthpaint{extra}"',
        )
    if "error" in head:
        raise damaged(name, f"{kind.upper()} file", f"the library {library} cannot read it")
    return head, planes


def _answer(output: bytes) -> tuple[dict[str, Any] | None, list[bytes]]:
    """The JSON line and the planes behind it; None where they are not all there."""
    line, _, content = output.partition(b"\n")
    try:
        head: Any = json.loads(line)
        lengths = [int(length) for length in head["lengths"]] if "lengths" in head else []
    except (ValueError, TypeError, KeyError):
        return None, []
    if not isinstance(head, dict) or sum(lengths) != len(content):
        return None, []
    planes: list[bytes] = []
    start = 0
    for length in lengths:
        planes.append(content[start : start + length])
        start += length
    return cast(dict[str, Any], head), planes
