"""docs/reference/cli.md: every command with its arguments, options, defaults and examples."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from depthpaint.cli.commands import PANEL, option_type, title_of
from depthpaint.cli.main import app
from depthpaint.core.errors import SOME_FAILED, STATUSES
from reference_pages.layout import code, items, page_of, paragraph, plain

HEAD = """The commands of `depthpaint`. Paths of written files go to stdout, everything else to stderr;
`--json` prints one [JSON document](json.md) instead. `-h` or `--help` after a command shows its
help. Options in the panels Picture, Sampling, Control, Model and Depth reading are
[settings](settings.md); your own defaults are kept in a [config file](config.md)."""
EXIT = """## Exit status

* 0: done.
* {some}: done for some of the pictures only, or some agree less than `--min-agreement`.
* {others}: an error; [Errors](errors.md) says which.
* 129, 130 or 143: ended by SIGHUP, Ctrl-C or SIGTERM. No incomplete file is left.
* 141: the program that reads stdout has ended."""


def page() -> str:
    """The page: the program, then each command and the commands of groups."""
    group: Any = get_command(app)
    others = sorted({status for status, _ in STATUSES.values() if status < 100} - {SOME_FAILED})
    listed = ", ".join(map(str, others[:-1])) + f" or {others[-1]}"
    known: dict[tuple[str, str], str] = {}
    parts = [_described("depthpaint", group, known)]
    parts += [_described(name, command, known) for name, command in _commands("depthpaint", group)]
    return page_of("Command line", HEAD, *parts, EXIT.format(some=SOME_FAILED, others=listed))


def _commands(path: str, group: Any) -> Iterator[tuple[str, Any]]:
    """The commands below `group` with their full names, in the order of help."""
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        yield f"{path} {name}", command
        if hasattr(command, "commands"):
            yield from _commands(f"{path} {name}", command)


def _described(name: str, command: Any, known: dict[tuple[str, str], str]) -> str:
    """A command's section; panels that an earlier command has, too, are replaced by a link to it."""
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
    usage = " ".join([name, "[OPTIONS]", *map(title_of, arguments)])
    parts = [f"## {name}", code(usage + (" COMMAND ..." if hasattr(command, "list_commands") else ""))]
    parts += list(_help(command.help or ""))
    if arguments:
        parts.append(items(f"`{title_of(each)}`: {plain(each.help or '')}" for each in arguments))
    panels: dict[str, list[str]] = {}
    for each in options:
        panels.setdefault(each.rich_help_panel or PANEL, []).append(option_line(each))
    for panel in sorted(panels, key=lambda title: title == PANEL):
        rows = items(panels[panel])
        first = known.setdefault((panel, rows), name)
        same = f"The same options as those of [{first}](#{first.replace(' ', '-')})."
        parts.append(f"**{panel}**\n\n{rows if first == name or len(panels[panel]) < 3 else same}")
    return "\n\n".join(parts)


def _help(text: str) -> Iterator[str]:
    """The paragraphs of a command's help; the examples as code."""
    for each in text.split("\n\n"):
        title, _, rest = each.removeprefix("\b\n").partition("\n")
        if each.startswith("\b"):
            yield code(textwrap.dedent(rest if title == "Examples:" else f"{title}\n{rest}"))
        elif each.startswith("Example: "):
            yield code(each.removeprefix("Example: "))
        else:
            yield paragraph(plain(each))


def option_line(option: Any) -> str:
    """An option: its names, what it takes, help, range and default."""
    kind = "" if option.is_flag else f" {option_type(option)}"
    names = ", ".join(f"`{name}{kind}`" for name in [*option.opts, *option.secondary_opts])
    text = plain(option.help or "")
    bounds = [f"at least {option.min}" if option.min is not None else "",
              f"at most {option.max}" if option.max is not None else ""]  # fmt: skip
    extra = [" and ".join(bound for bound in bounds if bound).capitalize()]
    if option.show_default and not option.is_flag and option.default is not None:
        value = f"{option.default:g}" if isinstance(option.default, float) else str(option.default)
        extra.append(f"Default: {plain(value)}")
    extra.append(
        "May be repeated" if option.multiple and not re.search("repeat|several", text, re.IGNORECASE) else ""
    )
    return " ".join([f"{names}:", text, *(f"{each}." for each in extra if each)])
