"""One picture's record: what it was painted from, with what and where, so that it can be painted again."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from depthpaint.core.errors import DepthpaintError, ErrorCode, InternalError, ParameterError, shortened
from depthpaint.depth.depth_map import DepthSource
from depthpaint.model_choice import Lora
from depthpaint.plan import RunPlan
from depthpaint.record.paths import path_to_tell, require_no_folder, settings_to_tell
from depthpaint.record.sections import (
    MOST_REMARKS,
    AgreementFacts,
    Count,
    DepthFacts,
    Digests,
    Facts,
    FindingFacts,
    Label,
    PlanFacts,
    Remarks,
    Seconds,
    Section,
    environment,
)
from depthpaint.request import Request, Settings, request_from

if TYPE_CHECKING:
    from depthpaint.record.result import Result

SCHEMA_VERSION = 3
LONGEST_RECORD = 4 * 1024 * 1024
"""Characters of JSON that are read; the longest prompt and a thousand steps need a tenth of it."""


class RecordError(DepthpaintError, ValueError):
    """A picture cannot be read, or its record is missing, damaged, or of a version that is not known here."""


class RunRecord(Section):
    """One picture's record. `seconds` and `evaluations` are its own; what several share is the first's."""

    schema_version: Annotated[int, Field(ge=SCHEMA_VERSION, le=SCHEMA_VERSION)] = SCHEMA_VERSION
    settings: Annotated[Settings, AfterValidator(require_no_folder)]
    plan: PlanFacts
    depth: DepthFacts
    digests: Digests
    seconds: Annotated[dict[Label, Seconds], Field(max_length=100)]
    evaluations: Annotated[dict[Label, Count], Field(max_length=100)]
    warnings: Remarks
    environment: Facts
    agreement: AgreementFacts | None = None

    @model_validator(mode="after")
    def _of_one_size(self) -> RunRecord:
        if self.settings.size != self.plan.output_size:
            raise ValueError("settings.size and plan.output_size differ")
        return self

    @model_validator(mode="after")
    def _of_one_number_of_steps(self) -> RunRecord:
        steps = self.settings.num_inference_steps
        if (len(self.plan.timesteps), len(self.plan.sigmas)) != (steps, steps + 1):
            raise ValueError(
                "settings.num_inference_steps, and the numbers of plan.timesteps and plan.sigmas differ"
            )
        return self

    def to_json(self) -> str:
        """One line of printable ASCII with sorted keys: equal records give equal text."""
        values = self.model_dump(mode="json")
        return json.dumps(values, sort_keys=True, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> RunRecord:
        """Read what `to_json` wrote. Raises RecordError for anything else, however it was made."""
        if len(text) > LONGEST_RECORD:
            raise _damaged("it is longer than any record", value=len(text), limit=LONGEST_RECORD)
        try:
            data = text.encode()
            version = _Version.model_validate_json(data).schema_version
            if version == 2:
                data = json.dumps(_from_version_2(json.loads(data))).encode()
            elif version != SCHEMA_VERSION:
                raise _other_version(version)
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))[:80]
            raise _damaged(f"{place}: {first['msg']}" if place else first["msg"]) from error
        except UnicodeEncodeError as error:
            raise _damaged("it holds half of a surrogate pair") from error

    def request(self, depth_path: Path, moved: Mapping[str, object] | None = None) -> Request:
        """The request that paints this picture again from the depth map, or the photo, at `depth_path`.

        `moved` says where models are now, by the request's fields (model, control, vae, from_photo, and for
        lora a list of files); what is None, and what the picture was painted without, stays as it was.
        The size is given outright: it decides the content, however it was once arrived at. Raises
        ParameterError where a record made elsewhere holds what no request may.
        """
        settings = self.settings
        values: dict[str, object] = settings.given()
        for name, place in (moved or {}).items():
            if place is not None and (name == "max_pixels" or values.get(name)):
                values[name] = place
        if moved and isinstance(files := moved.get("lora"), list):
            values["lora"] = _moved_loras(settings.lora, cast("list[str]", files))
        return request_from({**values, "depth": depth_path})


class _Version(BaseModel):
    schema_version: Annotated[int, Field(ge=0, le=1_000_000)]


def record_of(result: Result, index: int) -> RunRecord:
    """The record of picture `index` of `result`: of what ran, never of what was asked."""
    plan, picture = result.plan, result.pictures[index]
    height, width = picture.pixels.shape[:2]
    if (width, height) != plan.sizes.output_size:
        raise InternalError(
            f"the picture is {width}x{height}, the plan said {plan.sizes.output_size}",
            code=ErrorCode.INTERNAL,
            remedy="report it with the command that led here",
        )
    return RunRecord(
        settings=settings_to_tell(plan.only(index).settings),
        plan=_plan_facts(plan, plan.prompts[index]),
        depth=_depth_facts(result.depth),
        digests=Digests(
            depth=result.depth.sha256,
            control=result.control_sha256,
            weights=result.weights_sha256,
            picture=pixels_sha256(picture.pixels),
            inversions=dict(plan.inversions),
        ),
        seconds={**result.seconds, "picture": picture.seconds},
        evaluations=dict(result.evaluations),
        warnings=_remarks(result.warnings),
        environment=environment() | dict(result.runs_on),
        agreement=picture.agreement,
    )


def pixels_sha256(pixels: NDArray[np.uint8]) -> str:
    """Digest of raw pixels and their shape, so that a picture turned on its side is another one."""
    digest = hashlib.sha256(f"{pixels.dtype} {'x'.join(map(str, pixels.shape))}\n".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def _moved_loras(loras: tuple[Lora, ...], files: list[str]) -> tuple[Lora, ...]:
    if len(files) != len(loras):
        raise ParameterError(
            f"the picture was painted with {len(loras)} LoRAs, and {len(files)} are named",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="name all of them in their order: " + ", ".join(lora.file for lora in loras),
        )
    return tuple(lora.model_copy(update={"file": file}) for lora, file in zip(loras, files, strict=True))


def _from_version_2(record: Any) -> Any:
    """A record of version 2 as one of version 3: how the file is read lies among the settings, not below.

    Raises RecordError where it is no such record.
    """
    try:
        settings = {**record["settings"], **record["settings"]["reading"]}
        plan = {**record["plan"], "expanded_prompt": record["plan"].get("heard")}
    except (KeyError, TypeError, AttributeError) as error:
        raise _damaged("it lacks settings, the reading in them, or a plan") from error
    settings = {name: value for name, value in settings.items() if name not in ("reading", "max_pixels")}
    plan.pop("heard", None)
    return {**record, "schema_version": SCHEMA_VERSION, "settings": settings, "plan": plan}


def _plan_facts(plan: RunPlan, prompt: str) -> PlanFacts:
    sizes = plan.sizes
    return PlanFacts(
        depth_size=sizes.depth_size,
        content_size=sizes.content_size,
        content_box=sizes.content_box,
        canvas_size=sizes.canvas_size,
        latent_size=sizes.latent_size,
        output_size=sizes.output_size,
        timesteps=tuple(float(step) for step in plan.schedule.timesteps),
        # JSON knows no infinity.
        sigmas=tuple("inf" if math.isinf(sigma) else float(sigma) for sigma in plan.schedule.sigmas),
        prediction=plan.prediction,
        expanded_prompt=None if prompt == plan.settings.prompt else prompt,
    )


def _depth_facts(source: DepthSource) -> DepthFacts:
    return DepthFacts(
        file=path_to_tell(Path(source.path)),
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
        findings=tuple(FindingFacts(**asdict(found)) for found in source.findings),
        invalid_share=source.invalid_share,
        notes=_remarks(source.notes),
    )


def _remarks(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Notes or warnings as a record holds them: some repeat words or names from files, however long."""
    return tuple(map(shortened, texts[:MOST_REMARKS]))


def _damaged(why: str, *, value: object = None, limit: object = None) -> RecordError:
    return RecordError(
        f"the picture's record is damaged: {why}",
        code=ErrorCode.RECORD_DAMAGED,
        value=value,
        limit=limit,
        remedy="use the picture as depthpaint wrote it",
    )


def _other_version(version: int) -> RecordError:
    return RecordError(
        f"the picture's record has version {version}, this depthpaint reads version {SCHEMA_VERSION}",
        code=ErrorCode.RECORD_DAMAGED,
        value=version,
        limit=SCHEMA_VERSION,
        remedy="use the depthpaint that painted it, or a newer one",
    )
