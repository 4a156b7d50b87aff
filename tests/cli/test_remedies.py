"""A remedy names flags of the command that was called, or says what takes their place."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.main import get_command

from depthpaint.cli.commands import SUMMARIES
from depthpaint.cli.main import app
from depthpaint.cli.remedies import Running, field_of, for_command, run_as
from depthpaint.core.errors import DepthpaintError, ErrorCode

Run = Callable[..., tuple[int, str, str]]
SOURCE = Path(__file__).parents[2] / "src" / "depthpaint"
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
READERS = ("generate", "inspect", "verify", "batch", "replay")


def command_of(name: str) -> Any:
    commands: Any = get_command(app)
    return commands.get_command(None, name)


def flags_of(name: str) -> frozenset[str]:
    """The flags of a command."""
    command = command_of(name)
    return frozenset(flag for each in command.params for flag in (*each.opts, *each.secondary_opts))


def named_flags() -> list[str]:
    """The settings' flags that the readers of depth maps name anywhere."""
    texts = [path.read_text() for part in ("depth", "formats") for path in (SOURCE / part).glob("*.py")]
    return sorted({flag for text in texts for flag in FLAG.findall(text) if field_of(flag)})


@pytest.mark.parametrize("command", READERS)
def test_every_flag_that_an_error_may_name_exists_or_is_replaced(command: str) -> None:
    running = Running(f"depthpaint {command}", flags_of(command))
    assert {"--near", "--allow-constant", "--max-pixels"} <= set(named_flags())
    for flag in named_flags():
        error = DepthpaintError("x", code=ErrorCode.DEPTH_CONSTANT, remedy=f"do it with {flag}")

        def fail(raised: DepthpaintError = error) -> None:
            for_command(raised)  # as commands do that print an error themselves
            raise raised

        with pytest.raises(DepthpaintError):
            run_as(running, fail)
        hints = error.remedy.removeprefix(f"do it with {flag}")
        if flag in running.flags:
            assert hints == ""
        elif "--set" in running.flags:
            assert hints == f"; here as --set {field_of(flag)}=VALUE"
        else:
            assert hints == f"; {flag}: a flag of depthpaint generate, which depthpaint {command} lacks"


@pytest.mark.parametrize("command", ["inspect", "generate", "verify"])
def test_commands_that_read_any_map_have_the_flags_for_it(command: str) -> None:
    assert set(named_flags()) - flags_of(command) <= ({"--from-photo"} if command == "verify" else set())


def test_every_command_knows_its_flags() -> None:
    for name in SUMMARIES:
        command = command_of(name)
        groups = getattr(command, "commands", {"": command}).values()
        assert all(type(each).__name__ == "PanelCommand" for each in groups), name


@pytest.mark.parametrize(
    ("name", "flags"),
    [("flat.npy", ["--allow-constant"]), ("noise.npy", ["--near", "white"]),
     ("film.npy", ["--frame-index", "0"]), ("two.npz", ["--part", "a"])],
)  # fmt: skip
def test_following_the_remedy_helps(cli: Run, work: Path, name: str, flags: list[str]) -> None:
    ramp = np.load("depth.npy")
    np.save("flat.npy", np.full((96, 128), 0.5, np.float32))
    np.save("noise.npy", np.random.default_rng(0).random((64, 64), np.float32))
    np.save("film.npy", np.stack([ramp, ramp * 2, ramp * 3, ramp * 4, ramp * 5]))
    np.savez("two.npz", a=ramp, b=ramp * 2 + ramp**2)
    picture = cli("generate", "depth.npy", "p", "--steps", 2, "-q")[1].strip()
    for command in (
        ("inspect", name), ("generate", name, "p", "--steps", 2),
        ("verify", picture, "--depth", name, "--estimator", "fake"),
    ):  # fmt: skip
        status, out, err = cli(*command)
        assert status == 3, command
        assert flags[0] in out + err
        assert cli(*command, *flags)[0] == 0
    (work / "rows.csv").write_text(f"depth,prompt\n{name},p\n")
    status, out, err = cli("batch", "rows.csv", "--out", "batch")
    assert status == 4
    assert flags[0] in err
    assert cli("batch", "rows.csv", "--out", "batch", "--steps", 2, *flags)[0] == 0


def test_a_place_that_cannot_be_written_is_named_by_the_flag_of_the_command(cli: Run, work: Path) -> None:
    (work / "file").write_bytes(b"")
    status, out, err = cli("inspect", "depth.npy", "--as", "file/below/x.npy")
    assert status == 6
    assert "--as" in out + err
    assert "--out" not in out + err
