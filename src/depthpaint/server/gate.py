"""The outermost layer: which requests are served at all. It reads the whole body before any other code.

Checked in this order: Host, Origin, key, size of the body, its type, and whether all of it came in time.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Callable
from time import monotonic

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from depthpaint.core.errors import ErrorCode
from depthpaint.server.answers import error_answer
from depthpaint.server.logs import log_event
from depthpaint.server.options import ServerOptions

BODY_SECONDS = 20.0
"""In which the body of a request must be complete."""
MOST_BUFFERED = 1 << 30
"""Bytes of all bodies together that are being read or used; beyond them, requests are refused."""
_OPEN = ("/healthz", "/readyz")
"""Routes that need no key."""
UNLOGGED = (*_OPEN, "/metrics")
"""Routes that are asked all the time."""
_READING = ("GET", "HEAD", "OPTIONS")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]/@\s]+)(?::\d{1,5})?", re.IGNORECASE)
_EDITS = "/v1/images/edits"
PAINTING = ("/api/v1/jobs", "/v1/images/generations", _EDITS, "/sdapi/v1/txt2img", "/sdapi/v1/img2img")
"""Routes that take a place in the queue."""


class Gate:
    """ASGI middleware around the whole application.

    `busy` gives the answer to a request to paint while none is accepted: its body is not parsed then, so that
    a crowd is refused quickly.
    """

    def __init__(
        self, app: ASGIApp, options: ServerOptions, busy: Callable[[str], JSONResponse | None]
    ) -> None:
        self._busy = busy
        self._app = app
        self._options = options
        self._hosts = {"127.0.0.1", "localhost", "[::1]", options.host.lower()}
        self._hosts |= {host.lower() for host in options.allow_hosts}
        self._buffered = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, path, method = Headers(scope=scope), str(scope["path"]), str(scope["method"])
        allowed = self._origin_allowed(headers)
        number, begun, status = secrets.token_hex(8), monotonic(), [499]
        send = _with_headers(send, number, headers.get("origin") if allowed else None, status)
        try:
            await self._serve(scope, receive, send, headers, allowed)
        finally:
            if path not in UNLOGGED:
                took = round(monotonic() - begun, 3)
                log_event(
                    "request", id=number, method=method, path=path[:200], status=status[0], seconds=took
                )

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, headers: Headers, allowed: bool
    ) -> None:
        path, method = str(scope["path"]), str(scope["method"])
        refused = self._refusal(headers, path, method, allowed)
        if refused is not None:
            await refused(scope, receive, send)
            return
        kept = 0

        def keep(more: int) -> bool:
            nonlocal kept
            kept += more
            self._buffered += more
            return self._buffered <= MOST_BUFFERED

        try:
            body = await self._body(receive, path, keep)
            if isinstance(body, JSONResponse):
                await body(scope, receive, send)
            elif body is not None and _takes_a_place(method, path, headers):
                await (self._busy(path) or self._app)(scope, _replayed(body, receive), send)
            elif body is not None:
                await self._app(scope, _replayed(body, receive), send)
        finally:
            self._buffered -= kept

    def _refusal(self, headers: Headers, path: str, method: str, allowed: bool) -> JSONResponse | None:
        """The answer to a request that is not served, by its head alone."""
        if not self._is_known_host(headers):
            return error_answer(
                path,
                403,
                ErrorCode.HOST_NOT_ALLOWED,
                "this server is not known by the name in the Host header; --allow-host NAME adds a name",
            )
        if (
            (method not in _READING or path.startswith("/mcp"))
            and not _is_same_origin(headers)
            and not allowed
        ):
            return error_answer(
                path,
                403,
                ErrorCode.ORIGIN_NOT_ALLOWED,
                "a page of another web site sent this request; --allow-origin ORIGIN allows that",
            )
        if self._options.api_key is not None and path not in _OPEN and not self._has_key(headers):
            bearer = path.startswith(("/v1", "/mcp"))
            return error_answer(
                path, 401, ErrorCode.UNAUTHORIZED,
                "the API key is missing or wrong; send it as Bearer token or as Basic password",
                headers={"WWW-Authenticate": "Bearer" if bearer else 'Basic realm="depthpaint"'},
            )  # fmt: skip
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 18:
            return error_answer(
                path, 400, ErrorCode.INVALID_PARAMETER, "the header Content-Length is no number"
            )
        if int(length) > self._options.max_body:
            return self._too_large(path)
        if method in ("POST", "PUT", "PATCH") and not _is_known_type(headers, path, int(length)):
            return error_answer(
                path, 415, ErrorCode.UNSUPPORTED_MEDIA_TYPE,
                f"the body must be {'multipart/form-data' if path == _EDITS else 'application/json'}",
            )  # fmt: skip
        return None

    def _too_large(self, path: str) -> JSONResponse:
        most = self._options.max_body >> 20
        return error_answer(path, 413, ErrorCode.BODY_TOO_LARGE, f"the request is larger than {most} MiB")

    async def _body(
        self, receive: Receive, path: str, keep: Callable[[int], bool]
    ) -> bytes | JSONResponse | None:
        """The whole body, or the answer where it is too large or too slow; None if the client went away."""
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    part = message.get("body", b"")
                    size += len(part)
                    if size > self._options.max_body:
                        return self._too_large(path)
                    if not keep(len(part)):
                        return error_answer(
                            path, 503, ErrorCode.OUT_OF_MEMORY, "too many large requests at the same time",
                            retry_after=5,
                        )  # fmt: skip
                    parts.append(part)
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            return error_answer(
                path, 408, ErrorCode.TIMEOUT, f"the request was not complete after {BODY_SECONDS:g} seconds",
                headers={"Connection": "close"},
            )  # fmt: skip

    def _is_known_host(self, headers: Headers) -> bool:
        hosts = headers.getlist("host")
        match = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        return match is not None and match[1].lower() in self._hosts

    def _origin_allowed(self, headers: Headers) -> bool:
        return headers.get("origin") in self._options.allow_origins

    def _has_key(self, headers: Headers) -> bool:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        value = value.strip()
        if scheme.lower() == "basic":
            try:
                value = base64.b64decode(value, validate=True).decode("utf-8").partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return False
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(value.encode(), (self._options.api_key or "").encode())


def _is_same_origin(headers: Headers) -> bool:
    """Whether no browser sent the request, or a page of this server: programs send neither header."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if site in ("cross-site", "same-site"):
        return False
    host = headers.get("host", "")
    return origin is None or origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")


def _is_known_type(headers: Headers, path: str, length: int) -> bool:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind and length == 0 and "transfer-encoding" not in headers:
        return True  # POST without a body, such as interrupt
    return kind == ("multipart/form-data" if path == _EDITS else "application/json")


def _takes_a_place(method: str, path: str, headers: Headers) -> bool:
    """Whether it asks for a picture; with an Idempotency-Key it may ask for one that is there already."""
    return method == "POST" and path in PAINTING and "idempotency-key" not in headers


def _with_headers(send: Send, number: str, origin: str | None, status: list[int]) -> Send:
    """Add to each answer what every answer has; `origin` is an allowed origin of the request.

    `number` is the request's id; the answer's status is put into `status`.
    """

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            status[0] = int(message["status"])
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = number
            headers["X-Content-Type-Options"] = "nosniff"
            if origin is not None:
                headers["Access-Control-Allow-Origin"] = origin
                headers["Vary"] = "Origin"
        await send(message)

    return wrapped


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read; afterwards what the server sends, which is that the client went away."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
