"""What a depth map is understood as, and how well a picture agrees with one, for clients."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from depthpaint.api import verify
from depthpaint.core.errors import DepthError, DepthpaintError, ErrorCode
from depthpaint.depth.slopes import with_chance
from depthpaint.engine import Engine
from depthpaint.request import reading_from

PREVIEW = 512
"""The longest side of a preview."""


def inspected(
    engine: Engine, data: bytes, reading: Mapping[str, object], *, preview: bool = True
) -> dict[str, Any]:
    """What a depth map holds, with evidence; the preview is a PNG as base64, near is white.

    A map whose near end is not certain is inspected, too. Raises DepthpaintError.
    """
    depth = engine.read(data, reading_from({"allow_constant": True, **reading}, "see /openapi.json"))
    source = depth.source
    answer: dict[str, Any] = {
        "format": source.format, "width": source.size.width, "height": source.size.height,
        "container_bits": source.container_bits, "bits_used": source.bits_used, "levels": source.levels,
        "colour_map": source.colour_map, "near": source.near, "kind": source.kind, "unit": source.unit,
        "invalid_share": source.invalid_share, "notes": list(source.notes),
        "findings": [
            {"aspect": each.aspect, "value": each.value, "confidence": each.confidence,
             "evidence": each.evidence, "flag": each.flag}
            for each in source.findings
        ],
    }  # fmt: skip
    if preview:
        shown = Image.fromarray(np.rint(depth.values * 255).astype(np.uint8))
        shown.thumbnail((PREVIEW, PREVIEW))
        answer["preview"] = base64.b64encode(png_of(np.asarray(shown))).decode()
    return answer


def verified(engine: Engine, picture: bytes, depth: bytes | None, out: Path) -> dict[str, Any]:
    """The scores of a picture's depth against a depth map, or that in its record, which is in `out`.

    Raises DepthpaintError.
    """
    with tempfile.TemporaryDirectory(dir=out) as folder:
        path = Path(folder, "picture.png")
        path.write_bytes(picture)
        source = depth
        if source is None:
            source = _recorded(path, out)
        found = verify(path, source, engine=engine)
    likeness = {name: getattr(found.likeness, name) for name in found.likeness.__slots__}
    return {
        **likeness, "estimator": found.estimator,
        "meaning": with_chance(found.depth_agreement, found.mirrored_agreement),
    }  # fmt: skip


def _recorded(picture: Path, out: Path) -> Path:
    """The depth map that a picture's record names, in the server's folder."""
    from depthpaint.record.picture_file import read_record
    from depthpaint.record.picture_source import recorded_depth

    record = read_record(picture)
    try:
        return recorded_depth(record, out / picture.name)
    except DepthpaintError as error:
        raise DepthError(
            "the depth map of this picture is not on this server",
            code=ErrorCode.DEPTH_MISSING,
            remedy="send it with the picture",
        ) from error


def png_of(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """A plain PNG of pixels (H, W) or (H, W, 3)."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
