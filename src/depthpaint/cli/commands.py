"""The commands by name: imported when they are called, with help pages in panels."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

SUMMARIES = {
    "generate": "Paint a picture that obeys a depth map and a prompt. DEPTH PROMPT alone does the same.",
    "inspect": "Show what a depth file holds, how sure that is, and what will be done with it.",
    "batch": "Paint every row of a manifest, or every depth map of a folder.",
    "verify": "Estimate a picture's depth and compare it with the depth map.",
    "replay": "Paint a picture again from its own record, and compare.",
    "report": "Collect the pictures of a folder in one HTML page or PDF.",
    "study": "Measure what the aspect ratio, the control strength or speed settings do, with error bars.",
    "bench": "Measure what a picture costs in time, beside other programs.",
    "models": "List, show, download, verify and export models.",
    "doctor": "Show what works in this environment, what is missing, and how to get it.",
}
"""One line a command, so that `depthpaint --help` need not import any."""
DEFAULT = "generate"
PANEL = "Options"


class PanelCommand(TyperCommand):
    """A command whose help lists its options under the headings of their panels."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments first, then each panel in the order of its first option."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx)
            if row is None:
                continue
            argument = parameter.param_type_name == "argument"
            panel = getattr(parameter, "rich_help_panel", None) or ("Arguments" if argument else PANEL)
            panels.setdefault(panel, []).append(row)
        for title in sorted(panels, key=lambda title: title == PANEL):
            with formatter.section(title):
                formatter.write_dl(panels[title])


class PanelGroup(TyperGroup):
    """A group of commands whose summaries are wrapped, never cut."""

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
    """An app with plain help; its errors are raised, and shell completion is not offered."""
    return typer.Typer(
        cls=cls, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False, **more
    )


class Commands(PanelGroup):
    """The commands of `depthpaint`."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature
        """Their names, in the order of help."""
        return list(SUMMARIES)

    def summary(self, ctx: Any, name: str) -> str:  # noqa: ARG002 - PanelGroup's signature
        """The line of SUMMARIES: no command is imported for it."""
        return SUMMARIES[name]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - typer's signature
        """Import a command. None where there is none of that name."""
        if cmd_name not in SUMMARIES:
            return None
        module = import_module(f"depthpaint.cli.{cmd_name}")
        app = getattr(module, "app", None)
        if app is None:
            app = new_app()
            app.command(cmd_name, cls=PanelCommand)(getattr(module, cmd_name))
        return get_command(app)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first word names; a depth map in its place means `generate`."""
        word = args[0]
        if word not in SUMMARIES and (word == "-" or Path(word).suffix or Path(word).exists()):
            return DEFAULT, self.get_command(ctx, DEFAULT), args
        if word not in SUMMARIES and not word.startswith("-"):
            near = get_close_matches(word, SUMMARIES, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"There is no command '{word}', and no depth map of that name.{hint}")
        return super().resolve_command(ctx, args)
