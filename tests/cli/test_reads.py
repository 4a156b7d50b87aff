"""A depth file is decoded and understood once, whatever a command does with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from depthpaint.depth import read

Run = Callable[..., tuple[int, str, str]]
PAINT = ("generate", "depth.npy", "a room", "--near", "white", "--steps", 2)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The name of each depth file that is decoded."""
    names: list[str] = []
    decode = read.decode

    def counted(name: str, *values: object) -> object:
        names.append(Path(name).name)
        return decode(name, *values)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(read, "decode", counted)
    return names


@pytest.mark.parametrize(
    "more", [("--count", 3), ("--best-of", 3), ("--min-agreement", 0.999, "--tries", 3), ("--verify",)]
)
def test_generate_reads_once(cli: Run, reads: list[str], more: tuple[object, ...]) -> None:
    assert cli(*PAINT, *more)[0] in (0, 4)
    assert reads == ["depth.npy"]


@pytest.mark.parametrize("command", [("verify",), ("replay",), ("replay", "--depth", "depth.npy")])
def test_a_painted_picture_reads_its_map_once(cli: Run, reads: list[str], command: tuple[str, ...]) -> None:
    picture = cli(*PAINT)[1].strip()
    reads.clear()
    assert cli(command[0], picture, *command[1:])[0] == 0
    assert reads == ["depth.npy"]


def test_rows_of_one_map_read_it_once(cli: Run, reads: list[str], work: Path) -> None:
    rows = [f'{{"depth": "depth.npy", "prompt": "room {k}", "near": "white", "seed": {k}}}' for k in range(4)]
    (work / "rows.jsonl").write_text("\n".join(rows) + "\n")
    status, _, err = cli("batch", "rows.jsonl", "--out", "out", "--set", "num_inference_steps=2")
    assert status == 0, err
    assert reads == ["depth.npy"]


@pytest.mark.full
def test_a_study_reads_its_map_once(cli: Run, reads: list[str]) -> None:
    status, _, err = cli(
        "study", "strength", "depth.npy", "a room", "--seeds", 2, "--set", "near=white",
        "--set", "num_inference_steps=2", "--out", "study",
    )  # fmt: skip
    assert status == 0, err
    assert reads == ["depth.npy"]
