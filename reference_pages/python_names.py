"""The generated part of docs/reference/python.md: every public name with its signature and docstring."""

from __future__ import annotations

import inspect
import textwrap
from enum import Enum
from types import FunctionType
from typing import Any, is_typeddict

from pydantic import BaseModel

import depthpaint
from reference_pages.layout import WIDTH, code, paragraph, plain

TITLES = ("Functions", "Classes", "Exceptions")
ELSEWHERE = {
    "ErrorCode": "Its members are listed in [Errors](errors.md).",
    "PaintSettings": "Its keys are the [settings](settings.md).",
    "ReadingSettings": "Its keys are the settings of [depth reading](settings.md#depth-reading).",
    "Request": "Its fields are `depth`, `prompt` and the [settings](settings.md); what is not given is None.",
    "RunRecord": "Its fields are those of the [record](json.md#record).",
}
"""Names whose fields another page lists."""


def names() -> str:
    """A section for each kind of public name."""
    sections: dict[str, list[str]] = {title: [f"## {title}"] for title in TITLES}
    for name in depthpaint.__all__:
        value = getattr(depthpaint, name)
        sections[_title_of(value)] += _described(name, value)
    return "\n\n".join(part for parts in sections.values() for part in parts)


def _title_of(value: Any) -> str:
    if not inspect.isclass(value):
        return TITLES[0]
    return TITLES[2] if issubclass(value, BaseException) else TITLES[1]


def _described(name: str, value: Any) -> list[str]:
    title = _title_of(value)
    parts = [f"### {name}"]
    if title != TITLES[2] and name not in ELSEWHERE:
        parts.append(code(_signature(name, value), "text"))
    parts += _paragraphs(inspect.cleandoc(value.__doc__ or ""))
    parts += [ELSEWHERE[name]] if name in ELSEWHERE else []
    if title == TITLES[1] and not issubclass(value, Enum) and not is_typeddict(value):
        parts += [_member(name, each, member) for each, member in _members(value)]
    return parts


def _members(kind: type[Any]) -> list[tuple[str, Any]]:
    """The methods and properties that a class defines itself and explains."""
    known = vars(kind)
    return [
        (name, member)
        for name, member in known.items()
        if not name.startswith("_")
        and name not in getattr(kind, "__slots__", ())
        and isinstance(member, FunctionType | property | classmethod)
        and not (issubclass(kind, BaseModel) and name in BaseModel.__dict__)
        and member.__doc__
    ]


def _member(owner: str, name: str, member: Any) -> str:
    """A method or a property."""
    if isinstance(member, property):
        head = f"**`{owner}.{name}`**"
    else:
        function = getattr(member, "__func__", member)
        head = code(_signature(f"{owner}.{name}", function, bound=True), "text")
    return "\n\n".join([head, *_paragraphs(inspect.cleandoc(member.__doc__ or ""))])


def _signature(name: str, value: Any, *, bound: bool = False) -> str:
    """Name, parameters and result; a parameter in each line if they do not fit into one."""
    signature = inspect.signature(value)
    parameters = list(signature.parameters.values())[1 if bound else 0 :]
    shown: list[str] = []
    for each in parameters:
        first_by_name = each.kind is each.KEYWORD_ONLY and not any(text.startswith("*") for text in shown)
        shown += ["*"] if first_by_name else []
        shown.append(_parameter(each))
    gives = "" if inspect.isclass(value) else f" -> {_annotation(signature.return_annotation)}"
    line = f"{name}({', '.join(shown)}){gives}"
    if len(line) <= WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {each},\n" for each in shown) + f"){gives}"


def _parameter(parameter: inspect.Parameter) -> str:
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    text = f"{stars}{parameter.name}: {_annotation(parameter.annotation)}"
    if parameter.default is parameter.empty:
        return text
    default = parameter.default
    return f"{text} = {default.__name__ if inspect.isfunction(default) else repr(default)}"


def _annotation(annotation: Any) -> str:
    return annotation.strip("'") if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _paragraphs(text: str) -> list[str]:
    """The paragraphs of a docstring; indented ones are code."""
    return [
        textwrap.indent(textwrap.dedent(each), "    ") if each.startswith("    ") else paragraph(plain(each))
        for each in text.split("\n\n")
        if each.strip()
    ]
