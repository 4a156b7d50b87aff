"""Pictures that are no pictures, records from elsewhere, and names of any bytes, through the commands."""

from __future__ import annotations

import json
import os
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from depthpaint.core.geometry import Extent
from depthpaint.record.encode import RECORD_KEY, encode_png
from fake_painter import FakePainter
from painted import pixels_of

Run = Callable[..., tuple[int, str, str]]

COMMANDS = [("verify",), ("replay",), ("verify", "--depth", "depth.npy")]
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such files")


def painted(cli: Run, *flags: object) -> Path:
    status, out, err = cli("generate", "depth.npy", "a room", "-q", *flags)
    assert status == 0, err
    return Path(out.strip())


def with_record(picture: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A copy of a painted picture whose record was changed by hand."""
    with Image.open(picture) as image:
        record: dict[str, Any] = json.loads(image.info[RECORD_KEY])
        pixels = np.asarray(image)
    change(record)
    target.write_bytes(encode_png(pixels, {RECORD_KEY: json.dumps(record)}))
    return target


def bomb(path: Path, side: int = 50_000) -> Path:
    """A PNG whose header has a huge size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [header, b"IDAT" + zlib.compress(bytes(1000)), b"IEND"]
    body = b"".join(struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("name", "words"), [
    ("missing.png", "there is no such file"), ("fifo.png", "it is a pipe"), ("/dev/zero", "it is a device"),
    ("/dev/null", "it is a device"), ("sparse.png", "too large"), ("folder/x.png/y.png", "not a directory"),
    ("broken.png", "there is no such file"), ("x" * 300 + ".png", "file name too long"),
])  # fmt: skip
@linux
def test_what_is_no_picture_is_named_at_once(
    cli: Run, work: Path, command: tuple[str, ...], name: str, words: str
) -> None:
    os.mkfifo("fifo.png")
    Path("folder").mkdir()
    Path("folder/x.png").write_bytes(b"")
    Path("broken.png").symlink_to("nowhere")
    with Path("sparse.png").open("wb") as file:
        file.truncate(1 << 40)
    status, out, err = cli(command[0], name, *command[1:])
    assert (status, out) == (3, "")
    assert words in err
    assert "damaged" not in err
    assert err.count("\n") == 1


@linux
def test_a_file_without_permission(cli: Run, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = painted(cli)
    opened = os.open

    def refuse(path: Any, *rest: Any, **more: Any) -> int:
        if str(path).endswith(picture.name):
            raise PermissionError(13, "Permission denied")
        return opened(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    for command in ("verify", "replay"):
        status, _, err = cli(command, picture)
        assert status == 3
        assert "permission denied" in err
    status, _, err = cli("report", "output_images")
    assert status == 3
    assert "permission denied" in err


@pytest.mark.full
@linux
def test_odd_files_in_a_folder_stop_nothing(cli: Run, work: Path) -> None:
    picture = painted(cli)
    folder = picture.parent
    os.mkfifo(folder / "fifo.png")
    (folder / "broken.png").symlink_to("nowhere")
    (folder / "folder.png").mkdir()
    bomb(folder / "bomb.png")
    with_record(picture, folder / "zero.png", lambda record: record["plan"].update(output_size=[5, 0]))
    status, out, err = cli("verify", folder, "--estimator", "fake")
    assert status == 4
    assert out.count("\n") == 1, "the sound picture is verified"
    assert all(name in err for name in ("fifo.png", "broken.png", "zero.png"))
    assert "bomb.png" not in err, "it holds no record"
    status, _, err = cli("report", folder)
    assert status == 0
    assert "warning: output_images/zero.png is left out" in err
    assert "warning: output_images/fifo.png is left out" in err
    page = Path("output_images/report.html").read_text(encoding="utf-8")
    assert "1 picture by" in page
    assert "fifo.png" in page


def test_a_huge_picture_is_refused_by_its_header(cli: Run, work: Path) -> None:
    for side in (8193, 50_000):
        status, _, err = cli("verify", bomb(work / "bomb.png", side), "--depth", "depth.npy")
        assert status == 3
        assert "too large" in err


def test_a_record_of_another_size_is_not_painted(cli: Run, work: Path, painter: FakePainter) -> None:
    picture = painted(cli, "--size", "64x48")

    def huge(record: dict[str, Any]) -> None:
        record["settings"]["size"] = record["plan"]["output_size"] = [8192, 8192]

    lying = with_record(picture, work / "huge.png", huge)
    painter.calls.clear()
    status, _, err = cli("replay", lying)
    assert status == 3
    assert "huge.png is 64x48, but its record is of a picture of 8192x8192" in err
    assert not painter.calls


@pytest.mark.full
def test_a_long_prompt_is_refused_wherever_it_stands(cli: Run, work: Path, painter: FakePainter) -> None:
    picture = painted(cli)
    painter.calls.clear()
    for section, field in (("settings", "prompt"), ("plan", "heard"), ("settings", "negative_prompt")):
        for length in (20_000, 2_000_000):
            lying = with_record(
                picture,
                work / "long.png",
                lambda record, s=section, f=field, n=length: record[s].update({f: "a " * (n // 2)}),
            )
            status, _, err = cli("replay", lying)
            assert status == 3
            assert "damaged" in err
            assert len(err) < 500
    assert not painter.calls
    status, _, err = cli("generate", "depth.npy", "a " * 5_000_000)
    assert status == 2
    assert "10,000 characters" in err


@linux
@pytest.mark.parametrize("name", ["/proc/self/status", "/proc/self/mem", "/proc/self/pagemap"])
def test_files_of_the_kernel_are_refused(cli: Run, work: Path, name: str) -> None:
    Path("rows.csv").write_text(f"depth,prompt\n{name},a room\n")
    for arguments in (
        ("verify", name), ("verify", name, "--depth", "depth.npy"), ("replay", name), ("inspect", name),
        ("generate", name, "a room"), ("batch", "rows.csv", "--out", "pictures"),
    ):  # fmt: skip
        status, out, err = cli(*arguments)
        assert status in (2, 3, 4), (arguments, err)
        assert "internal" not in err
        assert len(out + err) < 3000
    assert not list(Path().glob("*/*.png"))


@pytest.mark.full
@linux
def test_a_depth_file_of_any_name_is_found_again(cli: Run, work: Path) -> None:
    for number, raw in enumerate((b"map-\xff.npy", b"new\nline.npy", b"it's \\udcff.npy")):
        name = os.fsdecode(raw)
        Path("depth.npy").rename(name)
        status, out, err = cli("generate", name, "a room", "--name", f"p{number}", "-q", "--sidecar")
        assert status == 0, err
        status, out, err = cli("replay", f"output_images/p{number}.png")
        assert (status, "bit-equal" in out) == (0, True), err
        assert cli("verify", f"output_images/p{number}.png", "--estimator", "fake")[0] == 0
        Path(f"list{number}").mkdir()
        Path(name).rename(Path(f"list{number}", name))
        status, out, err = cli("verify", f"output_images/p{number}.png", "--depth", f"list{number}")
        assert status == 0, err
        Path(f"list{number}", name).rename("depth.npy")
    assert cli("report", "output_images", "--html")[0] == 0
    page = Path("output_images/report.html").read_text(encoding="utf-8")
    assert "$&#39;../map-\\xff.npy&#39;" in page
    assert page.isascii() or page.encode()


@linux
def test_a_batch_takes_a_depth_file_of_any_name(cli: Run, work: Path) -> None:
    """JSON writes such a byte as half a character; in a folder the pair is refused by its number."""
    Path("pairs").mkdir()
    Path("depth.npy").rename(Path("pairs", os.fsdecode(b"map-\xff.npy")))
    Path("rows.jsonl").write_text('{"depth": "pairs/map-\\udcff.npy", "prompt": "a room"}\n')
    status, out, err = cli("batch", "rows.jsonl", "--out", "out")
    assert status == 0, err
    assert "bit-equal" in cli("replay", out.strip())[1]
    assert cli("batch", "rows.jsonl", "--out", "out")[1] == "", "it is known again"
    Path("out/records.jsonl").unlink()
    assert cli("batch", "rows.jsonl", "--out", "out")[0] == 0
    Path("pairs", os.fsdecode(b"map-\xff.txt")).write_text("a room")
    status, _, err = cli("batch", "pairs", "--out", "out")
    assert status in (2, 8)
    assert "pair 1" in err
    Path("rows.jsonl").write_text('{"depth": "\\ud800.npy", "prompt": "a room"}\n')
    assert cli("batch", "rows.jsonl", "--out", "out")[0] == 2


@linux
def test_a_picture_of_any_name_is_one_line(cli: Run, work: Path) -> None:
    picture = painted(cli)
    odd = picture.with_name(os.fsdecode(b"\xff\nforged: bit-equal.png"))
    picture.rename(odd)
    status, out, _ = cli("replay", odd)
    assert status == 0
    assert out.count("\n") == 1
    status, out, _ = cli("verify", odd, "--estimator", "fake")
    assert (status, out.count("\n")) == (0, 1)
    assert cli("report", "output_images", "--html", "--pdf")[0] == 0


OUTPUTS = [
    ("inspect", "depth.npy", "--as", "{}/deep/out.npy"), ("report", "output_images", "--out", "{}/deep"),
    ("verify", "output_images", "--estimator", "fake", "--maps", "{}/deep"),
    ("replay", "{picture}", "--out", "{}/deep"),
    ("study", "strength", "depth.npy", "a room", "--out", "{}/deep"),
    ("study", "aspect", "depth.npy", "a room", "--out", "{}/deep"),
    ("study", "latency", "depth.npy", "a room", "--out", "{}/deep"),
]  # fmt: skip


@pytest.mark.parametrize("command", OUTPUTS, ids=lambda command: " ".join(command[:2]))
@pytest.mark.parametrize("place", ["a-file", "/proc/self/none"])
@linux
def test_a_place_that_cannot_be_written_is_a_typed_error(
    cli: Run, work: Path, painter: FakePainter, command: tuple[str, ...], place: str
) -> None:
    picture = painted(cli)
    Path("a-file").write_text("mine")
    painter.calls.clear()
    status, _, err = cli(*(part.format(place, picture=picture) for part in command))
    assert status == 6, err
    assert err.count("\n") == 1
    assert Path("a-file").read_text() == "mine"
    assert not painter.calls, "refused before anything is painted"


@pytest.mark.parametrize("kind", ["strength", "aspect"])
def test_a_file_in_the_place_of_a_studys_folder(cli: Run, work: Path, kind: str) -> None:
    Path("out").mkdir()
    Path("out", "pictures" if kind == "strength" else "depths").write_text("mine")
    status, _, err = cli("study", kind, "depth.npy", "a room", "--out", "out", "--seeds", 2, "-q")
    assert status == 6, err
    assert err.count("\n") == 1


def test_a_bad_picture_stops_no_other(cli: Run, work: Path) -> None:
    good = painted(cli)
    Image.fromarray(pixels_of(1, Extent(20, 20))).save("s.png")
    for command in ("replay", "verify"):
        flags = ("--estimator", "fake") if command == "verify" else ()
        status, out, err = cli(command, "missing.png", "s.png", good, *flags)
        assert status == 4
        assert out.count("\n") == 1
        assert all(name in err for name in ("missing.png", "s.png"))


@pytest.mark.full
@pytest.mark.parametrize(
    "arguments",
    [
        ("replay", "one.png", "--depth", "-"),
        ("replay", "one.png", "two.png", "--depth", "-"),
        ("verify", "one.png", "two.png", "--depth", "-", "--estimator", "fake"),
        ("generate", "-", "a room", "--best-of", 2, "--verify-with", "fake"),
        ("generate", "-", "a room", "--verify", "--verify-with", "fake"),
    ],
)
def test_standard_input_serves_every_reading_of_the_map(
    cli: Run, work: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[object, ...]
) -> None:
    for name in ("one", "two"):
        assert cli("generate", "depth.npy", "a room", "--name", name, "--out", ".", "-q")[0] == 0
    with (work / "depth.npy").open("rb") as stream:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=stream, isatty=lambda: False))
        status, out, err = cli(*arguments)
    assert status == 0, err
    assert out
    assert "empty" not in err
