"""The OpenAPI document: what FastAPI derives, with this server's limits and the errors of each family."""

from __future__ import annotations

from typing import Any, cast

from fastapi import FastAPI

from depthpaint.server.answers import UNPROCESSABLE, Family, family_of
from depthpaint.server.options import ServerOptions

STATUSES = (400, 401, 403, 404, 405, 408, 409, 413, 415, UNPROCESSABLE, 429, 499, 500, 503, 507)
_TEXT = {"type": "string"}
_BODIES: dict[Family, dict[str, Any]] = {
    "openai": {"type": "object", "required": ["error"], "properties": {"error": {
        "type": "object", "required": ["message", "type", "param", "code"],
        "properties": {
            "message": _TEXT, "type": _TEXT, "param": {"type": ["string", "null"]}, "code": _TEXT,
        },
    }}},
    "webui": {
        "type": "object", "required": ["error", "detail", "body", "errors"],
        "properties": {"error": _TEXT, "detail": _TEXT, "body": _TEXT, "errors": _TEXT},
    },
    "native": {
        "type": "object", "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT, "code": _TEXT,
        },
    },
}  # fmt: skip
_EVENT = {
    "type": "object", "required": ["event", "data"],
    "properties": {"event": _TEXT, "data": {"type": "string", "description": "JSON."}},
}  # fmt: skip
_EVENTS = ("/api/v1/jobs/{job_id}/events",)


def describe(app: FastAPI, options: ServerOptions) -> None:
    """Make the application describe its limits and errors."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = FastAPI.openapi(app)
            _limit(schema, options)
            for path, operations in cast("dict[str, dict[str, Any]]", schema["paths"]).items():
                for operation in operations.values():
                    _add_errors(operation["responses"], family_of(path))
                    if path in _EVENTS:
                        operation["responses"]["200"]["content"] = {"text/event-stream": {"schema": _EVENT}}
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi


def _add_errors(responses: dict[str, Any], family: Family) -> None:
    kind = "application/problem+json" if family == "native" else "application/json"
    responses.pop(str(UNPROCESSABLE), None)
    for status in STATUSES:
        if family == "openai" and status == UNPROCESSABLE:
            continue  # there it is 400
        described = {"description": "An error.", "content": {kind: {"schema": _BODIES[family]}}}
        if status in (429, 503):
            described["headers"] = {
                "Retry-After": {"schema": {"type": "integer", "minimum": 1, "maximum": 120}}
            }
        responses.setdefault(str(status), described)


def _limit(value: Any, options: ServerOptions) -> None:
    """Set the maxima of sizes and steps wherever they are fields."""
    most = {
        "width": options.max_side, "height": options.max_side,
        "steps": options.max_steps, "num_inference_steps": options.max_steps,
    }  # fmt: skip
    if isinstance(value, list):
        for each in cast("list[Any]", value):
            _limit(each, options)
    if not isinstance(value, dict):
        return
    known = cast("dict[str, Any]", value)
    for name, field in cast("dict[str, Any]", known.get("properties") or {}).items():
        for choice in (field, *field.get("anyOf", ())):
            if name in most and choice.get("type") == "integer" and "minimum" in choice:
                choice["maximum"] = min(most[name], choice.get("maximum", most[name]))
            if name == "size" and choice.get("type") == "array":
                for side in choice["prefixItems"]:
                    side |= {"minimum": 8, "maximum": options.max_side}
    for each in known.values():
        _limit(each, options)
