"""docs/reference/settings.md: every setting, with its flag, column, values and default."""

from __future__ import annotations

from typing import Any

from typer.main import get_command

from depthpaint.cli.main import app
from depthpaint.core.setting import Setting, settings_of
from depthpaint.request import MAX_OUTPUT_SIDE, MIN_OUTPUT_SIDE, Request
from reference_pages.commands import option_line
from reference_pages.layout import items, page_of

HEAD = """Everything that decides a picture. A setting is

* an option of [depthpaint generate](cli.md#depthpaint-generate),
* a column of a [manifest](manifest.md), and a `--set FIELD=VALUE` of `batch` and `study`,
* a keyword argument of `depthpaint.paint` and `depthpaint.Request` in [Python](python.md).

Columns and keyword arguments have the first name below; a column may also have the name of the
option without its dashes: `steps` is `num_inference_steps`. What is not given has its default; zero
is a value."""


def page() -> str:
    """The page: a list for each panel."""
    group: Any = get_command(app)
    options = {each.name: each for each in group.get_command(None, "generate").params}
    schema = Request.model_json_schema()["properties"]
    panels: dict[str, list[str]] = {}
    for name, setting in settings_of(Request).items():
        line = f"`{name}`, {option_line(options[name])} {_values(name, setting, schema[name])}"
        panels.setdefault(setting.panel, []).append(line.rstrip())
    return page_of("Settings", HEAD, *(f"## {panel}\n\n{items(rows)}" for panel, rows in panels.items()))


def _values(name: str, setting: Setting, schema: dict[str, Any]) -> str:
    """The range of a number, or the words, if the explanation does not name them."""
    if name == "size":
        return f"Sides: {MIN_OUTPUT_SIDE} to {MAX_OUTPUT_SIDE}."
    parts: list[dict[str, Any]] = schema.get("anyOf", [schema])
    texts: list[str] = []
    for part in parts:
        words = [word for word in part.get("enum", ()) if word not in setting.help and word != "auto"]
        texts += [", ".join(words)] if len(words) > 1 else []
        low, high = (
            part.get(short, part.get(long)) for short, long in (("ge", "minimum"), ("le", "maximum"))
        )
        if low is not None and f"{low:g} to" not in setting.help and "lt" not in part:
            texts.append(f"{low:g} to {high:.10g}" if high is not None else f"{low:g} or more")
    return f"Values: {', '.join(texts)}." if texts else ""
