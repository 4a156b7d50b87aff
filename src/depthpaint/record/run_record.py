"""One picture's record: its input, settings and environment, so that it can be painted again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from depthpaint.core.errors import DepthpaintError, ErrorCode, ParameterError
from depthpaint.model_choice import Lora
from depthpaint.record.paths import require_no_folder
from depthpaint.record.sections import (
    AgreementFacts,
    Compression,
    Count,
    DepthFacts,
    Digests,
    Facts,
    Label,
    PlanFacts,
    Remarks,
    Seconds,
    Section,
)
from depthpaint.request import Request, Settings, request_from
from depthpaint.sampling.schedule import steps_left

SCHEMA_VERSION = 3
LONGEST_RECORD = 4 * 1024 * 1024
"""The longest JSON that is read, in characters; ten times the longest prompt and a thousand steps."""


class RecordError(DepthpaintError, ValueError):
    """A picture cannot be read, or its record is missing, damaged, or of an unknown version."""


class RunRecord(Section):
    """One picture's record. `seconds` and `evaluations` are its own; shared ones go to the first picture.

    `compression` is that of the file, JPEG or WebP; None for a PNG, and for a picture that was not saved.
    """

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
    compression: Compression | None = None

    @model_validator(mode="after")
    def _of_one_size(self) -> RunRecord:
        if self.settings.size != self.plan.output_size:
            raise ValueError("settings.size and plan.output_size differ")
        return self

    @model_validator(mode="after")
    def _of_one_number_of_steps(self) -> RunRecord:
        settings, steps = self.settings, self.settings.num_inference_steps
        if settings.init is not None:
            steps = steps_left(steps, settings.denoise)
        if (len(self.plan.timesteps), len(self.plan.sigmas)) != (steps, steps + 1):
            raise ValueError(
                "settings.num_inference_steps (of which denoise leaves a share, with init), and the numbers "
                "of plan.timesteps and plan.sigmas differ"
            )
        return self

    def to_json(self) -> str:
        """One line of ASCII JSON with sorted keys: equal records give equal text."""
        # Without a compression it is left out, so that a PNG's record is as in earlier versions.
        left_out = {"compression"} if self.compression is None else None
        values = self.model_dump(mode="json", exclude=left_out)
        return json.dumps(values, sort_keys=True, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> RunRecord:
        """Parse the text of `to_json`. Raises RecordError for anything else."""
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
            raise _damaged("it contains a lone surrogate") from error

    def request(self, depth_path: Path, moved: Mapping[str, object] | None = None) -> Request:
        """The request that paints this picture again from the depth map, or the photo, at `depth_path`.

        `moved` gives the current locations of files by field (model, control, vae, from_photo, init, and for
        lora a list of files); None keeps the recorded one, and models that the picture was painted without
        are not added. The size is set explicitly, because it decides the content. Raises ParameterError if
        the record holds values that a request rejects.
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


def pixels_sha256(pixels: NDArray[np.uint8]) -> str:
    """Digest of raw pixels and their shape, so that a rotated picture has another one."""
    digest = hashlib.sha256(f"{pixels.dtype} {'x'.join(map(str, pixels.shape))}\n".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def _moved_loras(loras: tuple[Lora, ...], files: list[str]) -> tuple[Lora, ...]:
    if len(files) != len(loras):
        raise ParameterError(
            f"the picture was painted with {len(loras)} LoRAs, but {len(files)} are given",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="name all of them in their order: " + ", ".join(lora.file for lora in loras),
        )
    return tuple(lora.model_copy(update={"file": file}) for lora, file in zip(loras, files, strict=True))


def _from_version_2(record: Any) -> Any:
    """Convert a record of version 2 to version 3: how the file is read moved into the settings.

    Raises RecordError if it is not a valid record.
    """
    try:
        settings = {**record["settings"], **record["settings"]["reading"]}
        plan = {**record["plan"], "expanded_prompt": record["plan"].get("heard")}
    except (KeyError, TypeError, AttributeError) as error:
        raise _damaged("the settings, the reading within them, or the plan is missing") from error
    settings = {name: value for name, value in settings.items() if name not in ("reading", "max_pixels")}
    plan.pop("heard", None)
    return {**record, "schema_version": SCHEMA_VERSION, "settings": settings, "plan": plan}


def _damaged(why: str, *, value: object = None, limit: object = None) -> RecordError:
    return RecordError(
        f"the picture's record is damaged: {why}",
        code=ErrorCode.RECORD_DAMAGED,
        value=value,
        limit=limit,
        remedy="use the original picture",
    )


def _other_version(version: int) -> RecordError:
    return RecordError(
        f"the picture's record has version {version}, but this depthpaint reads version {SCHEMA_VERSION}",
        code=ErrorCode.RECORD_DAMAGED,
        value=version,
        limit=SCHEMA_VERSION,
        remedy="use the depthpaint that painted it, or a newer one",
    )
