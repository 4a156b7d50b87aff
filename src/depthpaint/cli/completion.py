"""Shell completion: values that an option may have, and the script of `depthpaint completion`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from enum import StrEnum
from io import StringIO
from typing import Annotated, get_args

import typer

from depthpaint.cli.terminal import Terminated, emit_plain

Suggest = Callable[[str], list[str]]


def words(known: Iterable[str]) -> Suggest:
    """A function that returns the words of `known` that begin with the typed text."""
    listed = list(known)

    def matching(incomplete: str) -> list[str]:
        return [word for word in listed if word.startswith(incomplete)]

    return matching


def models(incomplete: str) -> list[str]:
    """Names of models. The shell completes folders and files."""
    from depthpaint.models import registry

    return words(registry.names("model"))(incomplete)


def estimators(incomplete: str) -> list[str]:
    """Names of depth estimators."""
    from depthpaint.models import registry

    return words(registry.names("estimator"))(incomplete)


def all_models(incomplete: str) -> list[str]:
    """Names of models and estimators."""
    return [*models(incomplete), *estimators(incomplete)]


def samplers(incomplete: str) -> list[str]:
    """Names of samplers."""
    from depthpaint.sampling.samplers import SAMPLERS

    return words(SAMPLERS)(incomplete)


def schedules(incomplete: str) -> list[str]:
    """Names of schedules."""
    from depthpaint.sampling.schedule import SCHEDULES

    return words(SCHEDULES)(incomplete)


def devices(incomplete: str) -> list[str]:
    """The words of --device."""
    from depthpaint.models.painter import Device

    return words(get_args(Device))(incomplete)


def precisions(incomplete: str) -> list[str]:
    """The words of --precision."""
    from depthpaint.models.painter import Precision

    return words(get_args(Precision))(incomplete)


FIELDS: dict[str, Suggest] = {
    "model": models,
    "from_photo": estimators,
    "sampler": samplers,
    "schedule": schedules,
}
"""Fields of a request whose possible words are not in their type."""


COMPLETION = "_DEPTHPAINT_COMPLETE"
"""The variable that the shell's script sets when a word is to be completed."""
_LINES = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")
"""Variables with the command line. The script of each shell sets one of them."""
PROGRAM = "depthpaint"


class Shell(StrEnum):
    """Shells with completion."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish.")]) -> None:
    """Print a script with which a shell completes commands, options, choices and model names.

    \b
    Add one line to ~/.bashrc, to ~/.zshrc after compinit, or to config.fish:
      eval "$(depthpaint completion bash)"
      eval "$(depthpaint completion zsh)"
      depthpaint completion fish | source
    """  # fmt: skip
    from typer.completion import get_completion_script  # pyright: ignore[reportPrivateImportUsage]

    emit_plain(get_completion_script(prog_name=PROGRAM, complete_var=COMPLETION, shell=shell.value))


def is_wanted() -> bool:
    """Whether the script of a shell has passed a command line to complete."""
    return any(name in os.environ for name in _LINES)


def answer(app: Callable[..., object]) -> int:
    """Print the completions of the word at the cursor: none if none is known, or if something fails."""
    from typer.completion import completion_init  # pyright: ignore[reportPrivateImportUsage]

    printed, status = StringIO(), 1
    before = dict(os.environ)
    try:
        # The shell would read a wrapped description as several words.
        os.environ.update(_without_equals_signs(), COLUMNS="100000")
        completion_init()
        with redirect_stdout(printed), redirect_stderr(StringIO()):
            app([], prog_name=PROGRAM, complete_var=COMPLETION, standalone_mode=False)
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
        if words := printed.getvalue().rstrip("\n"):
            emit_plain(words)
    except (Exception, KeyboardInterrupt, Terminated):  # noqa: BLE001 - an error would appear in the command that is typed
        return status
    finally:
        os.environ.clear()
        os.environ.update(before)
    return status


def _without_equals_signs() -> dict[str, str]:
    """The words of bash, which splits --fit=crop in three, as if --fit crop had been typed."""
    if "COMP_WORDS" not in os.environ:
        return {}
    words, at = os.environ["COMP_WORDS"].split("\n"), int(os.environ["COMP_CWORD"])
    earlier = [word for word in words[:at] if word != "="]
    return {"COMP_WORDS": "\n".join([*earlier, *words[at:]]), "COMP_CWORD": str(len(earlier))}
