"""The result of an engine run: pictures, the plan that ran, and the record of each picture."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import ErrorCode, InternalError, shortened
from depthpaint.core.regular_file import STDIN
from depthpaint.depth.depth_map import DepthSource
from depthpaint.depth.finish import FINISHING
from depthpaint.formats.decode import IN_MEMORY
from depthpaint.plan import RunPlan
from depthpaint.record.file_format import PNG, FileFormat, FormatChoice, FormatName
from depthpaint.record.paths import checked_name, depth_for_record, path_for_record, settings_for_record
from depthpaint.record.picture_file import SavedPicture, numbered_names, require_free, texts_of, write_picture
from depthpaint.record.run_record import RunRecord, pixels_sha256
from depthpaint.record.sections import (
    MOST_REMARKS,
    AgreementFacts,
    DepthFacts,
    Digests,
    FindingFacts,
    PlanFacts,
    environment,
)


@dataclass(frozen=True, slots=True)
class PaintedPicture:
    """One picture: uint8 (H, W, 3) of the exact output size, its seed, and the seconds it took.

    `agreement` is how well its depth agrees with the requested depth, if that was measured.
    """

    pixels: NDArray[np.uint8]
    seed: int
    seconds: float
    agreement: AgreementFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All pictures of one request, in the order of their seeds, and how they were made.

    `pictures` hold the pixels; `images` are the same as Pillow images. `plan` is what ran, `depth` how the
    depth map was interpreted, `warnings` what the user should know. `control_sha256` is the digest of the
    float32 control depth (H, W), `weights_sha256` of the loaded weights, `runs_on` the devices used;
    `seconds` maps a stage (read, load, text, control, encode, denoise, decode, finish) to its time;
    `evaluations` counts the calls of the denoising and of the control network.

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
        """The pictures as new Pillow images (mode RGB), created at each access.

        The record is in `image.info`, so that `depthpaint.verify` knows how the depth map was placed on the
        picture. Pillow's own `save` drops it: use `Result.save` to write files with a record.
        """
        images: list[Image.Image] = []
        for record, picture in zip(self.records, self.pictures, strict=True):
            images.append(Image.fromarray(picture.pixels))
            images[-1].info.update(texts_of(record))
        return images

    @property
    def records(self) -> tuple[RunRecord, ...]:
        """The record of each picture: settings, plan, depth, digests, times and environment.

        `record.to_json()` is the text stored in a saved picture, `record.model_dump(mode="json")` the same as
        a dict.
        """
        return tuple(record_of(self, index) for index in range(len(self.pictures)))

    @property
    def record(self) -> RunRecord:
        """The record of the first picture."""
        return record_of(self, 0)

    def save(
        self,
        folder: str | os.PathLike[str],
        *,
        name: str | None = None,
        sidecar: bool = False,
        format: FormatName | None = None,
        quality: int | None = None,
    ) -> list[Path]:
        """Write each picture with its record inside into `folder`, which is created if missing.

        `format` is "png", "jpeg" or "webp"; by default that of the ending of `name`, or "png". `quality` is
        from 1 to 100: by default a JPEG has 95, and a WebP is lossless.

        Without a `name`, files are named by prompt and seed, such as "a-red-house-12345.png", and get -2, -3
        and so on where that name is taken. With a `name`, several pictures are NAME-1.png, NAME-2.png; it is
        an error if one of these exists, and then nothing is written. Nothing is overwritten. `sidecar` also
        writes each record as a .json file.

        Returns the paths, in the order of `pictures`. Raises OutputError: output_exists, output_not_writable,
        disk_full, and output_path_escape if the name contains folders; ParameterError for an unknown format,
        another one than that of the name, and a quality that is out of range or for a PNG.
        """
        form = FormatChoice(format, quality).of(name)
        place, names = Path(folder), numbered_names(name, len(self.pictures), form)
        for each in names:
            if each is not None:
                require_free(place / checked_name(each, form), sidecar=sidecar)
        return [
            save_picture(self, index, place, name=each, sidecar=sidecar, form=form).path
            for index, each in enumerate(names)
        ]


def joined(results: Iterable[Result]) -> Result:
    """The results of a request's pictures merged into one; seconds and evaluations are added up."""
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


def save_picture(
    result: Result,
    index: int,
    folder: Path,
    *,
    overwrite: bool = False,
    name: str | None = None,
    sidecar: bool = False,
    form: FileFormat = PNG,
) -> SavedPicture:
    """Write picture `index` of `result` into `folder`, as `write_picture` does."""
    record, init = record_of(result, index, folder), result.plan.settings.init
    sources = [Path(result.depth.path), *([] if init is None else [Path(init)])]
    return write_picture(
        record, result.pictures[index].pixels, folder, sources=sources, overwrite=overwrite, name=name,
        sidecar=sidecar, form=form,
    )  # fmt: skip


def record_of(result: Result, index: int, folder: Path | None = None) -> RunRecord:
    """The record of picture `index` of `result`, made from the settings that ran.

    The depth map, and the picture to start from, are named relative to `folder`, in which the picture is
    saved; None: it is not saved.
    """
    plan, picture = result.plan, result.pictures[index]
    height, width = picture.pixels.shape[:2]
    if (width, height) != plan.sizes.output_size:
        raise InternalError(
            f"the picture is {width}x{height}, but the plan has {plan.sizes.output_size}",
            code=ErrorCode.INTERNAL,
            remedy="report it with the command that led here",
        )
    return RunRecord(
        settings=settings_for_record(plan.only(index).settings, folder),
        plan=plan_facts(plan, plan.prompts[index]),
        depth=_depth_facts(result.depth, folder),
        digests=Digests(
            depth=result.depth.sha256,
            control=result.control_sha256,
            weights=result.weights_sha256,
            picture=pixels_sha256(picture.pixels),
            inversions=dict(plan.inversions),
            init=plan.init_sha256,
        ),
        seconds={**result.seconds, "picture": picture.seconds},
        evaluations=dict(result.evaluations),
        warnings=_remarks(result.warnings),
        environment=environment() | dict(result.runs_on),
        agreement=picture.agreement,
    )


def plan_facts(plan: RunPlan, prompt: str) -> PlanFacts:
    """The part of a plan that a record stores."""
    sizes = plan.sizes
    return PlanFacts(
        depth_size=sizes.depth_size,
        content_size=sizes.content_size,
        content_box=sizes.content_box,
        canvas_size=sizes.canvas_size,
        latent_size=sizes.latent_size,
        output_size=sizes.output_size,
        timesteps=tuple(float(step) for step in plan.schedule.timesteps),
        # JSON has no infinity.
        sigmas=tuple("inf" if math.isinf(sigma) else float(sigma) for sigma in plan.schedule.sigmas),
        prediction=plan.prediction,
        expanded_prompt=None if prompt == plan.settings.prompt else prompt,
        finishing=FINISHING if plan.finished else None,
    )


def _depth_facts(source: DepthSource, folder: Path | None) -> DepthFacts:
    path = Path(source.path)
    no_file = source.path in IN_MEMORY or path == Path(STDIN)
    return DepthFacts(
        file=path_for_record(path) if folder is None or no_file else depth_for_record(path, folder),
        format=source.format,
        size=source.size,
        container_bits=source.container_bits,
        bits_used=source.bits_used,
        levels=source.levels,
        colour_map=source.colour_map,
        near=source.near,
        kind=source.kind,
        metres=source.metres,
        raw_range=source.raw_range,
        used_range=source.used_range,
        estimator=source.estimator,
        estimator_revision=source.estimator_revision,
        estimator_sha256=source.estimator_sha256,
        findings=tuple(FindingFacts(**asdict(finding)) for finding in source.findings),
        invalid_share=source.invalid_share,
        notes=_remarks(source.notes),
    )


def _remarks(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Notes or warnings, shortened for the record: some quote prompts or names from files."""
    return tuple(map(shortened, texts[:MOST_REMARKS]))
