"""The public functions: `paint`, `read_depth`, `inspect` and `verify`. `import depthpaint` offers them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Unpack, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.core.geometry import Fit
from depthpaint.depth.depth_map import DepthMap, DepthReading, DepthSource
from depthpaint.depth.read import read_depth as read
from depthpaint.depth.read import require_certain
from depthpaint.engine import Engine
from depthpaint.formats.decode import Source, name_of
from depthpaint.formats.samples import MIN_SIDE
from depthpaint.models.estimators.registry import DEFAULT
from depthpaint.paint_settings import PaintSettings, ReadingSettings
from depthpaint.picture import Progress
from depthpaint.record.picture_file import RECORD_KEY, read_record
from depthpaint.record.picture_source import pixels_of, recorded_depth
from depthpaint.record.result import PaintedPicture, Result
from depthpaint.record.run_record import RecordError, RunRecord
from depthpaint.request import reading_from, request_from
from depthpaint.verification.agreement import FORMATS, Agreement, agreement_with

Picture = str | os.PathLike[str] | Image.Image | NDArray[np.uint8] | PaintedPicture
_SETTINGS = "see help(depthpaint.PaintSettings)"
_READING = "see help(depthpaint.ReadingSettings)"
_ENGINE = Engine()
"""Keeps models loaded between calls; nothing is loaded before the first."""


def paint(
    depth: Source | DepthMap,
    prompt: str,
    *,
    engine: Engine | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **settings: Unpack[PaintSettings],
) -> Result:
    """Paint what `prompt` says, where `depth` says.

    `depth` is a depth map: a path, the bytes of a file, a file opened with "rb", a numpy array (H, W) or
    (H, W, 1) of integers or floats in any unit, a Pillow image, or a DepthMap that `read_depth` made. What
    the numbers mean is concluded as by `depthpaint inspect`; settings like `near="white"` state it. Equal
    numbers give equal pictures, whether they come as array or as .npy file. Without `size` or `aspect` the
    picture has the map's ratio.

    `settings` are those of PaintSettings; what is not given has its default, and zero is a value. The model
    stays loaded in `engine`, by default one that all calls share, which several threads may use (Engine).
    `on_progress` is called after each step; what it raises ends the run.

    Returns a Result with `count` pictures, uint8 (H, W, 3), of the seeds `seed`, `seed` + 1 and so on. Its
    `warnings` name settings without effect and words that the model does not know.

    Raises DepthpaintError: ParameterError for an unknown or impossible setting, DepthError for a depth map
    that cannot be read or whose near end is not certain, ModelError, OutOfMemory. `error.code` is stable.

        result = depthpaint.paint("depth.png", "a white house in winter", seed=7, size=(640, 384))
        result.save("pictures")
    """
    name = depth.source.path if isinstance(depth, DepthMap) else name_of(depth)
    request = request_from({**settings, "depth": Path(name), "prompt": prompt}, _SETTINGS)
    used = _engine_of(engine)
    return used.run(used.prepare(request, depth), on_progress)


def read_depth(source: Source, **reading: Unpack[ReadingSettings]) -> DepthMap:
    """Read and understand a depth map: disparity in [0, 1], 1 = nearest.

    `source` is anything that `paint` takes. The map has `values`, float32 (H, W), 1 = nearest and
    0 = farthest, disparity-like; `valid`, bool (H, W), false where nothing was measured; and `source`, with
    what was concluded and why. `reading` is what you know of the numbers, see ReadingSettings.

    Raises DepthError where it cannot be read, or where it is not certain which end is near (give `near`);
    UnsafeFormatError for a file that could run code; ParameterError for an unknown setting; OutOfMemory.

        distances = simulator.render_depth()  # metres, float (H, W)
        depth = depthpaint.read_depth(distances, kind="distance", unit="m")
        depthpaint.paint(depth, "a street at night")
    """
    depth = read(source, reading_from(reading, _READING), _ENGINE.estimate)
    require_certain(depth.source)
    return depth


def inspect(source: Source, **reading: Unpack[ReadingSettings]) -> DepthSource:
    """What a depth map holds, how certain that is and why, as `depthpaint inspect` shows it.

    Unlike `read_depth` it does not refuse a map whose near end is not certain, or that is flat. The returned
    `findings` say what was concluded: each has an `aspect` such as "near", "kind" or "unit", a `value`, a
    `confidence` in [0, 1], its `evidence` in words, and the `flag` that overrides it. `finding("near")` gives
    one of them, or None. `size` is (width, height) in pixels, `format` the file's, `notes` are remarks.

    Raises DepthError, UnsafeFormatError, ParameterError, OutOfMemory as `read_depth`.

        for finding in depthpaint.inspect("depth.png").findings:
            print(finding.aspect, finding.value, finding.confidence, finding.evidence)
    """
    # What is flat can be looked at; it is refused when it is to be painted.
    looked = reading_from(reading, _READING).model_copy(update={"allow_constant": True})
    return read(source, looked, _ENGINE.estimate).source


def verify(
    picture: Picture,
    depth: Source | DepthMap | None = None,
    estimator: str = DEFAULT,
    *,
    fit: Fit | str | None = None,
    engine: Engine | None = None,
) -> Agreement:
    """Estimate the depth in a picture and compare it with the depth that was asked for.

    `picture` is the path of a PNG, JPEG or WebP, a Pillow image, an array uint8 (H, W, 3), or one of
    `Result.pictures` or `Result.images`. `depth` is anything that `paint` takes. A file that depthpaint wrote
    records its depth map, how it was read and how it lay on the picture: then `depth` may be left out, and
    is otherwise read as the record says. A Pillow image keeps the record of its file. Without a record, the
    map covers the picture, or lies on it as `fit` says: "pad", "crop" or "stretch".

    `estimator` is a name (`depthpaint models list`) or a folder. The built-in one is for pictures like
    diorama's, not for photos: look at the returned `caution`.

    Returns an Agreement with `rank_correlation`, `detail_correlation`, `affine_rmse`, `abs_rel`,
    `delta_1_25`, `rmse_8bit` and `edge_f_score`, and both depths. Raises DepthpaintError: RecordError for a
    picture that cannot be read or that names no depth map, DepthError, ModelError, ParameterError.

        agreement = depthpaint.verify("pictures/a-red-house-7.png")
        print(agreement.rank_correlation)
    """
    used = _engine_of(engine)
    pixels, record = _picture(picture, needed=depth is None)
    if depth is None:
        depth = _recorded(picture, record)
    if isinstance(depth, DepthMap):
        found = depth
    else:
        found = used.read(depth, DepthReading() if record is None else record.settings.reading)
    require_certain(found.source)
    return agreement_with(used, found, _fit(fit, record), pixels, estimator)


def _engine_of(engine: object) -> Engine:
    if engine is None:
        return _ENGINE
    if not isinstance(engine, Engine):
        raise ParameterError(
            f"the engine is of the type {type(engine).__name__}",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="give an Engine, or leave it out",
        )
    return engine


def _fit(fit: Fit | str | None, record: RunRecord | None) -> Fit:
    if fit is None:
        return Fit.STRETCH if record is None else record.settings.fit
    try:
        return Fit(fit)
    except ValueError as error:
        raise ParameterError(
            f"fit: there is no '{fit}'",
            code=ErrorCode.INVALID_PARAMETER,
            remedy=f"choose one of {', '.join(Fit)}",
            value=fit,
        ) from error


def _recorded(picture: Picture, record: RunRecord | None) -> Path:
    """The depth map that the record of a file names."""
    if record is None or not isinstance(picture, str | os.PathLike):
        raise ParameterError(
            "the picture names no depth map",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="give the depth map as well: verify(picture, depth)",
        )
    return recorded_depth(record, Path(picture))


def _picture(picture: Picture, *, needed: bool) -> tuple[NDArray[np.uint8], RunRecord | None]:
    """The pixels (H, W, 3), and the record where there is one; `needed` makes its lack an error."""
    record: RunRecord | None = None
    if isinstance(picture, str | os.PathLike):
        path = Path(picture)
        pixels = pixels_of(path, FORMATS)
        try:
            record = read_record(path)
        except RecordError as error:
            if needed or error.code is not ErrorCode.RECORD_MISSING:
                raise
    elif isinstance(picture, Image.Image):
        pixels = _pixels_of_image(picture)
        text = cast("dict[object, object]", picture.info).get(RECORD_KEY)
        record = RunRecord.from_json(text) if isinstance(text, str) else None
    else:
        pixels = np.asarray(picture.pixels if isinstance(picture, PaintedPicture) else picture)
    _require_picture(pixels)
    return pixels, record


def _pixels_of_image(image: Image.Image) -> NDArray[np.uint8]:
    try:
        return np.asarray(image.convert("RGB"))
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise anything at damaged files
        raise RecordError(
            f"the image cannot be read: {str(error) or 'its file is closed'}",
            code=ErrorCode.PICTURE_UNREADABLE,
            remedy="give an image that is open and whole, or the path of its file",
        ) from error


def _require_picture(pixels: NDArray[Any]) -> None:
    shape, kind = pixels.shape, pixels.dtype
    if kind != np.uint8 or len(shape) != 3 or shape[2] != 3 or min(shape[:2]) < MIN_SIDE:
        raise RecordError(
            f"an array {shape} of {kind} is no picture",
            code=ErrorCode.PICTURE_UNREADABLE,
            value=shape,
            limit=MIN_SIDE,
            remedy=f"give a path, a Pillow image or uint8 (height, width, 3) of at least {MIN_SIDE} a side",
        )
