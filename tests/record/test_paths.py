"""Names of files that are not UTF-8, or hold control characters, come back from a record."""

from __future__ import annotations

import os
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from depthpaint.record.paths import depth_for_record, path_as_text, path_from_text
from depthpaint.record.picture_file import read_record
from depthpaint.record.picture_source import recorded_depth
from depthpaint.record.result import save_picture
from painted import result_of, source

NAMES = [
    b"map-\xff.png", b"\xc3\x28\xa0.npy", b"map.p\xe9g", b"new\nline.png", b"\x1b]0;title\x07.png", 
    b"a\tb.png",
    unicodedata.normalize("NFD", "Größe.png").encode(), unicodedata.normalize("NFC", "Größe.png").encode(),
    b"a:b.png", rb"..\d.png", rb"\d.png", b"c:",
    b"back\\slash.png", rb"map-\udcff.png", rb"map-\udc5c.png", rb"\udc5cudcff.png", b"50%25.png",
    b"x" * 251 + b".png",
    b"\xff" * 251 + b".png", "\u202egnp.exe".encode(), "猫.png".encode(),
]  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
@pytest.mark.parametrize("raw", NAMES, ids=range(len(NAMES)))
def test_any_name_comes_back_from_a_picture(
    raw: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(raw)
    Path("maps").mkdir()
    Path("maps", name).write_bytes(b"content")
    digest = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
    depth = replace(source(str(tmp_path / "maps" / name)), sha256=digest)
    saved = save_picture(replace(result_of(), depth=depth), 0, tmp_path / "pictures")
    record = read_record(saved.path)
    assert record.depth.file.encode()
    assert os.fsencode(path_from_text(record.depth.file)) == b"../maps/" + raw
    assert recorded_depth(record, saved.path) == Path("maps", name)
    assert recorded_depth(record, saved.path, Path("maps")) == Path("maps", name)


@pytest.mark.parametrize("raw", NAMES, ids=range(len(NAMES)))
def test_two_names_are_never_written_alike(raw: bytes) -> None:
    name = os.fsdecode(raw)
    assert path_from_text(path_as_text(name)) == name
    assert path_as_text(path_as_text(name)) == path_as_text(name) or "\\udc" in path_as_text(name)


@pytest.mark.skipif(os.name == "nt", reason="folders of POSIX systems")
def test_the_home_folder_of_another_user_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/alice"))
    hidden = Path("/home/bob/secret/d.png")
    assert depth_for_record(hidden, Path("/home/alice/pictures")) == "d.png"
    assert depth_for_record(hidden, Path("/home")) == "d.png"
    assert depth_for_record(hidden, Path("/home/bob/pictures")) == "../secret/d.png"
    assert depth_for_record(Path("/home/alice/maps/d.png"), Path("/home/alice")) == "maps/d.png"


@pytest.mark.skipif(os.name == "nt", reason="folders of POSIX systems")
def test_a_user_without_a_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    assert depth_for_record(Path("/srv/maps/d.png"), Path("/srv/pictures")) == "../maps/d.png"
