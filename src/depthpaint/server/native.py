"""The native interface, /api/v1: jobs that outlive their client, and what a depth map is understood as."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncGenerator
from functools import partial
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, RootModel
from pydantic_core import CoreSchema
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import FileResponse, Response

from depthpaint.core.errors import DepthpaintError, ErrorCode, ParameterError
from depthpaint.engine import Engine, Prepared
from depthpaint.models.registry import registered
from depthpaint.record.file_format import LEAST_QUALITY, MOST_QUALITY, FileFormat, FormatChoice, FormatName
from depthpaint.record.paths import INIT, settings_for_record
from depthpaint.record.picture_source import in_format
from depthpaint.request import Request
from depthpaint.server.checks import inspected, png_of, verified
from depthpaint.server.inputs import (
    MOST_PICTURES,
    bytes_of,
    checked_request,
    stored_depth,
    stored_start,
    understood,
)
from depthpaint.server.jobs import Job
from depthpaint.server.options import ServerOptions
from depthpaint.server.routes import Server, changes, server_of
from depthpaint.server.store import State

_READING = ("near", "kind", "unit", "colour_map", "range", "holes", "empty", "frame", "flip", "part",
            "allow_constant", "frame_index")  # fmt: skip
_BASE64 = {"type": "string", "contentEncoding": "base64", "minLength": 1,
           "description": "The depth map's file as base64, or as a data URL."}  # fmt: skip
_START = {**_BASE64, "description": "The file of a picture to start from, as base64, or as a data URL."}
_SERVER_ONLY = ("depth", "max_pixels", "from_photo")
"""Fields of a Request that clients may not set: paths of this machine, and limits."""


class PaintBody(RootModel[dict[str, Any]]):
    """The fields of a request to paint; `depth` is the depth map's file as base64, and so is `init`."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The schema of Request, with a file in place of a path."""
        del core, handler
        return _schema(("prompt",))


class DepthBody(RootModel[dict[str, Any]]):
    """A depth map's file as base64, and how it is to be read."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The part of Request's schema about reading."""
        del core, handler
        whole = _schema(())
        kept = {
            name: whole["properties"][name] for name in ("depth", *_READING) if name in whole["properties"]
        }
        return {**whole, "properties": kept}


class VerifyBody(BaseModel):
    """A picture's file, and the depth map's if the server does not have it; both as base64."""

    model_config = ConfigDict(extra="forbid", strict=True)
    picture: str = Field(min_length=1)
    depth: str | None = Field(None, min_length=1)


def _schema(required: tuple[str, ...]) -> dict[str, Any]:
    """Request's JSON schema without references and without what only this machine knows."""
    schema = Request.model_json_schema()
    definitions = schema.pop("$defs", {})

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            known = cast("dict[str, Any]", value)
            if "$ref" in known:
                return plain(definitions[str(known["$ref"]).rpartition("/")[2]])
            return {key: plain(each) for key, each in known.items() if key not in ("title", "default")}
        return [plain(each) for each in cast("list[Any]", value)] if isinstance(value, list) else value

    properties = {
        name: plain(each) for name, each in schema["properties"].items() if name not in _SERVER_ONLY
    }
    return {
        "type": "object", "additionalProperties": False, "required": ["depth", *required],
        "properties": {"depth": _BASE64, **properties, INIT: {"anyOf": [_START, {"type": "null"}]}},
    }  # fmt: skip


_TYPES: dict[type, tuple[str, ...]] = {
    str: ("string",), bool: ("boolean",), int: ("integer", "number"), float: ("number",),
    list: ("array",), dict: ("object",), type(None): ("null",),
}  # fmt: skip
_PROPERTIES: dict[str, Any] = _schema(())["properties"]


def _require_types(values: dict[str, Any]) -> None:
    """Refuse values of another JSON type than the schema's: the text "512" is no number here."""
    for name, value in values.items():
        known = _PROPERTIES.get(name)
        if known is not None and not set(_TYPES[type(value)]) & _types_of(known):
            raise ParameterError(
                f"{name} must be {' or '.join(sorted(_types_of(known)))}",
                code=ErrorCode.INVALID_PARAMETER, remedy="see /openapi.json", value=(name,),
            )  # fmt: skip


def _types_of(schema: dict[str, Any]) -> set[str]:
    choices = schema.get("anyOf", [schema])
    return {str(each.get("type", "string")) for each in choices}


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PictureAnswer(_Answer):
    """A finished picture; `url` is relative to the server."""

    url: str
    seed: int
    width: int | None
    height: int | None
    file: str = Field(description="Its name in the server's output folder.")
    warnings: list[str]


class ErrorAnswer(_Answer):
    """Why a job failed."""

    code: str
    message: str


class JobAnswer(_Answer):
    """A job. `queue_position` counts the jobs before it; `seconds_left` is an estimate."""

    id: str
    state: State
    queue_position: int | None
    seconds_left: float | None
    picture: int
    step: int
    steps: int
    seeds: list[int]
    pictures: list[PictureAnswer]
    error: ErrorAnswer | None
    depth: dict[str, Any] | None = Field(description="What the depth map was understood as.")


def job_answer(server: Server, job: Job) -> JobAnswer:
    """A job as clients see it."""
    left = server.queue.left(job)
    return JobAnswer(
        id=job.id, state=job.state, queue_position=server.queue.position(job),
        seconds_left=None if left is None else round(left, 1),
        picture=job.picture, step=job.step, steps=job.steps, seeds=list(job.seeds),
        pictures=[
            PictureAnswer(
                url=f"/api/v1/jobs/{job.id}/pictures/{number}", seed=each.seed, width=each.width or None,
                height=each.height or None, file=each.path.name, warnings=list(each.warnings),
            )
            for number, each in enumerate(job.pictures)
        ],
        error=None if job.error is None else ErrorAnswer(code=job.error.code.value, message=str(job.error)),
        depth=None if job.understood is None else dict(job.understood),
    )  # fmt: skip


def prepare(engine: Engine, options: ServerOptions, values: dict[str, Any]) -> Prepared:
    """Store the depth map and the picture to start from, and plan the request. Raises DepthpaintError."""
    depth = values.get("depth")
    for name in _SERVER_ONLY[1:]:
        if name in values:
            raise ParameterError(
                f"there is no field '{name}'",
                code=ErrorCode.INVALID_PARAMETER, remedy="see /openapi.json", value=(name,),
            )  # fmt: skip
    if not isinstance(depth, str) or not depth.strip():
        raise ParameterError(
            "there is no depth map", code=ErrorCode.DEPTH_MISSING,
            remedy="send the file's bytes as base64 in the field depth", value=("depth",),
        )  # fmt: skip
    _require_types(values)
    data, init = bytes_of(depth, "depth"), values.get(INIT)
    start = None if init is None else bytes_of(str(init), INIT)
    files: dict[str, object] = {"depth": "depth", INIT: None if start is None else INIT}
    checked_request({**values, **files}, options)  # before a file is written
    files["depth"] = stored_depth(data, options.out)
    if start is not None:
        files[INIT] = stored_start(start, INIT, options.out)
    return engine.prepare(checked_request({**values, **files}, options))


Known = Annotated[Server, Depends(server_of)]
JobId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The id of a job.")]


def _job(server: Server, name: str) -> Job:
    job = server.queue.get(name)
    if job is None:
        raise DepthpaintError(
            "there is no such job",
            code=ErrorCode.NOT_FOUND,
            remedy="ids are those that POST /api/v1/jobs gave",
        )
    return job


async def _picture(job: Job, number: int, form: FileFormat) -> Response:
    """A picture of a job in this format. Raises DepthpaintError if there is none."""
    if number >= len(job.pictures) or not job.pictures[number].path.is_file():
        raise DepthpaintError("there is no such picture", code=ErrorCode.NOT_FOUND)
    path = job.pictures[number].path
    if form.name == "png":
        return FileResponse(path, media_type="image/png")
    return Response(await asyncio.to_thread(in_format, path, form), media_type=f"image/{form.name}")


def router_of(options: ServerOptions) -> APIRouter:
    """The routes of /api/v1."""
    router = APIRouter(prefix="/api/v1", tags=["native"])

    @router.post("/jobs", status_code=202)
    async def submit(  # pyright: ignore[reportUnusedFunction]
        body: PaintBody,
        server: Known,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
    ) -> JobAnswer:
        """Queue a request to paint. It is painted even if the client goes away or the server restarts.

        Sent again with the same Idempotency-Key, the same request gives the same job.
        """
        digest = hashlib.sha256(json.dumps(body.root, sort_keys=True).encode()).hexdigest()
        plan = partial(prepare, server.engine, options, body.root)
        return job_answer(
            server, await server.queue.submit(plan, durable=True, key=idempotency_key, body=digest)
        )

    @router.get("/jobs/{job_id}")
    async def get(job_id: JobId, server: Known) -> JobAnswer:  # pyright: ignore[reportUnusedFunction]
        """A job and what has become of it."""
        return job_answer(server, _job(server, job_id))

    @router.post("/jobs/{job_id}/cancel")
    async def cancel(job_id: JobId, server: Known) -> JobAnswer:  # pyright: ignore[reportUnusedFunction]
        """Cancel a job: at once if it waits, within two steps if it is painted. A finished job stays."""
        job = _job(server, job_id)
        server.queue.cancel(job)
        return job_answer(server, job)

    @router.get("/jobs/{job_id}/events", response_class=EventSourceResponse)
    async def events(job_id: JobId, server: Known, previews: bool = False) -> Response:  # pyright: ignore[reportUnusedFunction]
        """What happens to a job, as server-sent events, until it is done."""
        job = _job(server, job_id)
        return EventSourceResponse(_events(server, job, previews), ping=15)

    @router.get("/jobs/{job_id}/pictures/{number}", response_class=FileResponse)
    async def picture(  # pyright: ignore[reportUnusedFunction]
        job_id: JobId,
        number: Annotated[int, Path(ge=0, lt=MOST_PICTURES)],
        server: Known,
        format: FormatName = "png",
        quality: Annotated[int | None, Query(ge=LEAST_QUALITY, le=MOST_QUALITY)] = None,
    ) -> Response:
        """A picture with the record of how it was made. `quality` is that of JPEG (default 95) and WebP.

        A WebP without a quality is lossless.
        """
        return await _picture(_job(server, job_id), number, FormatChoice(format, quality).of())

    @router.post("/plan")
    async def plan(body: PaintBody, server: Known) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """What would be painted: nothing is queued."""
        prepared = await server.queue.aside(partial(prepare, server.engine, options, body.root))
        named = settings_for_record(prepared.plan.settings, options.out)
        settings = named.model_dump(mode="json")
        return {
            "settings": settings, "seeds": list(prepared.plan.seeds), "prompts": list(prepared.plan.prompts),
            "warnings": list(prepared.plan.warnings), "depth": understood(prepared),
        }  # fmt: skip

    @router.post("/inspect")
    async def inspect(body: DepthBody, server: Known) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """What a depth map is understood as, with evidence, and a preview: near is white."""
        reading = {key: value for key, value in body.root.items() if key != "depth"}
        _require_types(body.root)
        data = bytes_of(str(body.root.get("depth") or ""), "depth")
        return await server.queue.aside(partial(inspected, server.engine, data, reading))

    @router.post("/verify")
    async def verify(body: VerifyBody, server: Known) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """Estimate the depth of a picture, and compare it with a depth map, or with that in its record."""
        picture = bytes_of(body.picture, "picture")
        depth = None if body.depth is None else bytes_of(body.depth, "depth")
        return await server.queue.aside(partial(verified, server.engine, picture, depth, options.out))

    @router.get("/models")
    async def models() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """The models by name."""
        return {
            "default": options.model,
            "models": [
                {"name": each.name, "summary": each.summary, "licence": each.licence}
                for each in registered("model")
            ],
        }

    @router.get("/capabilities")
    async def capabilities() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """The limits of this server."""
        return {
            "limits": {
                "min_width": 8, "min_height": 8,
                "max_width": options.max_side, "max_height": options.max_side,
                "max_steps": options.max_steps, "max_batch_count": MOST_PICTURES,
                "max_queue_size": options.max_queue, "max_body_bytes": options.max_body,
            }
        }  # fmt: skip

    return router


async def _events(server: Server, job: Job, previews: bool) -> AsyncGenerator[ServerSentEvent]:
    job.wants_previews |= previews

    def event(kind: Literal["state", "step", "picture"]) -> ServerSentEvent:
        answer = job_answer(server, job).model_dump(mode="json")
        if kind == "step" and previews and job.preview is not None:
            answer["preview"] = base64.b64encode(png_of(job.preview)).decode()
        return ServerSentEvent(event=kind, data=json.dumps(answer))

    yield event("state")
    async for kind in changes(job):
        yield event(cast(Literal["state", "step", "picture"], kind))
