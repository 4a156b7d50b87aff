"""`models export`: whole or not there, and every failure of the disk is typed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from depthpaint.cli.main import run
from depthpaint.models.diorama import export as exporting


def export(target: Path) -> int:
    return run(["models", "export", "diorama", str(target)])


def test_it_is_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    assert export(tmp_path / "new") == 0
    (tmp_path / "empty").mkdir()
    assert export(tmp_path / "empty") == 0
    names = [sorted(file.name for file in (tmp_path / name).iterdir()) for name in ("new", "empty")]
    assert names[0] == names[1] == sorted(["README.md", "model_index.json", *exporting.MODULES])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["empty", "new"]
    assert export(tmp_path / "new") == 8, "a folder with files is left alone"


@pytest.mark.parametrize("there", [False, True], ids=["new", "an empty folder"])
@pytest.mark.parametrize("part", ["model_index.json", "unet", "tokenizer_config.json"])
def test_half_an_export_is_not_left_behind(
    tmp_path: Path, there: bool, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if there:
        (tmp_path / "target").mkdir()
    real = Path.write_bytes, Path.write_text

    def full(path: Path, *arguments: object, **options: object) -> int:
        if part in (path.name, path.parent.name):
            raise OSError(28, "No space left on device")
        kind = real[0] if isinstance(arguments[0], bytes) else real[1]
        return kind(path, *arguments, **options)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(Path, "write_text", full)
    assert export(tmp_path / "target") == 6
    assert [str(file) for file in tmp_path.rglob("*") if file.is_file()] == []
    assert sorted(file.name for file in tmp_path.iterdir()) == (["target"] if there else [])


@pytest.mark.skipif(sys.platform != "linux", reason="a file system of its own is mounted on Linux alone")
def test_a_disk_that_is_really_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here: it takes root, and CAP_SYS_ADMIN")
    try:
        for target in (disk, disk / "new"):
            assert export(target) == 6
            assert "free some space" in capsys.readouterr().err
            assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=False)


def test_where_nothing_may_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    for target in (tmp_path / "file" / "below", Path("/proc/nothing/here"), tmp_path / ("x" * 300)):
        assert export(target) == 6
        assert "cannot write" in capsys.readouterr().err
    if os.name == "posix":
        assert export(Path("/dev/null")) == 8
