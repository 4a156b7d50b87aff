"""The bodies of errors: each family of routes has its own, as its clients expect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from starlette.responses import JSONResponse

from depthpaint.core.errors import DepthpaintError, ErrorCode, printable, shortened

Family = Literal["openai", "webui", "native"]
UNPROCESSABLE = 422
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 409: "Conflict", 413: "Content Too Large", 415: "Unsupported Media Type",
    422: "Unprocessable Content", 429: "Too Many Requests", 499: "Client Closed Request",
    500: "Internal Server Error", 503: "Service Unavailable", 504: "Gateway Timeout",
    507: "Insufficient Storage",
}  # fmt: skip


def family_of(path: str) -> Family:
    """The family of a route."""
    if path == "/v1" or path.startswith("/v1/"):
        return "openai"
    if path.startswith(("/sdapi/", "/controlnet/")):
        return "webui"
    return "native"


def error_answer(
    path: str,
    status: int,
    code: str,
    message: str,
    *,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
    retry_after: int | None = None,
) -> JSONResponse:
    """An error as the clients of `path` read it.

    The OpenAI interface knows no 422: there it is 400. `retry_after` is a number of seconds.
    """
    family = family_of(path)
    message = shortened(printable(message))
    if family == "openai" and status == UNPROCESSABLE:
        status = 400
    content: dict[str, object]
    media_type = "application/json"
    if family == "openai":
        kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
        content = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    elif family == "webui":
        content = {"error": code, "detail": message, "body": "", "errors": message}
    else:
        title = _TITLES.get(status, "Error")
        content = {"type": "about:blank", "title": title, "status": status, "detail": message, "code": code}
        media_type = "application/problem+json"
    extra = dict(headers or {})
    if retry_after is not None:
        extra["Retry-After"] = str(min(120, max(1, retry_after)))
    elif status >= 500 or status == 409:
        # The official clients of OpenAI would repeat these.
        extra["x-should-retry"] = "false"
    return JSONResponse(content, status, extra, media_type)


def answer_of(path: str, error: DepthpaintError, retry_after: int = 1) -> JSONResponse:
    """The answer for an error; what may be tried again has Retry-After."""
    again = error.code in (ErrorCode.QUEUE_FULL, ErrorCode.NOT_READY, ErrorCode.DRAINING)
    return error_answer(
        path, error.http_status, error.code.value, str(error),
        param=param_of(error), retry_after=retry_after if again else None,
    )  # fmt: skip


def param_of(error: DepthpaintError) -> str | None:
    """The field that an error is about, if it is one field."""
    if error.code is ErrorCode.MODEL_NOT_FOUND:
        return "model"
    value: object = error.value
    if isinstance(value, tuple):
        fields = cast("tuple[object, ...]", value)
        return str(fields[0]) if len(fields) == 1 else None
    return None
