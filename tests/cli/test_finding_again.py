"""The depth map of a picture is found from any folder, and after both moved together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from depthpaint.record.picture_file import read_record

Run = Callable[..., tuple[int, str, str]]
SIZE = ("--size", "32x48", "--steps", "2")


def is_found(cli: Run, picture: Path) -> bool:
    """Whether the commands that need the depth map of a picture find it."""
    ends = [
        cli("replay", picture)[0],
        cli("verify", picture, "--estimator", "fake")[0],
        cli("report", picture.parent, "--out", picture.parent / "report.html")[0],
    ]
    assert ends in ([0, 0, 0], [3, 3, 0])
    return ends[0] == 0


@pytest.mark.parametrize("command", ["generate", "batch"])
@pytest.mark.full
def test_from_another_folder_and_after_a_move(
    cli: Run, work: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (work / "project/maps").mkdir(parents=True)
    (work / "depth.npy").rename(work / "project/maps/depth.npy")
    (work / "project/maps/rows.csv").write_text("depth,prompt\ndepth.npy,a ball\n")
    monkeypatch.chdir(work / "project")
    subject = ["maps/depth.npy", "a ball", *SIZE] if command == "generate" else ["maps/rows.csv"]
    status, out, _ = cli(command, *subject, "--out", "pictures")
    assert status == 0
    picture = work / "project" / out.strip()
    assert read_record(picture).depth.file == "../maps/depth.npy"
    (work / "elsewhere").mkdir()
    monkeypatch.chdir(work / "elsewhere")
    assert is_found(cli, picture)
    (work / "project").rename(work / "archive")
    assert is_found(cli, work / "archive" / out.strip())
    (work / "archive/maps").rename(work / "archive/other")
    assert not is_found(cli, work / "archive" / out.strip())
