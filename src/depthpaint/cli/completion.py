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
    """Those of `known` that begin as what was typed."""
    listed = list(known)

    def begun(incomplete: str) -> list[str]:
        return [word for word in listed if word.startswith(incomplete)]

    return begun


def models(incomplete: str) -> list[str]:
    """Names of models; a folder or a file is completed by the shell."""
    from depthpaint.models.registry import MODELS
    from depthpaint.models.stable_diffusion.presets import PRESETS

    return words([*MODELS, *PRESETS])(incomplete)


def estimators(incomplete: str) -> list[str]:
    """Names of depth estimators."""
    from depthpaint.models.estimators.registry import ESTIMATORS

    return words(ESTIMATORS)(incomplete)


def all_models(incomplete: str) -> list[str]:
    """Names of models and of estimators."""
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
"""Fields of a request whose words are not in their type."""


COMPLETION = "_DEPTHPAINT_COMPLETE"
"""The variable that a shell's script sets to have a word completed."""
_LINES = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")
"""Variables in which a script hands over the command line: one of them is set by each."""
PROGRAM = "depthpaint"


class Shell(StrEnum):
    """Shells whose words can be completed."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="The shell that is to complete words.")]) -> None:
    """Print the script that completes commands, options, choices and model names in a shell.

    \b
    Install it with one line, in ~/.bashrc, in ~/.zshrc behind compinit, or in config.fish:
      eval "$(depthpaint completion bash)"
      eval "$(depthpaint completion zsh)"
      depthpaint completion fish | source
    """  # fmt: skip
    from typer.completion import get_completion_script  # pyright: ignore[reportPrivateImportUsage]

    emit_plain(get_completion_script(prog_name=PROGRAM, complete_var=COMPLETION, shell=shell.value))


def is_wanted() -> bool:
    """Whether a shell's script has handed over a command line to complete."""
    return any(name in os.environ for name in _LINES)


def answer(app: Callable[..., object]) -> int:
    """Print how the word at the cursor can go on; nothing where nothing is known, or something fails."""
    from typer.completion import completion_init  # pyright: ignore[reportPrivateImportUsage]

    printed, status = StringIO(), 1
    before = dict(os.environ)
    try:
        # A description that were wrapped would be several words for the shell.
        os.environ.update(_without_equals_signs(), COLUMNS="100000")
        completion_init()
        with redirect_stdout(printed), redirect_stderr(StringIO()):
            app([], prog_name=PROGRAM, complete_var=COMPLETION, standalone_mode=False)
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
        if words := printed.getvalue().rstrip("\n"):
            emit_plain(words)
    except (Exception, KeyboardInterrupt, Terminated):  # noqa: BLE001 - no error in the middle of a command
        return status
    finally:
        os.environ.clear()
        os.environ.update(before)
    return status


def _without_equals_signs() -> dict[str, str]:
    """What bash hands over, where --fit=crop is three words, as if it were --fit crop."""
    if "COMP_WORDS" not in os.environ:
        return {}
    words, at = os.environ["COMP_WORDS"].split("\n"), int(os.environ["COMP_CWORD"])
    earlier = [word for word in words[:at] if word != "="]
    return {"COMP_WORDS": "\n".join([*earlier, *words[at:]]), "COMP_CWORD": str(len(earlier))}
