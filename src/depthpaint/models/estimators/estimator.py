"""Depth estimators: the protocol, the published families, and folders in their layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Resampling

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.formats.samples import Quantity
from depthpaint.models.folder_json import LONGEST_INDEX, read_configuration, read_json, require_readable
from depthpaint.models.weights import PICKLES, digest_of, require_whole


class Estimator(Protocol):
    """A loaded estimator of depth."""

    @property
    def name(self) -> str:
        """A registered name, or the name of a folder without its parents."""
        ...

    @property
    def revision(self) -> str:
        """The hub's commit of the weights; "" for a folder's and the built-in ones."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Digest of the loaded weights, hexadecimal: of the file, or of shards one after another."""
        ...

    @property
    def quantity(self) -> Quantity:
        """What grows with the numbers: "disparity", on an arbitrary scale, or "distance", in metres."""
        ...

    @property
    def caution(self) -> str:
        """A limitation that users must know, as a clause that follows the name; "" if there is none."""
        ...

    def estimate(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Depth of a picture (H, W, 3) at the picture's own size: float32 (H, W), finite."""
        ...


Colour = tuple[float, float, float]
LONGEST_SIDE = 2072


@dataclass(frozen=True, slots=True)
class Family:
    """One architecture of transformers with the preprocessing of its published weights.

    A picture is resized to about `side` pixels, in whole patches of `multiple`, in its own ratio if
    `keeps_ratio`, else to a square; its colours in [0, 1] are shifted by `mean` and divided by `spread`.
    Weights may lack tensors whose name contains one of `unused`, which the network does not use.
    """

    architecture: str
    side: int
    multiple: int
    keeps_ratio: bool
    resampling: Resampling
    mean: Colour
    spread: Colour
    unused: tuple[str, ...]

    def network_size(self, width: int, height: int) -> tuple[int, int]:
        """The network's input size; where the ratio is kept, by the scale nearest to 1 that fits a side.

        As the published processors do it, except that the long side is limited to LONGEST_SIDE.
        """
        if not self.keeps_ratio:
            return self.side, self.side
        across, down = self.side / width, self.side / height
        scale = across if abs(1 - across) < abs(1 - down) else down
        sides = [
            max(self.multiple, round(length * scale / self.multiple) * self.multiple)
            for length in (width, height)
        ]
        return min(sides[0], LONGEST_SIDE), min(sides[1], LONGEST_SIDE)


FAMILIES = {
    # Yang et al. 2406.09414; the mask token is used in training only.
    "depth_anything": Family(
        "DepthAnythingForDepthEstimation", 518, 14, True, Resampling.BICUBIC,
        (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), ("mask_token",),
    ),
    # Ranftl et al. 2103.13413. The first fusion layer has no second input, so its first residual is not used.
    "dpt": Family(
        "DPTForDepthEstimation", 384, 16, False, Resampling.BILINEAR,
        (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), ("fusion_stage.layers.0.residual_layer1", "pooler"),
    ),
}  # fmt: skip
"""By the `model_type` of their configuration."""


CONFIGURATION, WEIGHTS = "config.json", "model.safetensors"
SHARDS = f"{WEIGHTS}.index.json"


@dataclass(frozen=True, slots=True)
class EstimatorFolder:
    """A folder that can be loaded: its weights are complete safetensors with that digest."""

    path: Path
    family: Family
    quantity: Quantity
    files: Sequence[Path]
    weights_sha256: str


def open_folder(path: Path) -> EstimatorFolder:
    """Check a folder. Raises ModelError: pickle_refused, model_truncated, model_incompatible."""
    files = _weight_files(path)
    family, quantity = _family(path)
    require_readable(path, unusable)
    for file in files:
        require_whole(file)
    return EstimatorFolder(path, family, quantity, files, digest_of(files))


def unusable(path: Path, why: str, code: ErrorCode = ErrorCode.MODEL_INCOMPATIBLE) -> ModelError:
    """The error for a folder that is not a usable estimator."""
    return ModelError(
        f"{path} is not a usable depth estimator: {why}",
        code=code,
        remedy=f"name a folder with {CONFIGURATION} and {WEIGHTS}, or see depthpaint models pull",
        value=str(path),
    )


def _weight_files(path: Path) -> list[Path]:
    """The files that transformers would load, in order: one, or the shards listed in an index."""
    if (path / WEIGHTS).is_file():
        return [path / WEIGHTS]
    if (path / SHARDS).is_file():
        shards = read_json(path / SHARDS, LONGEST_INDEX, refuse=unusable).get("weight_map")
        if isinstance(shards, dict) and shards:
            # Names only: an index must not point outside its folder.
            files = [
                path / Path(str(name)).name
                for name in sorted(set(map(str, cast("dict[str, Any]", shards).values())))
            ]
            if all(file.is_file() for file in files):
                return files
        raise unusable(path, f"not all files of {SHARDS} exist", ErrorCode.MODEL_TRUNCATED)
    pickles = sorted(file.name for file in path.iterdir() if file.suffix.lower() in PICKLES)
    if pickles:
        raise ModelError(
            f"{path} contains only pickled weights ({pickles[0]}), which can run code and are never read",
            code=ErrorCode.PICKLE_REFUSED,
            remedy="convert them to safetensors if you trust them, or use a folder with safetensors",
            value=str(path),
        )
    raise unusable(path, f"it contains no {WEIGHTS}")


def _family(path: Path) -> tuple[Family, Quantity]:
    configuration = read_configuration(path / CONFIGURATION, refuse=unusable)
    named = configuration.get("model_type")
    family = FAMILIES.get(named) if isinstance(named, str) else None
    if family is None:
        known = " and ".join(FAMILIES)
        raise unusable(path, f"{CONFIGURATION} names the family {str(named)[:40]!r}, supported are {known}")
    kind = configuration.get("depth_estimation_type", "relative")
    if kind not in ("relative", "metric"):
        raise unusable(path, f"its depth is of an unknown type, {str(kind)[:40]!r}")
    return family, "distance" if kind == "metric" else "disparity"
