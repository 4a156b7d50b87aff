"""The application: routes, error bodies, health, metrics, and what happens at start and end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse
from mcp.server.transport_security import TransportSecuritySettings
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp

from depthpaint import __version__
from depthpaint.core.errors import DepthpaintError, ErrorCode, is_shortage
from depthpaint.engine import Engine
from depthpaint.server import native, openai_images, web_ui
from depthpaint.server.answers import answer_of, error_answer
from depthpaint.server.description import describe
from depthpaint.server.gate import Gate
from depthpaint.server.mcp_tools import make_mcp
from depthpaint.server.options import ServerOptions
from depthpaint.server.queue import JobQueue
from depthpaint.server.ray_pictures import RayPictures
from depthpaint.server.routes import Server
from depthpaint.server.store import JobStore

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>depthpaint</title></head>
<body><h1>depthpaint</h1>
<p>The server is running. It is used from programs: <a href="openapi.json">the interface</a>.</p>
</body></html>
"""
_CSP = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
MOST_PROBLEMS = 5


def make_app(
    engine: Engine, options: ServerOptions, remote: RayPictures | None = None
) -> tuple[ASGIApp, JobQueue]:
    """The whole application with its gate, and its queue; `remote` paints in place of `engine`."""
    store = JobStore(options.out)
    queue = JobQueue(engine, options, store, remote)

    mcp = make_mcp(engine, options, queue, (options.out,)).streamable_http_app(
        max_request_body_size=options.max_body,
        # The gate checks Host and Origin before.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with mcp.router.lifespan_context(mcp):
            await queue.start()
            yield
        store.close()

    app = FastAPI(
        title="depthpaint",
        version=__version__,
        description="Paint pictures from a depth map and a prompt.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.server = Server(engine, options, queue)
    routers = [module.router_of(options) for module in (native, openai_images, web_ui)]
    for router in routers:
        app.include_router(router)
    app.router.routes.extend(mcp.routes)
    _add_health(app, queue)
    _add_errors(app, queue, [route for router in (app, *routers) for route in router.routes])
    describe(app, options)

    def busy(path: str) -> JSONResponse | None:
        refused = queue.refusal()
        return None if refused is None else answer_of(path, refused, queue.wait)

    return Gate(app, options, busy), queue


def _add_health(app: FastAPI, queue: JobQueue) -> None:
    @app.get("/healthz", tags=["health"])
    async def healthz(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        """Whether the process lives; 504 if it has to be restarted."""
        if queue.stalled:
            return error_answer(
                request.url.path, 504, ErrorCode.TIMEOUT, "a picture makes no progress; restart the server"
            )
        return JSONResponse({"status": "ok"})

    @app.get("/readyz", tags=["health"])
    async def readyz(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        """Whether requests are accepted."""
        if queue.draining or queue.stalled:
            return error_answer(
                request.url.path, 503, ErrorCode.DRAINING, "the server is stopping", retry_after=30
            )
        return JSONResponse({"status": "ready"})

    @app.get("/metrics", tags=["health"], response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:  # pyright: ignore[reportUnusedFunction]
        """Numbers for Prometheus."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return PlainTextResponse(generate_latest(queue.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/", include_in_schema=False)
    async def page() -> HTMLResponse:  # pyright: ignore[reportUnusedFunction]
        return HTMLResponse(PAGE, headers={"Content-Security-Policy": _CSP})


def _add_errors(app: FastAPI, queue: JobQueue, routes: Sequence[BaseRoute]) -> None:
    @app.exception_handler(DepthpaintError)
    async def refused(request: Request, error: DepthpaintError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return answer_of(request.url.path, error, queue.wait)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:  # pyright: ignore[reportUnusedFunction]
        problems = [dict(each) for each in error.errors()]
        said = [_problem(each) for each in problems[:MOST_PROBLEMS]]
        if len(problems) > MOST_PROBLEMS:
            said.append(f"and {len(problems) - MOST_PROBLEMS} more")
        fields = [str(each["loc"][1]) for each in problems if len(each["loc"]) > 1]
        return error_answer(
            request.url.path,
            422,
            ErrorCode.INVALID_PARAMETER,
            "; ".join(said),
            param=fields[0] if fields else None,
        )

    @app.exception_handler(HTTPException)
    async def failed(request: Request, error: HTTPException) -> Response:  # pyright: ignore[reportUnusedFunction]
        path = request.url.path
        if error.status_code == 404:
            return error_answer(path, 404, ErrorCode.NOT_FOUND, "there is no such route")
        if error.status_code == 405:
            allow = ", ".join(sorted(_methods(routes, request)))
            return error_answer(
                path,
                405,
                ErrorCode.METHOD_NOT_ALLOWED,
                f"this route allows {allow}",
                headers={"Allow": allow},
            )
        return error_answer(path, error.status_code, ErrorCode.INVALID_PARAMETER, str(error.detail))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:  # pyright: ignore[reportUnusedFunction]
        if is_shortage(error):
            return error_answer(request.url.path, 503, ErrorCode.OUT_OF_MEMORY, "there is not enough memory")
        return error_answer(request.url.path, 500, ErrorCode.INTERNAL, "the server failed; its log says why")


def _problem(problem: dict[str, object]) -> str:
    """A problem of a body in words; the value, which may be long or private, is left out."""
    place = ".".join(str(each) for each in cast(tuple[object, ...], problem["loc"])[1:])[:100]
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])


def _methods(routes: Sequence[BaseRoute], request: Request) -> set[str]:
    """All methods of a path: several functions may answer one path."""
    found: set[str] = set()
    for route in routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return found
