"""A report as one HTML file that asks nothing of any other machine, and in which no sentence can do harm."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Any

from depthpaint.core.errors import printable
from depthpaint.report.document import Document, written
from depthpaint.report.needs import needs_extra


def as_html(document: Document) -> str:
    """The page: text escaped, pictures and plots inside, scripts of our own alone (a policy forbids others).

    Raises ParameterError where jinja2 is missing.
    """
    environment = _environment()
    script = _packaged("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = environment.from_string(_packaged("page.html.j2"))
    return template.render(
        document=document, style=_packaged("page.css"), script=script, script_digest=digest
    )


def _environment() -> Any:
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise needs_extra(error, "a page") from error
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_on_one_line,
    )
    environment.filters |= {"written": written, "as_jpeg": _as_jpeg, "as_svg": _as_svg}
    return environment


def _packaged(name: str) -> str:
    return resources.files("depthpaint.report").joinpath(name).read_text(encoding="utf-8")


def _on_one_line(value: object) -> object:
    """Sentences as they may be shown; what is marked as safe is our own style and script."""
    return printable(value) if type(value) is str else value


def _as_jpeg(data: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def _as_svg(svg: str) -> str:
    # As a picture it runs no scripts, whatever its labels say.
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
