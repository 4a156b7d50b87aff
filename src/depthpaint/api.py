"""The public functions `paint`, `read_depth`, `inspect` and `verify`, exported by `depthpaint`."""

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
from depthpaint.depth.depth_map import DepthMap, DepthSource
from depthpaint.depth.read import read_depth as read
from depthpaint.depth.read import read_source, require_certain
from depthpaint.engine import Engine
from depthpaint.formats.decode import Source, name_of
from depthpaint.formats.samples import MIN_SIDE
from depthpaint.models.estimators.registry import DEFAULT
from depthpaint.paint_settings import PaintSettings, ReadingSettings
from depthpaint.picture import Progress
from depthpaint.record.picture_file import RECORD_KEY, read_record
from depthpaint.record.picture_source import FORMATS, pixels_of, recorded_depth
from depthpaint.record.result import PaintedPicture, Result
from depthpaint.record.run_record import RecordError, RunRecord
from depthpaint.request import reading_from, request_from
from depthpaint.verification.agreement import Agreement, agreement_with
from depthpaint.verification.requested import requested_depth

Picture = str | os.PathLike[str] | Image.Image | NDArray[np.uint8] | PaintedPicture
_SETTINGS = "see help(depthpaint.PaintSettings)"
_READING = "see help(depthpaint.ReadingSettings)"
_ENGINE = Engine()
"""The shared engine: keeps models loaded between calls; loads nothing before the first."""


def paint(
    depth: Source | DepthMap,
    prompt: str,
    *,
    engine: Engine | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **settings: Unpack[PaintSettings],
) -> Result:
    """Paint `prompt` with the layout of `depth`.

    `depth` is a depth map: a path, the bytes of a file, a file opened with "rb", a numpy array (H, W) or
    (H, W, 1) of integers or floats in any unit, a Pillow image, or a DepthMap from `read_depth`. The meaning
    of the numbers is detected as by `depthpaint inspect`; settings like `near="white"` override it. Equal
    numbers give equal pictures, whether they come as an array or a .npy file. Without `size` or `aspect` the
    picture has the map's ratio.

    `settings` are those of PaintSettings; missing ones have their defaults, and zero is a value. The model
    stays loaded in `engine`, by default a shared one that several threads may use (Engine). `on_progress` is
    called after each step; an exception raised by it ends the run.

    Returns a Result with `count` pictures, uint8 (H, W, 3), with the seeds `seed`, `seed` + 1 and so on. Its
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
    """Read and interpret a depth map: disparity in [0, 1], 1 = nearest.

    `source` is anything that `paint` takes. The result has `values`, float32 (H, W), 1 = nearest and
    0 = farthest, disparity-like; `valid`, bool (H, W), false where nothing was measured; and `source`, with
    what was detected and why. `reading` is what you know about the numbers, see ReadingSettings.

    Raises DepthError if it cannot be read, or if it is not certain which end is near (give `near`);
    UnsafeFormatError for a file that could run code; ParameterError for an unknown setting; OutOfMemory.

        distances = simulator.render_depth()  # metres, float (H, W)
        depth = depthpaint.read_depth(distances, kind="distance", unit="m")
        depthpaint.paint(depth, "a street at night")
    """
    depth = read(source, reading_from(reading, _READING), _ENGINE.estimate)
    require_certain(depth.source)
    return depth


def inspect(source: Source, **reading: Unpack[ReadingSettings]) -> DepthSource:
    """Report what a depth map holds, with which confidence and why, as `depthpaint inspect` shows it.

    Unlike `read_depth` it accepts a map whose near end is not certain, or that is flat. The returned
    `findings` are the conclusions: each has an `aspect` such as "near", "kind" or "unit", a `value`, a
    `confidence` in [0, 1], its `evidence` in words, and the `flag` that overrides it. `finding("near")` gives
    one of them, or None. `size` is (width, height) in pixels, `format` the file's, `notes` are remarks.

    Raises DepthError, UnsafeFormatError, ParameterError, OutOfMemory as `read_depth`.

        for finding in depthpaint.inspect("depth.png").findings:
            print(finding.aspect, finding.value, finding.confidence, finding.evidence)
    """
    # A flat map can be inspected; painting it is an error.
    looked = reading_from(reading, _READING).model_copy(update={"allow_constant": True})
    return read_source(source, looked, _ENGINE.estimate)


def verify(
    picture: Picture,
    depth: Source | DepthMap | None = None,
    estimator: str = DEFAULT,
    *,
    fit: Fit | str | None = None,
    engine: Engine | None = None,
) -> Agreement:
    """Estimate the depth in a picture and compare it with the depth map that it was painted from.

    `picture` is the path of a PNG, JPEG or WebP, a Pillow image, an array uint8 (H, W, 3), or one of
    `Result.pictures` or `Result.images`. `depth` is anything that `paint` takes. A file written by depthpaint
    records its depth map, how it was read and how it was placed on the picture: `depth` may then be omitted.
    The recorded map is read as recorded, another one anew: give what `read_depth` returns to say how. A
    Pillow image keeps the record of its file. Without a record, the map covers the picture, or is placed on
    it by `fit`: "pad", "crop" or "stretch".

    `estimator` is a name (`depthpaint models list`) or a folder. The built-in one is for pictures like
    diorama's, not for photos: see the returned `caution`.

    Returns an Agreement with `depth_agreement`, the score to read first (wrong maps are mostly below 0.32),
    `mirrored_agreement`, `edge_f_score`, `rank_correlation`, `detail_correlation`, `affine_rmse`, `abs_rel`,
    `delta_1_25` and `rmse_8bit`, and both depths. Raises DepthpaintError: RecordError for a
    picture that cannot be read or that records no depth map, DepthError, ModelError, ParameterError.

        agreement = depthpaint.verify("pictures/a-red-house-7.png")
        print(agreement.depth_agreement)
    """
    used = _engine_of(engine)
    pixels, record = _picture(picture, needed=depth is None)
    if depth is None:
        depth = _recorded(picture, record)
    remedy = "give depthpaint.read_depth(...) as the depth map"
    requested = requested_depth(used, depth, record, {}, remedy)
    return agreement_with(used, requested.depth, _fit(fit, record), pixels, estimator)


def _engine_of(engine: object) -> Engine:
    if engine is None:
        return _ENGINE
    if not isinstance(engine, Engine):
        raise ParameterError(
            f"engine has the type {type(engine).__name__}, not Engine",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="give an Engine, or omit it",
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
    """The depth map named in the record of a picture file."""
    if record is None or not isinstance(picture, str | os.PathLike):
        raise ParameterError(
            "the picture does not record a depth map",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="give the depth map as well: verify(picture, depth)",
        )
    return recorded_depth(record, Path(picture))


def _picture(picture: Picture, *, needed: bool) -> tuple[NDArray[np.uint8], RunRecord | None]:
    """The pixels (H, W, 3), and the record if there is one; with `needed` a missing record is an error."""
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
    except Exception as error:  # Pillow raises all kinds of exceptions for damaged files
        raise RecordError(
            f"the image cannot be read: {str(error) or 'its file is closed'}",
            code=ErrorCode.PICTURE_UNREADABLE,
            remedy="give an open, complete image, or the path of its file",
        ) from error


def _require_picture(pixels: NDArray[Any]) -> None:
    shape, kind = pixels.shape, pixels.dtype
    if kind != np.uint8 or len(shape) != 3 or shape[2] != 3 or min(shape[:2]) < MIN_SIDE:
        raise RecordError(
            f"an array {shape} of {kind} is not a picture",
            code=ErrorCode.PICTURE_UNREADABLE,
            value=shape,
            limit=MIN_SIDE,
            remedy=f"give a path, a Pillow image or uint8 (height, width, 3), each side at least {MIN_SIDE}",
        )
