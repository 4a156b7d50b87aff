"""docs/reference/settings.md, made of the settings: `python tests/request/settings_page.py` writes it."""

from __future__ import annotations

from pathlib import Path

from depthpaint.cli.options import default_of
from depthpaint.core.setting import settings_of
from depthpaint.request import Request

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
HEAD = """# Settings

Everything that decides a picture. A setting is a flag of `depthpaint generate`, a column of a manifest
(`batch`), a `--set FIELD=VALUE` of `batch` and `study`, and a keyword argument of `depthpaint.paint` and
`depthpaint.Request` ([python.md](python.md)). A column also goes by the name of the flag without its dashes:
`steps` is `num_inference_steps`. What is not given has its default; zero is a value.
"""


def page() -> str:
    """The page: a table for each panel."""
    panels: dict[str, list[str]] = {}
    for name, setting in settings_of(Request).items():
        default = default_of(name, setting).removeprefix("Default: ").removesuffix(".") or "none"
        row = f"| `{name}` | `{setting.flag_of(name)}` | {setting.help} | {default} |"
        panels.setdefault(setting.panel, []).append(row.replace("a|b", "a, b"))
    tables = [
        f"## {panel}\n\n| field | flag | what it is | default |\n|---|---|---|---|\n" + "\n".join(rows)
        for panel, rows in panels.items()
    ]
    return HEAD + "\n" + "\n\n".join(tables) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
