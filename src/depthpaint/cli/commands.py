"""The commands by name. A command is imported when it is called; its help lists options in panels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from depthpaint.cli.remedies import Running, run_as
from depthpaint.core.errors import DepthpaintError, ParameterError

SUMMARIES = {
    "generate": "Paint a picture that obeys a depth map and a prompt. DEPTH PROMPT alone does the same.",
    "inspect": "Show what a depth file holds, how sure that is, and what will be done with it.",
    "batch": "Paint every row of a manifest, or every depth map of a folder.",
    "verify": "Estimate the depth of a picture and compare it with its depth map.",
    "replay": "Paint a picture again from its own record, and compare.",
    "report": "Show the pictures of a folder in one HTML page or PDF.",
    "study": "Measure what the aspect ratio, the control strength or speed settings do, with error bars.",
    "bench": "Measure the time that a picture takes, compared with other programs.",
    "serve": "Serve HTTP: a native interface, AUTOMATIC1111's and OpenAI's.",
    "mcp": "Serve MCP over standard input and output, for language models.",
    "models": "List, show, download, verify and export models.",
    "doctor": "Show what works in this environment, what is missing, and how to get it.",
    "config": "Show your default settings, and the file that holds them.",
    "completion": "Print a script with which bash, zsh or fish completes commands, options and names.",
}
"""One line per command, so that `depthpaint --help` imports none of them."""
DEFAULT = "generate"
CONFIGURED = {
    "generate": ("model", "device", "precision", "threads", "out"),
    "batch": ("device", "precision", "threads", "out"),
    "verify": ("estimator",),
}
"""For each command, the keys of the config file that set the default of the option of the same name."""
_TYPES = {"str": "TEXT", "int": "N", "float": "NUMBER", "path": "PATH"}
PANEL = "Options"


def _is_argument(parameter: Any) -> bool:
    return parameter.param_type_name == "argument"


def title_of(argument: Any) -> str:
    """An argument's name in help, such as DEPTH."""
    return argument.metavar or argument.name.upper()


def option_type(option: Any) -> str:
    """What an option takes, such as PATH."""
    kind = option.type_descriptor.annotation
    element = (get_args(kind) or (kind,))[0]
    return option.metavar or _TYPES.get(element.__name__.lower(), "TEXT")


def _with_plain_type(option: str) -> str:
    """An option's names with a word like PATH in the place of a type of typer's, such as <path>."""
    return re.sub(r"<(?:list\[)?(\w+)(?: range)?\]?>", lambda kind: _TYPES.get(kind[1], "TEXT"), option)


class PanelCommand(TyperCommand):
    """A command whose help lists its options in panels, and whose errors name its own flags."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        flags = (flag for each in self.params for flag in (*each.opts, *each.secondary_opts))
        return run_as(Running(ctx.command_path, frozenset(flags)), lambda: TyperCommand.invoke(self, ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The arguments, as the help names them."""
        return ["[OPTIONS]", *(title_of(each) for each in self.get_params(ctx) if _is_argument(each))]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments first, then each panel in the order of its first option."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx)
            if row is None:
                continue
            argument = _is_argument(parameter)
            panel = getattr(parameter, "rich_help_panel", None) or ("Arguments" if argument else PANEL)
            title = title_of(parameter) if argument else _with_plain_type(row[0])
            panels.setdefault(panel, []).append((title, row[1] + _from_config(ctx, parameter.name)))
        for title in sorted(panels, key=lambda title: title == PANEL):
            with formatter.section(title):
                formatter.write_dl(panels[title])


def _from_config(ctx: Any, name: str | None) -> str:
    """The user's own default of a parameter, for help."""
    own: dict[str | None, object] = ctx.default_map or {}
    value = own.get(name)
    return "" if value is None else f" Your config file: {value}."


class PanelGroup(TyperGroup):
    """A group of commands whose summaries are wrapped, not cut off."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the summary of every command."""
        rows = [(name, self.summary(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def summary(self, ctx: Any, name: str) -> str:
        """The first paragraph of a command's help."""
        command = self.get_command(ctx, name)
        text = (command.help or "") if command is not None else ""
        return " ".join(text.split("\n\n")[0].split())


def new_app(*, cls: type[TyperGroup] = PanelGroup, **more: Any) -> typer.Typer:
    """An app with plain help. Its errors are raised, and it has no options for shell completion."""
    return typer.Typer(
        cls=cls, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False, **more
    )


@dataclass(frozen=True, slots=True)
class Word:
    """A possible completion of a word, with the attributes that click reads."""

    value: str
    help: str
    type: str = "plain"


class Commands(PanelGroup):
    """The commands of `depthpaint`."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature
        """Their names, in the order of help."""
        return list(SUMMARIES)

    def summary(self, ctx: Any, name: str) -> str:  # noqa: ARG002 - PanelGroup's signature
        """The line of SUMMARIES: no command is imported for it."""
        return SUMMARIES[name]

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """The commands and options that begin with `incomplete`. No command is imported."""
        named = [Word(name, line) for name, line in SUMMARIES.items() if name.startswith(incomplete)]
        return [*named, *super(TyperGroup, self).shell_complete(ctx, incomplete)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - typer's signature
        """Import a command. None if there is none of that name."""
        if cmd_name not in SUMMARIES:
            return None
        module = import_module(f"depthpaint.cli.{cmd_name}")
        app = getattr(module, "app", None)
        if app is None:
            app = new_app()
            app.command(cmd_name, cls=PanelCommand)(getattr(module, cmd_name))
        return get_command(app)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first word names, with the user's own defaults for it."""
        name, command, rest = self._named(ctx, args)
        # Shell completion reads no config file.
        if not ctx.resilient_parsing:
            ctx.default_map = {name: _defaults_of(name, rest)}
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command. An error about a value of the config file names that file."""
        try:
            return super().invoke(ctx)
        except DepthpaintError as error:
            from depthpaint.cli.config import add_origin

            add_origin(error)
            raise

    def _named(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first word names. If it is a depth map, the command is `generate`."""
        word = args[0]
        if word not in SUMMARIES and (word == "-" or Path(word).suffix or Path(word).exists()):
            return DEFAULT, self.get_command(ctx, DEFAULT), args
        if word not in SUMMARIES and not word.startswith("-"):
            near = get_close_matches(word, SUMMARIES, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"There is no command '{word}', and no depth map of that name.{hint}")
        return super().resolve_command(ctx, args)


def _defaults_of(command: str | None, arguments: list[str]) -> dict[str, Any]:
    """The user's own defaults of a command. Help is shown even if the file has errors."""
    if command not in CONFIGURED:
        return {}
    from depthpaint.cli.config import user_config

    try:
        given = user_config().given()
        return {key: given[key] for key in CONFIGURED[command] if key in given}
    except ParameterError:
        if not {"-h", "--help"}.isdisjoint(arguments):
            return {}
        raise
