"""What runs in the other process: a library unpacks a file that nobody vouches for; bare numbers come back.

Run as a script of its own, so that nothing but the library is imported. Standard input is the file. Standard
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
    """Bound what this process may take, where the system can; no core files, no new files of any size."""
    try:
        import resource
    except ImportError:  # Windows has the parent's clock alone
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
    """Read these channels of a single-part file, and no others."""
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
    """Read a gray picture of bytes, which was written by the one who asks."""
    # The class itself, because Image.open would judge a size that has been judged before.
    return {}, [library.TiffImageFile(BytesIO(data)).tobytes()]


def main() -> int:
    """Do what the one argument, a JSON object, says."""
    task: dict[str, Any] = json.loads(sys.argv[1])
    sys.path[:] = task["path"]
    data = sys.stdin.buffer.read()
    # The answer keeps the true output for itself; what a library prints goes to the errors.
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        # Before the limits, which are for the file and not for the library.
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
    except Exception as error:  # noqa: BLE001  whatever a library throws is an answer too
        head, planes = {"error": "unreadable", "reason": str(error)[:300]}, []
    lengths = [len(plane) for plane in planes]
    answer.write(json.dumps(head | {"lengths": lengths}).encode() + b"\n")
    for plane in planes:
        answer.write(plane)
    answer.close()
    return 0


if __name__ == "__main__":
    # Not sys.exit: what a library breaks on its way out is nobody's concern.
    status = main()
    sys.stderr.flush()
    os._exit(status)
