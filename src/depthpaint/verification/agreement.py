"""Compare the depth of a picture with the requested depth: scores, error maps, and pairs of files."""

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
from depthpaint.depth.read import require_certain
from depthpaint.depth.resize import depth_at
from depthpaint.engine import Engine
from depthpaint.record.picture_file import read_record
from depthpaint.record.run_record import RecordError
from depthpaint.request import Request

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well the depth in a picture agrees with the requested depth.

    `picture` (H, W, 3) is the painted one, reduced if it is large (depth.compare.compared_size). `expected`
    and `estimated` are both depths at its size, float32 (H, W), 1 = nearest, compared where `valid`;
    `estimated` is aligned to `expected`. `likeness` holds the scores, which are also properties:
    `depth_agreement` (the one to read first), `mirrored_agreement`, `rank_correlation` and
    `detail_correlation` in [-1, 1], `delta_1_25` and `edge_f_score` in [0, 1] (1 is best), `affine_rmse`,
    `abs_rel` and `rmse_8bit` from 0 (0 is best).

    `estimator` is the model that estimated the depth, with its `caution`; its own errors count as the
    picture's.
    """

    picture: NDArray[np.uint8]
    expected: Floats
    estimated: Floats
    valid: NDArray[np.bool_]
    likeness: Likeness
    estimator: str
    caution: str

    @property
    def depth_agreement(self) -> float:
        """Correlation of the slopes of both depths, in [-1, 1]; 95 % of wrong maps are below 0.32."""
        return self.likeness.depth_agreement

    @property
    def mirrored_agreement(self) -> float:
        """The same with the requested depth mirrored left to right; it should be lower."""
        return self.likeness.mirrored_agreement

    @property
    def rank_correlation(self) -> float:
        """Spearman's, in [-1, 1]: whether near and far are in the requested order."""
        return self.likeness.rank_correlation

    @property
    def detail_correlation(self) -> float:
        """Correlation of local relief, in [-1, 1]: of each pixel's depth relative to its surroundings."""
        return self.likeness.detail_correlation

    @property
    def affine_rmse(self) -> float:
        """Root mean square of the aligned difference, in units of disparity in [0, 1]."""
        return self.likeness.affine_rmse

    @property
    def abs_rel(self) -> float:
        """Mean of |difference| / expected, aligned, where expected is not far (depth.compare.NEAR_ENOUGH)."""
        return self.likeness.abs_rel

    @property
    def delta_1_25(self) -> float:
        """Share of the same pixels whose aligned ratio is below 1.25 either way, in [0, 1]."""
        return self.likeness.delta_1_25

    @property
    def rmse_8bit(self) -> float:
        """Root mean square of the difference, both stretched to 0 to 255."""
        return self.likeness.rmse_8bit

    @property
    def edge_f_score(self) -> float:
        """F-score of the steepest tenth of the pixels, in [0, 1]: how well the edges match."""
        return self.likeness.edge_f_score


def agreement(engine: Engine, request: Request, pixels: NDArray[np.uint8], estimator: str) -> Agreement:
    """Compare the requested depth with what `estimator` estimates from `pixels` (H, W, 3).

    Raises DepthpaintError if the depth file cannot be read, or the estimator cannot be loaded.
    """
    depth = engine.read(request.depth, request.reading)
    require_certain(depth.source)
    return agreement_with(engine, depth, request.fit or Fit.PAD, pixels, estimator)


def agreement_with(
    engine: Engine, depth: DepthMap, fit: Fit, pixels: NDArray[np.uint8], estimator: str
) -> Agreement:
    """As `agreement`, with a depth map that was already read and is placed on the picture by `fit`."""
    picture = _reduced(pixels)
    height, width = picture.shape[:2]
    expected, valid = depth_at(depth, Extent(width, height), fit)
    estimate = engine.estimate(estimator, picture)
    # Distance is the inverse of disparity up to scale, so its inverse is compared.
    estimated = estimate.values if estimate.quantity == "disparity" else 1 / np.maximum(estimate.values, 1e-6)
    if not valid.any():
        valid = np.ones_like(valid)
    aligned = aligned_to(expected, estimated, valid)
    return Agreement(
        picture=picture, expected=expected, estimated=aligned, valid=valid,
        likeness=compare(expected, estimated, valid), estimator=estimate.estimator, caution=estimate.caution,
    )  # fmt: skip


def _reduced(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (H, W, 3) at the size of comparison, averaged over the covered pixels."""
    height, width = pixels.shape[:2]
    size = compared_size(Extent(width, height))
    if size == (width, height):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size.width, size.height), Image.Resampling.BOX))


WORST = 0.3
"""The difference of depth, of a range of 1, that is drawn in full colour."""


def error_map(agreement: Agreement) -> NDArray[np.uint8]:
    """(H, 4 W, 3): the compared picture, the expected depth, the estimated depth, and their difference.

    Red where the picture is nearer than expected, blue where it is farther, gray where no depth was given.
    """
    difference = np.clip((agreement.estimated - agreement.expected) / WORST, -1, 1)
    nearer, farther = np.maximum(difference, 0)[..., None], np.maximum(-difference, 0)[..., None]
    colours = 1 - nearer * (1 - np.array((0.75, 0.1, 0.1))) - farther * (1 - np.array((0.1, 0.25, 0.8)))
    colours[~agreement.valid] = 0.5
    maps = [
        np.repeat(np.clip(side, 0, 1)[..., None], 3, axis=2)
        for side in (agreement.expected, agreement.estimated)
    ]
    drawn = [np.rint(side * 255).astype(np.uint8) for side in (*maps, colours)]
    return np.concatenate([agreement.picture, *drawn], axis=1)


SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
MAPPED = "-verified"
"""The ending of the files that --maps writes."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and its depth map: a file, the folder of a recorded map, or None if the record is enough.

    `problem` is the error if there is no map.
    """

    image: Path
    depth: Path | None = None
    problem: DepthError | None = None


def pairs_of(images: Iterable[Path], depth: Path | None) -> list[Pair]:
    """The pictures, with folders replaced by their pictures, each with its depth map.

    If `depth` is a folder, a recorded picture's map is the file in it that the record names, any other's the
    one with the same stem. Without `depth`, pictures in a folder that have no record are skipped; an
    unreadable PNG is not. Raises ParameterError if there is no picture at all.
    """
    files = [file for image in images for file in _files(image, recorded=depth is None)]
    if not files:
        raise ParameterError(
            "there is no picture to verify",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="give pictures, or a folder of them; with --depth those of other programs are used, too",
        )
    if depth is None or not is_folder(depth):
        return [Pair(image, depth) for image in files]
    maps: dict[str, list[Path]] = {}
    for file in _listed(depth):
        if is_file(file) and not file.name.startswith("."):
            maps.setdefault(file.stem, []).append(file)
    return [
        Pair(image, depth) if _is_recorded(image) else _matched(image, maps.get(image.stem, []), depth)
        for image in files
    ]


def map_names(pairs: Iterable[Pair]) -> list[str]:
    """The file that --maps writes for each picture: named like it, and numbered if the name is taken."""
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
            remedy="give files, or a folder that can be listed",
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
        f"{folder} contains " + (f"several maps of its name: {many}" if maps else "no map of its name"),
        code=ErrorCode.DEPTH_UNREADABLE,
        value=str(image),
        remedy=f"name its depth map {image.stem}, with any ending",
    )
    return Pair(image, problem=problem)
