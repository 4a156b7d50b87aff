"""MCP: tools for language models, over HTTP at /mcp and over standard input and output."""

from __future__ import annotations

import base64
import json
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, ImageContent, ResourceLink, TextContent
from PIL import Image
from pydantic import Field

from depthpaint import __version__
from depthpaint.core.errors import DepthError, DepthpaintError, ErrorCode, ParameterError, shortened
from depthpaint.core.geometry import Extent
from depthpaint.core.regular_file import Wanted, read_regular_file
from depthpaint.engine import Engine, Prepared
from depthpaint.models.registry import registered
from depthpaint.server.checks import inspected, verified
from depthpaint.server.inputs import (
    bytes_of,
    checked_request,
    prepared_as_web_ui,
    stored_depth,
    without_depth,
)
from depthpaint.server.jobs import Job
from depthpaint.server.options import ServerOptions
from depthpaint.server.queue import JobQueue
from depthpaint.server.routes import changes

MOST_INLINE = 600_000
"""Bytes of a picture in an answer: as base64 it stays below the megabyte that clients accept."""
_SMALL = 768
URI = "depthpaint://pictures/{name}"
_DEPTH = Wanted("depth map", DepthError, ErrorCode.DEPTH_UNREADABLE, ErrorCode.DEPTH_UNREADABLE)
INSTRUCTIONS = (
    "Paints pictures that follow a depth map. Use inspect_depth to see how a map is understood, "
    "generate_image to paint, verify_picture to measure whether the depth was followed. The built-in model, "
    "diorama, knows simple scenes and paints in seconds; other models take minutes: use wait=false and "
    "get_job for them."
)
DepthBase64 = Annotated[str | None, Field(description="The depth map's file, base64.")]
DepthPath = Annotated[str | None, Field(description="Path of the depth map, below the server's folders.")]


class Tools:
    """What the tools share; `roots` are the folders in which depth maps may be named by a path."""

    def __init__(
        self, engine: Engine, options: ServerOptions, queue: JobQueue, roots: tuple[Path, ...]
    ) -> None:
        self.engine, self.options, self.queue = engine, options, queue
        self._roots = tuple(root.resolve() for root in roots)

    def depth(self, text: str | None, path: str | None) -> bytes | None:
        """The depth map's file; None if none is given. Raises DepthpaintError."""
        if text and path:
            raise _bad("depth_path", "give either depth_base64 or depth_path")
        if text:
            return bytes_of(text, "depth_base64")
        if not path:
            return None
        place = next((root / path for root in self._roots if self._is_inside(root / path)), None)
        if place is None:
            raise _bad("depth_path", "it is no file in the folders of this server")
        return read_regular_file(place, self.options.max_body, _DEPTH)

    def _is_inside(self, path: Path) -> bool:
        try:
            real = path.resolve()
            return real.is_file() and any(real.is_relative_to(root) for root in self._roots)
        except (OSError, ValueError):
            return False

    def job(self, name: str) -> Job:
        """The job with that id. Raises DepthpaintError."""
        job = self.queue.get(name)
        if job is None:
            raise DepthpaintError("job_id: there is no such job", code=ErrorCode.NOT_FOUND)
        return job


def _bad(field: str, why: str) -> ParameterError:
    return ParameterError(f"{field}: {why}", code=ErrorCode.INVALID_PARAMETER, value=(field,))


def make_mcp(
    engine: Engine, options: ServerOptions, queue: JobQueue, roots: tuple[Path, ...]
) -> MCPServer[Any]:
    """The server with all tools."""
    server: MCPServer[Any] = MCPServer(
        "depthpaint", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING"
    )
    tools = Tools(engine, options, queue, roots)
    _add_painting(server, tools)
    _add_others(server, tools)
    return server


def _add_painting(server: MCPServer[Any], tools: Tools) -> None:
    @server.tool(structured_output=False)
    async def generate_image(  # noqa: PLR0913  # pyright: ignore[reportUnusedFunction] - one parameter a field
        ctx: Context[Any, Any],
        prompt: Annotated[str, Field(min_length=1, max_length=32_000, description="What is in the picture.")],
        depth_base64: DepthBase64 = None,
        depth_path: DepthPath = None,
        negative_prompt: Annotated[str | None, Field(max_length=32_000)] = None,
        width: Annotated[int | None, Field(ge=8, le=8192)] = None,
        height: Annotated[int | None, Field(ge=8, le=8192)] = None,
        steps: Annotated[int | None, Field(ge=1, le=1000)] = None,
        seed: Annotated[int | None, Field(ge=0, lt=2**32)] = None,
        strength: Annotated[float | None, Field(ge=0, le=2, description="Weight of the depth.")] = None,
        model: str | None = None,
        wait: Annotated[bool, Field(description="False: answer with a job_id at once.")] = True,
    ) -> CallToolResult:
        """Paint a picture of a prompt with the layout of a depth map; without one, without depth."""
        if (width is None) != (height is None):
            raise ToolError("width: give width and height, or neither")
        values = {
            "prompt": prompt, "negative_prompt": negative_prompt, "num_inference_steps": steps, "seed": seed,
            "control_strength": strength, "model": model,
            "size": None if width is None or height is None else Extent(width, height),
        }  # fmt: skip
        given = {key: value for key, value in values.items() if value is not None}
        try:
            job = await tools.queue.submit(
                partial(_prepare, tools, given, depth_base64, depth_path), durable=not wait
            )
            if not wait:
                return CallToolResult(
                    content=[TextContent(text=f"job_id: {job.id}")], structured_content=_facts(tools, job)
                )
            await _painted(tools, job, ctx)
        except DepthpaintError as error:
            raise ToolError(shortened(str(error))) from error
        return _result(tools, job)

    @server.tool(structured_output=False)
    async def get_job(job_id: Annotated[str, Field(min_length=1, max_length=64)]) -> CallToolResult:  # pyright: ignore[reportUnusedFunction]
        """The state of a job of generate_image with wait=false, and its picture when it is done."""
        try:
            job = tools.job(job_id)
        except DepthpaintError as error:
            raise ToolError(str(error)) from error
        if job.pictures and job.state == "completed":
            return _result(tools, job)
        facts = _facts(tools, job)
        return CallToolResult(content=[TextContent(text=json.dumps(facts))], structured_content=facts)

    @server.tool(structured_output=False)
    async def cancel_job(job_id: Annotated[str, Field(min_length=1, max_length=64)]) -> CallToolResult:  # pyright: ignore[reportUnusedFunction]
        """Cancel a job."""
        try:
            job = tools.job(job_id)
        except DepthpaintError as error:
            raise ToolError(str(error)) from error
        tools.queue.cancel(job)
        facts = _facts(tools, job)
        return CallToolResult(content=[TextContent(text=json.dumps(facts))], structured_content=facts)

    @server.resource(URI, name="picture", description="A painted picture.", mime_type="image/png")
    def picture(name: str) -> bytes:  # pyright: ignore[reportUnusedFunction]
        path = tools.options.out / name
        if Path(name).name != name or path.suffix != ".png" or not path.is_file():
            raise ValueError("there is no such picture")
        return path.read_bytes()


def _add_others(server: MCPServer[Any], tools: Tools) -> None:
    @server.tool(structured_output=False)
    async def inspect_depth(depth_base64: DepthBase64 = None, depth_path: DepthPath = None) -> CallToolResult:  # pyright: ignore[reportUnusedFunction]
        """How a depth map is understood: which end is near, its unit, holes, and how sure that is."""
        try:
            data = tools.depth(depth_base64, depth_path)
            if data is None:
                raise _bad("depth_base64", "there is no depth map")
            facts = await tools.queue.aside(partial(inspected, tools.engine, data, {}))
        except DepthpaintError as error:
            raise ToolError(shortened(str(error))) from error
        preview = ImageContent(data=facts.pop("preview"), mime_type="image/png")
        return CallToolResult(
            content=[TextContent(text=json.dumps(facts)), preview], structured_content=facts
        )

    @server.tool(structured_output=False)
    async def verify_picture(  # pyright: ignore[reportUnusedFunction]
        picture_base64: Annotated[
            str, Field(min_length=1, description="The picture, PNG, JPEG or WebP, base64.")
        ],
        depth_base64: DepthBase64 = None,
        depth_path: DepthPath = None,
    ) -> CallToolResult:
        """Estimate the depth of a picture and compare it with a depth map, or with that in its record."""
        try:
            picture = bytes_of(picture_base64, "picture_base64")
            depth = tools.depth(depth_base64, depth_path)
            facts = await tools.queue.aside(
                partial(verified, tools.engine, picture, depth, tools.options.out)
            )
        except DepthpaintError as error:
            raise ToolError(shortened(str(error))) from error
        return CallToolResult(content=[TextContent(text=json.dumps(facts))], structured_content=facts)

    @server.tool(structured_output=False)
    async def list_models() -> CallToolResult:  # pyright: ignore[reportUnusedFunction]
        """The models by name."""
        models = [{"name": each.name, "summary": each.summary} for each in registered("model")]
        facts = {"default": tools.options.model, "models": models}
        return CallToolResult(content=[TextContent(text=json.dumps(facts))], structured_content=facts)


def _prepare(tools: Tools, given: dict[str, Any], text: str | None, path: str | None) -> Prepared:
    options = tools.options
    data = tools.depth(text, path)
    checked_request({**given, "depth": "depth"}, options)
    if data is None:
        place, flat = without_depth(given.get("size") or Extent(512, 512), options.out)
        given = {**given, "size": given.get("size") or Extent(512, 512), **flat}
    else:
        place = stored_depth(data, options.out)
    return prepared_as_web_ui(tools.engine, checked_request({**given, "depth": place}, options))


async def _painted(tools: Tools, job: Job, ctx: Context[Any, Any]) -> None:
    """Wait for a job and report its steps; a client that gives up cancels it."""
    done = 0
    try:
        async for _ in changes(job):
            now = len(job.pictures) * job.steps + job.step
            if now > done and not job.done.is_set():
                done = now
                await ctx.report_progress(done, job.steps * len(job.seeds))
    finally:
        tools.queue.cancel(job)
    if job.error is not None:
        raise job.error


def _facts(tools: Tools, job: Job) -> dict[str, Any]:
    return {
        "job_id": job.id, "state": job.state, "step": job.step, "steps": job.steps,
        "queue_position": tools.queue.position(job), "error": None if job.error is None else str(job.error),
    }  # fmt: skip


def _result(tools: Tools, job: Job) -> CallToolResult:
    """The picture, small enough for every client, and a link to the whole file."""
    painted = job.pictures[0]
    if not painted.path.is_file():
        raise DepthpaintError("the picture of this job was removed", code=ErrorCode.NOT_FOUND)
    data, kind = painted.path.read_bytes(), "image/png"
    link = ResourceLink(
        name=painted.path.name, uri=URI.format(name=painted.path.name), mime_type="image/png", size=len(data)
    )
    if len(data) > MOST_INLINE:
        data, kind = _smaller(data), "image/jpeg"
    model = tools.options.model if job.settings is None else job.settings.model
    facts = {
        "seed": painted.seed, "width": painted.width, "height": painted.height, "model": model,
        "job_id": job.id, "state": job.state, "file": painted.path.name, "depth": job.understood,
        "warnings": list(painted.warnings),
    }  # fmt: skip
    image = ImageContent(data=base64.b64encode(data).decode(), mime_type=kind)
    return CallToolResult(
        content=[image, TextContent(text=painted.infotext or f"seed {painted.seed}"), link],
        structured_content=facts,
    )


def _smaller(data: bytes) -> bytes:
    with Image.open(BytesIO(data)) as picture:
        small = picture.convert("RGB")
    small.thumbnail((_SMALL, _SMALL))
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
