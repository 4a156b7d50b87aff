"""A dry run finds what the run itself would refuse, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from depthpaint.cli.main import run

GOOD: dict[str, object] = {"depth": "depth.npy", "prompt": "a red ball", "size": "64x64"}
Setup = Callable[[], None]


def write_rows(path: str, row: dict[str, object]) -> str:
    Path(path).write_text(json.dumps(row) + "\n")
    return path


def nothing() -> None:
    pass


def a_stranger() -> None:
    Path("out").mkdir()
    Path("out/mine.png").write_bytes(b"holiday")


def an_edited_picture() -> None:
    write_rows("before.jsonl", GOOD | {"name": "mine"})
    assert run(["batch", "before.jsonl", "--out", "out", "-q"]) == 0
    picture = Path("out/mine.png")
    picture.write_bytes(picture.read_bytes().replace(b"depthpaint-job", b"another-key---"))


ROWS: dict[str, tuple[dict[str, object], Setup, list[str], str]] = {
    "weights": ({"model": "sd15"}, nothing, [], "offline_missing"),
    "model": ({"model": "some/where"}, nothing, [], "offline_missing"),
    "LoRA": ({"model": "sd15", "lora": "gone.safetensors"}, nothing, [], "offline_missing"),
    "estimator": ({"from_photo": "nosuch"}, nothing, [], "model_not_found"),
    "judge": ({}, nothing, ["--verify-with", "nosuch"], "model_not_found"),
    "stranger": ({"name": "mine"}, a_stranger, [], "output_exists"),
    "edited": ({"name": "mine", "seed": 9}, an_edited_picture, [], "output_exists"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_batch_finds_without_painting_what_rows_would_fail_with(
    work: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """The codes are those of the batch itself."""
    from PIL import Image

    values, setup, flags, code = ROWS[name]
    Image.new("RGB", (64, 64), (90, 120, 40)).save("photo.png")
    setup()
    row = GOOD | values | ({"depth": "photo.png"} if "from_photo" in values else {})
    manifest = write_rows("m.jsonl", row)
    capsys.readouterr()

    def failures(*more: str) -> list[tuple[int, str]]:
        assert run(["batch", manifest, "--out", "out", "--json", *flags, *more]) != 0
        document = json.loads(capsys.readouterr().out)
        return [(failed["line"], failed["code"]) for failed in document["failures"]]

    before = {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}
    assert failures("--dry-run") == [(1, code)]
    assert {path: path.read_bytes() for path in work.rglob("*") if path.is_file()} == before
    assert failures("--keep-going") == [(1, code)]


def test_a_batch_finds_a_damaged_ledger(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = write_rows("m.jsonl", GOOD)
    command = ["batch", manifest, "--out", "out"]
    assert run(command) == 0
    ledger = Path("out/records.jsonl")
    whole = ledger.read_bytes()
    ledger.write_bytes(whole + b"{}\n")
    assert run([*command, "--dry-run"]) == 3
    assert "--rebuild-ledger" in capsys.readouterr().err
    assert run(command) == 3
    assert run([*command, "--dry-run", "--rebuild-ledger"]) == 0
    # A last line that was cut is completed by the next run.
    ledger.write_bytes(whole[:-50])
    assert run([*command, "--dry-run"]) == 0
    assert ledger.read_bytes() == whole[:-50]


def test_a_batch_finds_a_folder_that_cannot_be_written(work: Path) -> None:
    Path("file").write_text("x")
    command = ["batch", write_rows("m.jsonl", GOOD), "--out", "file/out"]
    assert run([*command, "--dry-run"]) == run(command) == 6
