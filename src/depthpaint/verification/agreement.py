"""The depth that was asked for beside the depth of the picture: which map it is, numbers, error map."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthError, ErrorCode, ParameterError
from depthpaint.core.files import is_file, is_folder
from depthpaint.core.geometry import Extent, Fit
from depthpaint.depth.compare import Likeness, aligned_to, compare, compared_size
from depthpaint.depth.depth_map import DepthMap
from depthpaint.depth.hints import edge_agreement
from depthpaint.depth.read import require_certain
from depthpaint.depth.resize import depth_at
from depthpaint.engine import Engine
from depthpaint.record.picture_file import read_record
from depthpaint.record.run_record import RecordError
from depthpaint.request import Request

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well the depth in a picture agrees with the depth that was asked for.

    `picture` (H, W, 3) is the painted one, reduced if it is large (depth.compare.compared_size). `asked` and
    `seen` are both depths at its size, float32 (H, W), 1 = nearest, compared where `valid`; `seen` is aligned
    to `asked`. `likeness` holds the scores; they are also read here: `rank_correlation` and
    `detail_correlation` in [-1, 1], `delta_1_25` in [0, 1] (1 is best), `affine_rmse`, `abs_rel` and
    `rmse_8bit` from 0 (0 is best). `edge_f_score` in [0, 1] is how well their edges meet.

    `estimator` is the model that estimated the depth, with its `caution`; its own errors count as the
    picture's.
    """

    picture: NDArray[np.uint8]
    asked: Floats
    seen: Floats
    valid: NDArray[np.bool_]
    likeness: Likeness
    edge_f_score: float
    estimator: str
    caution: str

    @property
    def rank_correlation(self) -> float:
        """Spearman's, in [-1, 1]: whether near and far are in the asked order."""
        return self.likeness.rank_correlation

    @property
    def detail_correlation(self) -> float:
        """The same of what stands out of its surroundings, in [-1, 1]."""
        return self.likeness.detail_correlation

    @property
    def affine_rmse(self) -> float:
        """Root mean square of the aligned difference, in units of disparity in [0, 1]."""
        return self.likeness.affine_rmse

    @property
    def abs_rel(self) -> float:
        """Mean of |difference| / asked, aligned."""
        return self.likeness.abs_rel

    @property
    def delta_1_25(self) -> float:
        """Share of the pixels whose aligned ratio is below 1.25 either way, in [0, 1]."""
        return self.likeness.delta_1_25

    @property
    def rmse_8bit(self) -> float:
        """Root mean square of the difference, both stretched to 0 to 255."""
        return self.likeness.rmse_8bit


def agreement(engine: Engine, request: Request, pixels: NDArray[np.uint8], estimator: str) -> Agreement:
    """Compare the depth that `request` asks for with what `estimator` sees in `pixels` (H, W, 3).

    Raises DepthpaintError where the depth file, or the estimator, cannot be read.
    """
    depth = engine.read(request.depth, request.reading)
    require_certain(depth.source)
    return agreement_with(engine, depth, request.fit or Fit.PAD, pixels, estimator)


def agreement_with(
    engine: Engine, depth: DepthMap, fit: Fit, pixels: NDArray[np.uint8], estimator: str
) -> Agreement:
    """As `agreement`, with a depth map that is read already and lies on the picture as `fit` says."""
    picture = _reduced(pixels)
    height, width = picture.shape[:2]
    asked, valid = depth_at(depth, Extent(width, height), fit)
    estimate = engine.estimate(estimator, picture)
    # A distance grows where disparity falls: only its order and its inverse can be compared.
    seen = estimate.values if estimate.quantity == "disparity" else 1 / np.maximum(estimate.values, 1e-6)
    if not valid.any():
        valid = np.ones_like(valid)
    aligned = aligned_to(asked, seen, valid)
    return Agreement(
        picture=picture, asked=asked, seen=aligned, valid=valid, likeness=compare(asked, seen, valid),
        edge_f_score=edge_agreement(asked, np.clip(aligned, 0, 1)), estimator=estimate.estimator,
        caution=estimate.caution,
    )  # fmt: skip


def _reduced(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (H, W, 3) at the size of comparison: each pixel the mean of those that it covers."""
    height, width = pixels.shape[:2]
    size = compared_size(Extent(width, height))
    if size == (width, height):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size.width, size.height), Image.Resampling.BOX))


WORST = 0.3
"""Difference of depth, of a range of 1, that is drawn in full colour."""


def error_map(agreement: Agreement) -> NDArray[np.uint8]:
    """(H, 4 W, 3): the picture as it was compared, the asked depth, the seen depth, and their difference.

    Red where the picture is nearer than asked, blue where it is farther, gray where nothing was asked.
    """
    difference = np.clip((agreement.seen - agreement.asked) / WORST, -1, 1)
    nearer, farther = np.maximum(difference, 0)[..., None], np.maximum(-difference, 0)[..., None]
    colours = 1 - nearer * (1 - np.array((0.75, 0.1, 0.1))) - farther * (1 - np.array((0.1, 0.25, 0.8)))
    colours[~agreement.valid] = 0.5
    maps = [
        np.repeat(np.clip(side, 0, 1)[..., None], 3, axis=2) for side in (agreement.asked, agreement.seen)
    ]
    drawn = [np.rint(side * 255).astype(np.uint8) for side in (*maps, colours)]
    return np.concatenate([agreement.picture, *drawn], axis=1)


FORMATS = ("PNG", "JPEG", "WEBP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
MAPPED = "-verified"
"""Ends the names of the pictures that --maps writes."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and the depth that was asked for: a map, the folder of a recorded map, or None where the
    record says all; or why there is none.
    """

    image: Path
    depth: Path | None = None
    problem: DepthError | None = None


def pairs_of(images: Iterable[Path], depth: Path | None) -> list[Pair]:
    """The pictures, with those of folders in the folders' place, each with its depth map.

    Where `depth` is a folder a recorded picture's map is the file in it that the record names, any other's
    the one that is called like the picture, whatever it ends in. Without `depth`, pictures in a folder that
    hold no record are passed by; a PNG that cannot be read is not. Raises ParameterError where there is no
    picture at all.
    """
    found = [file for image in images for file in _files(image, recorded=depth is None)]
    if not found:
        raise ParameterError(
            "there is no picture to verify",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="name pictures, or a folder of them; with --depth those of other programs count, too",
        )
    if depth is None or not is_folder(depth):
        return [Pair(image, depth) for image in found]
    maps: dict[str, list[Path]] = {}
    for file in _listed(depth):
        if is_file(file) and not file.name.startswith("."):
            maps.setdefault(file.stem, []).append(file)
    return [
        Pair(image, depth) if _is_recorded(image) else _matched(image, maps.get(image.stem, []), depth)
        for image in found
    ]


def map_names(pairs: Iterable[Pair]) -> list[str]:
    """The file that --maps writes for each picture: called like it, and numbered where the name is taken."""
    images = [pair.image for pair in pairs]
    stems = {image.stem.casefold() for image in images}
    names: list[str] = []
    taken: set[str] = set()
    for image in images:
        # Compared without case, as some file systems do.
        numbered = (f"{image.stem}-{number}" for number in count(2))
        free = (name for name in numbered if name.casefold() not in stems | taken)
        name = image.stem if image.stem.casefold() not in taken else next(free)
        taken.add(name.casefold())
        names.append(f"{name}{MAPPED}.png")
    return names


def _files(image: Path, *, recorded: bool) -> list[Path]:
    if not is_folder(image):
        return [image]
    files = [file for file in _listed(image) if file.suffix.lower() in SUFFIXES and not is_folder(file)]
    pictures = [file for file in files if not file.stem.endswith(MAPPED)]
    return [file for file in pictures if not recorded or _is_recorded(file)]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise RecordError(
            f"cannot read {folder}: {error.strerror}",
            code=ErrorCode.PICTURE_UNREADABLE,
            value=str(folder),
            remedy="name files, or a folder that may be listed",
        ) from error


def _is_recorded(file: Path) -> bool:
    if file.suffix.lower() != ".png":
        return False
    try:
        read_record(file)
    except RecordError as error:
        return error.code is not ErrorCode.RECORD_MISSING
    return True


def _matched(image: Path, maps: list[Path], folder: Path) -> Pair:
    if len(maps) == 1:
        return Pair(image, maps[0])
    many = ", ".join(file.name for file in maps[:3])
    problem = DepthError(
        f"{folder} holds " + (f"several maps of its name: {many}" if maps else "no map of its name"),
        code=ErrorCode.DEPTH_UNREADABLE,
        value=str(image),
        remedy=f"call its depth map {image.stem}, with any ending",
    )
    return Pair(image, problem=problem)
