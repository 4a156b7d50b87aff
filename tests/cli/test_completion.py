"""Shells complete words: commands without an import of any, options, choices and names; never an error."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from depthpaint.cli.commands import SUMMARIES
from depthpaint.models.estimators.registry import ESTIMATORS
from depthpaint.models.stable_diffusion.presets import PRESETS
from depthpaint.sampling.samplers import SAMPLERS

Run = Callable[..., tuple[int, str, str]]
Complete = Callable[..., tuple[int, list[str]]]
PROGRAM = (sys.executable, "-m", "depthpaint")


def bash_variables(*words: str) -> dict[str, str]:
    """What the script for bash sets where the last of `words` is being typed."""
    return {
        "_DEPTHPAINT_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(("depthpaint", *words)),
        "COMP_CWORD": str(len(words)),
    }


def fish_variables(*words: str, action: str = "get-args") -> dict[str, str]:
    """What the script for fish sets."""
    return {
        "_DEPTHPAINT_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": action,
        "_TYPER_COMPLETE_ARGS": " ".join(("depthpaint", *words)),
    }


def run_in_shell(folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The program as a shell runs it; it writes nothing but words."""
    done = subprocess.run(
        PROGRAM, cwd=folder, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done


@pytest.fixture
def complete(cli: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What bash is offered for the last of some words, within this process."""

    def offered(*words: str) -> list[str]:
        for name, value in bash_variables(*words).items():
            monkeypatch.setenv(name, value)
        _, out, err = cli()
        assert err == ""
        return out.splitlines()

    return offered


def test_commands_are_completed_without_an_import_of_any(work: Path) -> None:
    modules = {"numpy", "rich", *(f"depthpaint.cli.{name}" for name in SUMMARIES)}
    code = (
        "import sys; from depthpaint.cli.main import run\nrun([])\n"
        f"sys.stderr.write(','.join({modules - {'depthpaint.cli.completion'}} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **bash_variables("")}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == list(SUMMARIES)
    assert done.stderr == ""


def test_models_are_completed_without_loading_any(work: Path) -> None:
    code = (
        "import sys; from depthpaint.cli.main import run\nrun([])\n"
        "sys.stderr.write(','.join({'onnxruntime', 'torch', 'diffusers'} & set(sys.modules)))"
    )
    variables = bash_variables("generate", "depth.npy", "a", "--model", "d")
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **variables}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["diorama"]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("gen",), ["generate"]),
        (("--ver",), ["--version"]),
        (("generate", "--fi"), ["--fit", "--finish"]),
        (("generate", "depth.npy", "a", "--fit", ""), ["pad", "crop", "stretch"]),
        (("generate", "--fit=c"), ["crop"]),
        (("generate", "depth.npy", "a", "--fit", "=", "c"), ["crop"]),  # as bash splits it
        (("generate", "depth.npy", "a", "--fit", "="), ["pad", "crop", "stretch"]),
        (("generate", "--size", "=", "64x64", "--fit", "=", "c"), ["crop"]),
        (("depth.npy", "a", "--precision", "f"), ["fp32", "fp16"]),
        (("generate", "--sampler", ""), list(SAMPLERS)),
        (("generate", "--model", ""), ["diorama", *PRESETS]),
        (("generate", "--unit", "s"), ["scannet"]),
        (("inspect", "--near", "w"), ["white"]),
        (("verify", "--estimator", ""), list(ESTIMATORS)),
        (("models", ""), ["list", "show", "pull", "verify", "export"]),
        (("models", "show", "diorama-"), ["diorama-depth"]),
        (("study", "as"), ["aspect"]),
        (("study", "aspect", "--ra"), ["--ratios", "--ray"]),
        (("bench", "--vs", "p"), ["pillow"]),
        (("completion", ""), ["bash", "zsh", "fish"]),
        # Files: the shell completes them where nothing is offered.
        (("dep",), []),
        (("generate", "dep"), []),
        (("depth.npy", ""), []),
        (("generate", "--out", ""), []),
        (("nothing-of-that-name", ""), []),
        (("--version", "gen"), ["generate"]),
    ],
)  # fmt: skip
def test_words_are_completed(
    complete: Callable[..., list[str]], words: tuple[str, ...], offered: list[str]
) -> None:
    assert complete(*words) == offered


@pytest.mark.parametrize("command", SUMMARIES)
def test_fish_and_zsh_are_offered_the_options_of_every_command(
    cli: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    for name, value in fish_variables(command, "--").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "20")
    status, out, err = cli()
    assert (status, err) == (0, "")
    assert "--help\tShow this message and exit." in out.splitlines()
    assert all(re.fullmatch(r"--[a-z-]+\t\S.*\S", line) for line in out.splitlines()), "one line each"
    assert os.environ["COLUMNS"] == "20"
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "is-args")
    assert cli() == (0, "", "")
    monkeypatch.setenv("_DEPTHPAINT_COMPLETE", "complete_zsh")
    assert '"--help":"Show this message and exit."' in cli()[1]


def test_fish_completes_files_where_nothing_is_offered(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in fish_variables("generate", "dep", action="is-args").items():
        monkeypatch.setenv(name, value)
    assert cli() == (1, "", "")


@pytest.mark.parametrize(
    "changes",
    [
        {"DEPTHPAINT_CONFIG": "broken.toml"},
        {"_DEPTHPAINT_COMPLETE": "complete_tcsh"},
        {"_DEPTHPAINT_COMPLETE": "bash_complete"},
        {"_DEPTHPAINT_COMPLETE": "xyz"},
        {"COMP_CWORD": "x"},
        {"COMP_WORDS": 'depthpaint\ngenerate\n"a b'},
        {"COMP_WORDS": "depthpaint\nverify\n--min-agreement\nx\n--"},
    ],
    ids=str,
)
def test_nothing_but_words_is_written_whatever_is_wrong(work: Path, changes: dict[str, str]) -> None:
    (work / "broken.toml").write_text("= broken")
    before = sorted(work.rglob("*"))
    done = run_in_shell(work, {**bash_variables("generate", "--fit", "c"), **changes})
    assert done.stdout in ("", "crop\n") or "--help" in done.stdout
    assert ("DEPTHPAINT_CONFIG" in changes) is (done.stdout == "crop\n")
    assert sorted(work.rglob("*")) == before


def test_the_variable_alone_is_no_command_line_to_complete(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is exported by mistake, the program works as ever."""
    import io

    monkeypatch.setenv("_DEPTHPAINT_COMPLETE", "complete_bash")
    monkeypatch.setattr("sys.stdin", io.StringIO("depth.npy\na ball\n"))
    assert cli()[1].startswith("output_images/")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(cli: Run, shell: str) -> None:
    status, out, err = cli("completion", shell)
    assert (status, err) == (0, "")
    assert f"_DEPTHPAINT_COMPLETE=complete_{shell}" in out
    assert "depthpaint completion fish | source" in cli("completion", "--help")[1]
    assert cli("completion", "tcsh")[0] == 2


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_with_the_script(cli: Run, work: Path) -> None:
    (work / "script").write_text(cli("completion", "bash")[1])
    program = work / "bin" / "depthpaint"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m depthpaint "$@"\n')
    program.chmod(0o755)
    lines = (
        "source ./script",
        "complete -p depthpaint",
        "COMP_WORDS=(depthpaint generate depth.npy \"'a ball'\" --fit cr); COMP_CWORD=5",
        "_depthpaint_completion depthpaint",
        'echo "${COMPREPLY[*]}"',
    )
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", "-c", "\n".join(lines)], cwd=work, capture_output=True, text=True,
        env={**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["complete -o default -F _depthpaint_completion depthpaint", "crop"]
