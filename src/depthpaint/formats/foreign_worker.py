"""The separate process: a library decodes an untrusted file, and plain numbers are returned.

Run as a script, so that only the library is imported. Standard input is the file. Standard
output is one line of JSON, then the planes one after the other, little-endian; or one line with an "error".
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from io import BytesIO
from typing import Any, cast

_LIBRARIES = {"exr": "OpenEXR", "heif": "pillow_heif", "tiff": "PIL.TiffImagePlugin"}


def limit(memory_bytes: int, seconds: int) -> None:
    """Limit this process's resources, if the system can; no core files, no new files."""
    try:
        import resource
    except ImportError:  # on Windows the parent's timeout is the only limit
        return
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        _, hard = resource.getrlimit(what)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (allowed, allowed))


def exr_channels(library: Any, data: bytes, channels: list[str]) -> tuple[dict[str, Any], list[bytes]]:
    """Read these channels of a single-part file."""
    file = library.InputFile(BytesIO(data))
    return {}, [file.channel(channel) for channel in channels]


def heif_depth(library: Any, data: bytes, most_pixels: int) -> tuple[dict[str, Any], list[bytes]]:
    """Read the first auxiliary depth image of the primary picture, or else the picture itself."""
    library.options.THUMBNAILS = False
    file = library.open_heif(BytesIO(data), convert_hdr_to_8bit=False)
    hidden: list[Any] = file.info.get("depth_images") or []
    image: Any = hidden[0] if hidden else file
    width, height = image.size
    head: dict[str, Any] = {"size": [width, height], "mode": image.mode, "depth": bool(hidden)}
    if width * height > most_pixels:
        return head | {"too_large": True}, []
    described = image.info.get("metadata") if hidden else None
    if isinstance(described, dict):
        items = cast(dict[str, Any], described).items()
        head["described"] = {key: value for key, value in items if isinstance(value, int | float)}
    return head | {"stride": image.stride}, [bytes(image.data)]


def tiff_bytes(library: Any, data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Read a gray 8-bit picture, which the parent process wrote."""
    # The class itself, because Image.open would apply its own size limit.
    return {}, [library.TiffImageFile(BytesIO(data)).tobytes()]


def main() -> int:
    """Run the request given as a JSON argument."""
    task: dict[str, Any] = json.loads(sys.argv[1])
    sys.path[:] = task["path"]
    data = sys.stdin.buffer.read()
    # The result uses the original standard output; what a library prints goes to stderr.
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        # Imported before the limits, which are for the file and not for the library.
        library = importlib.import_module(_LIBRARIES[task["kind"]])
    except ImportError:
        answer.write(b'{"error": "missing"}\n')
        answer.close()
        return 0
    limit(task["memory_bytes"], task["seconds"])
    try:
        if task["kind"] == "exr":
            head, planes = exr_channels(library, data, task["channels"])
        elif task["kind"] == "heif":
            head, planes = heif_depth(library, data, task["most_pixels"])
        else:
            head, planes = tiff_bytes(library, data)
    except Exception as error:  # noqa: BLE001  any error of the library is reported
        head, planes = {"error": "unreadable", "reason": str(error)[:300]}, []
    lengths = [len(plane) for plane in planes]
    answer.write(json.dumps(head | {"lengths": lengths}).encode() + b"\n")
    for plane in planes:
        answer.write(plane)
    answer.close()
    return 0


if __name__ == "__main__":
    # Not sys.exit: errors of the library at exit are irrelevant.
    status = main()
    sys.stderr.flush()
    os._exit(status)
