"""What an engine returns: pictures, the plan that ran, times and warnings."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.depth.depth_map import DepthSource
from depthpaint.plan import RunPlan
from depthpaint.record.picture_file import save_pictures, texts_of
from depthpaint.record.run_record import RunRecord, record_of
from depthpaint.record.sections import AgreementFacts


@dataclass(frozen=True, slots=True)
class PaintedPicture:
    """One picture: uint8 (H, W, 3) of the exact output size, its seed, and the seconds it took.

    `agreement` is how its depth was found to agree, where somebody looked.
    """

    pixels: NDArray[np.uint8]
    seed: int
    seconds: float
    agreement: AgreementFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All pictures of one request, in the order of their seeds, and how they were made.

    `pictures` hold the pixels; `images` are the same for Pillow. `plan` is what ran, `depth` how the depth
    map was understood, `warnings` what the user should know. `control_sha256` is the digest of the float32
    depth (H, W) that the network saw, `weights_sha256` of the loaded weights, `runs_on` where they computed;
    `seconds` maps a stage (read, load, text, control, denoise, decode, finish) to what it took; `evaluations`
    counts the calls of the denoising and of the control network.

        result = depthpaint.paint("depth.png", "a red house", count=2)
        paths = result.save("pictures")
        result.images[0].show()
    """

    pictures: tuple[PaintedPicture, ...]
    plan: RunPlan
    depth: DepthSource
    control_sha256: str
    weights_sha256: str
    runs_on: Mapping[str, str]
    seconds: Mapping[str, float]
    evaluations: Mapping[str, int]
    warnings: tuple[str, ...]

    @property
    def images(self) -> list[Image.Image]:
        """The pictures as Pillow images (mode RGB), made anew at each access.

        The record is in `image.info`, so that `depthpaint.verify` knows how the depth map was laid on the
        picture. Pillow's own `save` leaves it out: `Result.save` writes files with a record.
        """
        images: list[Image.Image] = []
        for record, picture in zip(self.records, self.pictures, strict=True):
            images.append(Image.fromarray(picture.pixels))
            images[-1].info.update(texts_of(record))
        return images

    @property
    def records(self) -> tuple[RunRecord, ...]:
        """The record of each picture: settings, plan, depth, digests, times and environment.

        `record.to_json()` is the text that a saved picture holds, `record.model_dump(mode="json")` the same
        as a dict.
        """
        return tuple(record_of(self, index) for index in range(len(self.pictures)))

    @property
    def record(self) -> RunRecord:
        """The record of the first picture, which often is the only one."""
        return record_of(self, 0)

    def save(
        self, folder: str | os.PathLike[str], *, name: str | None = None, sidecar: bool = False
    ) -> list[Path]:
        """Write each picture as a PNG with its record inside into `folder`, made if missing.

        Without a `name` files are called by prompt and seed, such as "a-red-house-12345.png", and get -2, -3
        and so on where that name is taken. With a `name`, several pictures are NAME-1.png, NAME-2.png;
        a file of that name is an error, before anything is written. Nothing is overwritten. `sidecar` also
        writes each record as a .json file.

        Returns the paths, in the order of `pictures`. Raises OutputError: output_exists, output_not_writable,
        disk_full, and output_path_escape for a name that is more than a name.
        """
        return save_pictures(self, folder, name=name, sidecar=sidecar)


def joined(results: Iterable[Result]) -> Result:
    """The results of a request's pictures as one; seconds and evaluations are added up."""
    several = list(results)
    seconds, evaluations = Counter[str](), Counter[str]()
    for result in several:
        seconds.update(dict(result.seconds))
        evaluations.update(dict(result.evaluations))
    return replace(
        several[0],
        pictures=tuple(picture for result in several for picture in result.pictures),
        plan=replace(
            several[0].plan,
            seeds=tuple(seed for result in several for seed in result.plan.seeds),
            prompts=tuple(prompt for result in several for prompt in result.plan.prompts),
        ),
        seconds=dict(seconds),
        evaluations=dict(evaluations),
        warnings=tuple(dict.fromkeys(warning for result in several for warning in result.warnings)),
    )  # fmt: skip
