"""OpenAI's images interface, /v1: its clients send a depth map as `image` of an edit, or as `depth_image`."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from fastapi import Request as HttpRequest
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse

from depthpaint.core.errors import DepthpaintError, ErrorCode, ModelError, ParameterError
from depthpaint.core.geometry import Extent
from depthpaint.engine import Prepared
from depthpaint.models.registry import names
from depthpaint.record.file_format import FileFormat, FormatChoice
from depthpaint.record.picture_source import in_format
from depthpaint.server.answers import answer_of
from depthpaint.server.checks import png_of
from depthpaint.server.inputs import (
    bytes_of,
    checked_request,
    prepared_as_web_ui,
    require_names,
    stored_depth,
    without_depth,
)
from depthpaint.server.jobs import Job, Painted
from depthpaint.server.options import ServerOptions
from depthpaint.server.routes import Server, changes, finished, server_of

ALIASES = ("dall-e-2", "dall-e-3", "gpt-image-1", "gpt-image-1.5")
"""Names that clients send without their user's choice: they mean the server's own model."""
SIDE = 512
"""Width and height of a picture without a depth map and a size."""
LINKS = 1000
"""Pictures that were answered as links, of which the newest stay."""
_CREATED = 1_764_547_200
"""The `created` of every model: the field is required and says nothing here."""
_SEED = 2**32 - 1


class ImagesBody(BaseModel):
    """What a client may send; null is as absent, and unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)

    prompt: str = Field(max_length=32_000)
    model: str | None = None
    n: int | None = Field(None, ge=1, le=10)
    size: str | None = Field(None, pattern="^([0-9]{1,5}x[0-9]{1,5}|auto)$")
    response_format: Literal["b64_json", "url"] | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    output_compression: int | None = Field(None, ge=0, le=100)
    background: Literal["opaque", "auto"] | None = None
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto", "standard", "hd"] | None = None
    stream: bool | None = None
    partial_images: int | None = Field(None, ge=0, le=3)
    seed: int | None = Field(None, ge=-1, le=_SEED)
    steps: int | None = Field(None, ge=1, le=1000)
    num_inference_steps: int | None = Field(None, ge=1, le=1000)
    guidance_scale: float | None = Field(None, ge=0, le=100)
    negative_prompt: str | None = Field(None, max_length=32_000)
    control_scale: float | None = Field(None, ge=0, le=2)


class GenerationsBody(ImagesBody):
    """A request to paint; without `depth_image` it is painted without depth."""

    depth_image: str | None = Field(None, description="The depth map's file as base64, or as a data URL.")


class Links:
    """Pictures by an unguessable name, for answers with `url`."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Painted, FileFormat]] = OrderedDict()

    def add(self, painted: Painted, form: FileFormat) -> str:
        """The name of a new link."""
        name = secrets.token_urlsafe(24)
        self._kept[name] = (painted, form)
        while len(self._kept) > LINKS:
            self._kept.popitem(last=False)
        return name

    def get(self, name: str) -> tuple[Painted, FileFormat] | None:
        """The picture of a link, and its format."""
        return self._kept.get(name)


Known = Annotated[Server, Depends(server_of)]


def model_of(name: str | None, options: ServerOptions) -> str:
    """The model that a client means. Raises ModelError."""
    if name is None or name in ALIASES or name == options.model:
        return options.model
    if name not in names("model"):
        raise ModelError(
            "there is no such model on this server",
            code=ErrorCode.MODEL_NOT_FOUND, remedy="GET /v1/models lists them", value=name,
        )  # fmt: skip
    return name


def prepare(server: Server, body: ImagesBody, depth: bytes | None) -> Prepared:
    """Plan what a client asked for. Raises DepthpaintError."""
    options = server.options
    size = None if body.size in (None, "auto") else Extent.parse(str(body.size))
    values: dict[str, Any] = {
        "prompt": body.prompt,
        "model": model_of(body.model, options),
        "count": body.n,
        "size": size,
        "seed": secrets.randbelow(2**32) if body.seed in (None, -1) else body.seed,
        "num_inference_steps": body.steps or body.num_inference_steps,
        "guidance_scale": body.guidance_scale,
        "negative_prompt": body.negative_prompt,
        "control_strength": body.control_scale,
    }
    given = {key: value for key, value in values.items() if value is not None}
    checked_request({**given, "depth": "depth"}, options)
    if depth is None:
        side = min(SIDE, options.max_side)
        path, flat = without_depth(size or Extent(side, side), options.out)
        given |= {"size": size or Extent(side, side), **flat}
    else:
        path = stored_depth(depth, options.out)
    request = checked_request({**given, "depth": path}, options)
    require_names(request, options)
    return prepared_as_web_ui(server.engine, request)


def router_of(options: ServerOptions) -> APIRouter:
    """The routes of /v1."""
    router, links = APIRouter(prefix="/v1", tags=["openai"]), Links()

    @router.get("/models")
    async def models() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """The models by name."""
        return {"object": "list", "data": [_model(name) for name in _models(options)]}

    @router.get("/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """One model."""
        if name not in (*_models(options), *ALIASES):
            model_of(name, options)
        return _model(name)

    @router.post("/images/generations")
    async def generations(body: GenerationsBody, server: Known, request: HttpRequest) -> Response:  # pyright: ignore[reportUnusedFunction]
        """Paint a prompt, with the layout of `depth_image`."""
        depth = bytes_of(body.depth_image, "depth_image") if body.depth_image else None
        return await _answer(server, request, body, depth, links, "image_generation")

    @router.post("/images/edits", openapi_extra=_EDITS)
    async def edits(server: Known, request: HttpRequest) -> Response:  # pyright: ignore[reportUnusedFunction]
        """Paint a prompt with the layout of `image`, the depth map's file, as multipart/form-data."""
        body, depth = await _form(request)
        return await _answer(server, request, body, depth, links, "image_edit")

    @router.get("/images/files/{name}", include_in_schema=False)
    async def linked(name: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        kept = links.get(name)
        if kept is None or not kept[0].path.is_file():
            raise DepthpaintError("there is no such picture", code=ErrorCode.NOT_FOUND)
        painted, form = kept
        data = await asyncio.to_thread(in_format, painted.path, form)
        return Response(data, media_type=f"image/{form.name}")

    return router


def _models(options: ServerOptions) -> list[str]:
    return list(dict.fromkeys((options.model, *names("model"))))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": "depthpaint"}


_EDITS: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": {
            "type": "object", "required": ["image", "prompt"],
            "properties": {
                "image": {"type": "string", "format": "binary", "description": "The depth map's file."},
                "prompt": {"type": "string", "maxLength": 32_000},
                "model": {"type": "string"}, "size": {"type": "string"}, "n": {"type": "integer"},
            },
        }}},
    }
}  # fmt: skip
_NUMBERS = {
    "n": int, "output_compression": int, "partial_images": int, "seed": int, "steps": int,
    "num_inference_steps": int, "guidance_scale": float, "control_scale": float,
}  # fmt: skip


async def _form(request: HttpRequest) -> tuple[ImagesBody, bytes]:
    """The fields and the depth map of a form, whose values are all texts."""
    async with request.form(max_files=20, max_fields=200) as form:
        values: dict[str, Any] = {}
        depth: bytes | None = None
        for key, value in form.multi_items():
            if isinstance(value, UploadFile):
                if key in ("image", "image[]") and depth is None:
                    depth = await value.read()
                elif key == "mask":
                    raise _bad("mask", "masks are not supported; leave it out")
            elif key in ImagesBody.model_fields and value != "":
                values[key] = _number(key, value)
    if not depth:
        raise ParameterError(
            "there is no depth map", code=ErrorCode.DEPTH_MISSING,
            remedy="send the file as image", value=("image",),
        )  # fmt: skip
    try:
        return ImagesBody.model_validate(values), depth
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else "body"
        raise _bad(field, str(first["msg"])) from error


def _number(key: str, text: str) -> object:
    if key == "stream":
        if text.lower() not in ("true", "false", "1", "0"):
            raise _bad(key, "it must be true or false")
        return text.lower() in ("true", "1")
    if key not in _NUMBERS:
        return text
    try:
        return _NUMBERS[key](text)
    except ValueError as error:
        raise _bad(key, "it must be a number") from error


def _bad(field: str, why: str) -> ParameterError:
    return ParameterError(
        f"{field}: {why}", code=ErrorCode.INVALID_PARAMETER, remedy="see /openapi.json", value=(field,)
    )


async def _answer(
    server: Server, request: HttpRequest, body: ImagesBody, depth: bytes | None, links: Links, kind: str
) -> Response:
    plan = partial(prepare, server, body, depth)
    if body.stream:
        job = await server.queue.submit(plan)
        return StreamingResponse(_stream(server, body, job, kind), media_type="text/event-stream")
    job = await finished(server.queue, request, plan)
    form = _format(body)
    if body.response_format == "url":
        root = str(request.base_url)
        data = [{"url": f"{root}v1/images/files/{links.add(each, form)}"} for each in job.pictures]
    else:
        data = [{"b64_json": await _base64(each, form)} for each in job.pictures]
    content = {
        "created": int(job.created), "data": data, **_facts(body, job.pictures[0]), "usage": _usage(),
    }  # fmt: skip
    return Response(json.dumps(content), media_type="application/json")


def _format(body: ImagesBody) -> FileFormat:
    """The requested format. A PNG has no quality; the lowest is 1 here."""
    name, quality = body.output_format or "png", body.output_compression
    return FormatChoice(name, None if name == "png" or quality is None else max(1, quality)).of()


async def _base64(painted: Painted, form: FileFormat) -> str:
    data = await asyncio.to_thread(in_format, painted.path, form)
    return base64.b64encode(data).decode()


def _facts(body: ImagesBody, painted: Painted) -> dict[str, Any]:
    return {
        "output_format": body.output_format or "png", "size": f"{painted.width}x{painted.height}",
        "background": "opaque", "quality": "high",
    }  # fmt: skip


def _usage() -> dict[str, Any]:
    return {
        "input_tokens": 0, "output_tokens": 0, "total_tokens": 0,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        "output_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    }  # fmt: skip


async def _stream(server: Server, body: ImagesBody, job: Job, kind: str) -> AsyncGenerator[bytes]:
    """Events: pictures as they stand, then each finished one. A client that goes away cancels the job."""
    wanted, sent, finished_pictures = body.partial_images or 0, 0, 0
    job.wants_previews = wanted > 0
    form = _format(body)
    try:
        async for _ in changes(job):
            if sent < wanted and job.preview is not None:
                preview, job.preview = job.preview, None
                yield _event(f"{kind}.partial_image", {
                    "b64_json": base64.b64encode(png_of(preview)).decode(), "partial_image_index": sent,
                    "background": "opaque", "created_at": int(job.created),
                    "output_format": "png", "quality": "high",
                    "size": f"{preview.shape[1]}x{preview.shape[0]}",
                })  # fmt: skip
                sent += 1
            for painted in job.pictures[finished_pictures:]:
                finished_pictures += 1
                yield _event(f"{kind}.completed", {
                    "b64_json": await _base64(painted, form), "created_at": int(job.created),
                    **_facts(body, painted), "usage": _usage(),
                })  # fmt: skip
        if job.error is not None:
            failed = answer_of("/v1", job.error)
            yield b"data: " + bytes(failed.body) + b"\n\n"
    finally:
        server.queue.cancel(job)


def _event(kind: str, content: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **content})}\n\n".encode()
