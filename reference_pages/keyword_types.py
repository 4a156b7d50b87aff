"""src/depthpaint/paint_settings.py: the settings as typed keyword arguments."""

from __future__ import annotations

import re
import textwrap
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, BeforeValidator

from depthpaint import model_choice
from depthpaint.cli.options import default_of
from depthpaint.core.setting import Setting, clean_path, clean_text, no_boolean, settings_of
from depthpaint.depth import depth_map
from depthpaint.depth.depth_map import DepthReading
from depthpaint.request import Request

FILE = Path(__file__).parents[1] / "src" / "depthpaint" / "paint_settings.py"
WIDTH = 110
LONGEST_LITERAL = 70
HEAD = '''"""The settings as keyword arguments: what `depthpaint.paint` and `depthpaint.read_depth` take.

Written by `make docs` from the fields of `depthpaint.request.Request`; do not edit. None is as if not given.
"""

from __future__ import annotations

from typing import Literal, TypedDict

{imports}
'''
_CHECKS_ALONE = (clean_path, clean_text, no_boolean, depth_map.unit_or_step)
"""Validators that read no text, or only that of a number."""


def text() -> str:
    """The file: a TypedDict of what says how a depth map is read, and one of all settings."""
    body = ""
    taken: set[str] = set()
    for name, base, group, what in (
        ("ReadingSettings", "TypedDict", DepthReading, "How to read a depth map."),
        ("PaintSettings", "ReadingSettings", Request, "Settings of a picture, besides depth map and prompt."),
    ):  # fmt: skip
        body += f'\n\nclass {name}({base}, total=False):\n    """{what}"""\n'
        for field, setting in settings_of(group).items():
            if field not in taken:
                taken.add(field)
                body += f"\n    {field}: {_type_of(group, field)} | None\n{_described(field, setting)}"
    types = " ".join(re.findall(r"^    \w+: (.*)", body, flags=re.MULTILINE))
    imports = "\n".join(
        f"from {module.__name__} import {', '.join(sorted(set(names)))}"
        for module in (depth_map, model_choice)
        if (
            names := re.findall("|".join(rf"\b{name}\b" for name in vars(module) if name != "Literal"), types)
        )
    )
    return HEAD.format(imports=imports) + body


def _described(field: str, setting: Setting) -> str:
    words = f'"""{setting.help} {default_of(field, setting)}'.strip() + '"""'
    return textwrap.indent(textwrap.fill(words, WIDTH - 4, break_on_hyphens=False), " " * 4) + "\n"


def _type_of(group: type[BaseModel], name: str) -> str:
    field = group.model_fields[name]
    kinds = _kinds(field.annotation, _reads_text(field.metadata))
    return " | ".join(dict.fromkeys(kinds))


def _kinds(kind: Any, from_text: bool) -> list[str]:
    """The types of one annotation as source; `from_text` says that a text is also read."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind is NoneType or isinstance(kind, TypeVar):
        return []
    if origin is Annotated:
        return _kinds(parts[0], from_text or _reads_text(parts[1:]))
    if origin in (Union, UnionType):
        each = [name for part in parts for name in _kinds(part, from_text)]
        return [name for name in each if not ("str" in each and name.startswith("Literal"))]
    return [_name_of(kind), *(["str"] if from_text else [])]


def _name_of(kind: Any) -> str:
    if hasattr(kind, "_fields"):
        return f"tuple[{', '.join(map(_name_of, get_type_hints(kind).values()))}]"
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        shown = f"Literal[{', '.join(map(_quoted, parts))}]"
        return shown if len(shown) <= LONGEST_LITERAL else _alias(kind)
    if origin is tuple and parts[-1] is Ellipsis:
        inner = " | ".join(dict.fromkeys(_kinds(parts[0], False)))
        return f"list[{inner}] | tuple[{inner}, ...]"
    if origin is tuple:
        return f"tuple[{', '.join(map(_name_of, parts))}]"
    if issubclass(kind, Enum):
        return f"Literal[{', '.join(_quoted(member.value) for member in kind)}]"
    return kind.__name__


def _quoted(value: object) -> str:
    return f'"{value}"'


def _alias(kind: object) -> str:
    """The name that the code gives to a long Literal."""
    return next(name for name, each in vars(depth_map).items() if each == kind)


def _reads_text(metadata: Any) -> bool:
    return any(isinstance(each, BeforeValidator) and each.func not in _CHECKS_ALONE for each in metadata)
