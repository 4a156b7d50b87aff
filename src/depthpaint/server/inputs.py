"""What clients send: pictures as text, and the fields of a request, within the limits of the server."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import numpy as np

from depthpaint.core.errors import DepthError, DepthpaintError, ErrorCode, ModelError, ParameterError
from depthpaint.core.files import make_folder, write_atomic
from depthpaint.core.geometry import Extent
from depthpaint.core.setting import settings_of
from depthpaint.engine import Engine, Prepared
from depthpaint.formats.file_kind import file_kind
from depthpaint.formats.samples import FormatName
from depthpaint.model_choice import Also, Lora
from depthpaint.models.registry import names
from depthpaint.record.paths import INIT
from depthpaint.record.picture_source import decoded_picture
from depthpaint.request import Request, request_from
from depthpaint.server.options import ServerOptions

DEPTHS, STARTS = "depths", "starts"
"""The folders of depth maps, and of pictures to start from, in the output folder."""
_DATA_URL = re.compile(r"data:[\w.+-]{0,40}/[\w.+-]{0,80};base64,", re.IGNORECASE)
_EXTENSIONS = {"tiff": ".tif", "jpeg": ".jpg", "heif": ".heic"}
SMALLEST = 60
"""Bytes; no picture is smaller. Paths that happen to be base64 are: they are refused like all others."""
MOST_PICTURES = 100
"""Pictures of one request."""


def bytes_of(text: str, field: str) -> bytes:
    """The file that is written as base64, or as a data URL with base64.

    Raises ParameterError: a URL or a path is never opened, and is not told from any other text.
    """
    plain = "".join(text.split())
    match = _DATA_URL.match(plain)
    try:
        data = base64.b64decode(plain[match.end() :] if match else plain, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _no_picture(field) from error
    if len(data) < SMALLEST:
        raise _no_picture(field)
    return data


def _no_picture(field: str) -> ParameterError:
    return ParameterError(
        f"{field} is not a file as base64; URLs and paths are not opened",
        code=ErrorCode.INVALID_PARAMETER,
        remedy="send the file's bytes as base64, or as data:image/png;base64,...",
        value=(field,),
    )


def stored_depth(data: bytes, out: Path) -> Path:
    """Write a depth map into the output folder, named by its digest; equal files are stored once.

    Raises DepthError for a file of a kind that holds no depth, and OutputError.
    """
    kind = file_kind(data)
    if kind.verdict not in get_args(FormatName):
        raise DepthError(
            f"the depth map is {kind.looks_like}",
            code=ErrorCode.DEPTH_UNSUPPORTED_FORMAT,
            remedy=kind.remedy or "send a PNG, TIFF, EXR or NPY file",
        )
    return _stored(data, out / DEPTHS)


def stored_start(data: bytes, field: str, out: Path) -> Path:
    """Write a picture to start from into the output folder, as `stored_depth` writes a depth map.

    Errors call it `field`. Raises RecordError for what is no picture, and OutputError.
    """
    decoded_picture(field, data, transparent=True)  # as read_start reads it
    return _stored(data, out / STARTS)


def _stored(data: bytes, folder: Path) -> Path:
    kind = file_kind(data)
    extension = _EXTENSIONS.get(kind.verdict, f".{kind.verdict}")
    path = folder / f"{hashlib.sha256(data).hexdigest()[:32]}{extension}"
    if not path.is_file():
        make_folder(path.parent)
        write_atomic(path, data, overwrite=True)
    return path


def without_depth(size: Extent, out: Path) -> tuple[Path, dict[str, object]]:
    """A flat map for a picture without depth, and the settings that give it no effect.

    The record names this file and a control strength of 0.
    """
    side = 64
    height = max(8, round(side * min(8.0, max(0.125, size.height / size.width))))
    buffer = BytesIO()
    np.save(buffer, np.zeros((height, side), np.uint8))
    path = stored_depth(buffer.getvalue(), out)
    return path, {"near": "white", "kind": "disparity", "allow_constant": True, "control_strength": 0.0,
                  "finish": False, "fit": "stretch", "range": "full", "frame": "keep"}  # fmt: skip


def checked_request(values: Mapping[str, object], options: ServerOptions) -> Request:
    """The request with these fields, within the limits. Raises ParameterError and ModelError."""
    request = request_from({"model": options.model, **values}, "see /openapi.json")
    size = request.size
    if isinstance(size, Extent) and max(size) > options.max_side:
        raise _beyond("size", f"{size}", f"sides of at most {options.max_side} pixels")
    if (request.num_inference_steps or 0) > options.max_steps:
        raise _beyond(
            "num_inference_steps", f"{request.num_inference_steps}", f"at most {options.max_steps} steps"
        )
    if (request.count or 1) > MOST_PICTURES:
        raise _beyond("count", f"{request.count}", f"at most {MOST_PICTURES} pictures")
    require_names(request, options)
    return request


def require_names(request: Request, options: ServerOptions) -> None:
    """Refuse paths: a client names models, and never files of this machine."""
    if request.model not in (None, options.model) and request.model not in names("model"):
        raise ModelError(
            "there is no such model on this server",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"choose one of {', '.join(names('model'))}",
            value=request.model,
        )
    for name, setting in settings_of(Request).items():
        value = getattr(request, name)
        # The server itself stores the picture to start from.
        if not setting.paths or value is None or name in ("model", INIT):
            continue
        parts = [value] if isinstance(value, str) else [_file_of(each) for each in value]
        texts = [text for text in parts if text is not None]
        if any(set(text) & set("/\\:~") or text.startswith(".") for text in texts):
            raise _beyond(name, "a path", "names without folders")


def _file_of(part: Lora | Also) -> str | None:
    return part.file if isinstance(part, Lora) else part.control


def hide_paths(error: DepthpaintError, out: Path) -> None:
    """Leave the server's own paths out of an error: clients sent files, and know no names of them."""
    stored = rf"{re.escape(str(out))}[/\\]({DEPTHS}|{STARTS})[/\\][0-9a-f]{{32}}\.\w+"
    for name in ("message", "remedy"):
        text = re.sub(stored, "the file", str(getattr(error, name)))
        setattr(error, name, text.replace(str(out), "the output folder"))


def _beyond(field: str, given: str, allowed: str) -> ParameterError:
    return ParameterError(
        f"{field} is {given}; this server allows {allowed}",
        code=ErrorCode.INVALID_PARAMETER,
        remedy="ask for less, or start the server with another limit",
        value=(field,),
    )


def prepared_as_web_ui(engine: Engine, request: Request) -> Prepared:
    """Prepare a request of a client that cannot say which end is near.

    ControlNet's convention is that white is near. It holds for pictures, unless their numbers are known
    lengths or they have a colour map; files of numbers are read as they say themselves. Raises
    DepthpaintError.
    """
    if request.near is not None:
        return engine.prepare(request)
    try:
        prepared = engine.prepare(request)
        source = prepared.depth.source
        known = source.metres is not None or source.colour_map != "gray"
        if known or source.format not in ("png", "jpeg", "webp"):
            return prepared
    except DepthError as error:
        if error.code is not ErrorCode.DEPTH_AMBIGUOUS:
            raise
    return engine.prepare(request.model_copy(update={"near": "white", "kind": request.kind or "disparity"}))


def understood(prepared: Prepared) -> dict[str, Any]:
    """What a depth map was understood as."""
    source = prepared.depth.source
    return {
        "format": source.format, "width": source.size.width, "height": source.size.height,
        "near": source.near, "kind": source.kind, "unit": source.unit, "colour_map": source.colour_map,
        "confidence": {each.aspect: round(each.confidence, 3) for each in source.findings},
        "notes": list(source.notes),
    }  # fmt: skip
