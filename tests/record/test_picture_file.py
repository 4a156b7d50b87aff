from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.record import picture_file
from depthpaint.record.paths import checked_name
from depthpaint.record.picture_file import read_record
from depthpaint.record.result import save_picture
from depthpaint.record.run_record import RunRecord, pixels_sha256
from painted import result_of


def test_saves_the_picture_with_its_record(tmp_path: Path) -> None:
    result = result_of(seed=3, count=2, size="40x30")
    saved = save_picture(result, 1, tmp_path / "new" / "folder", sidecar=True)
    assert saved.path == tmp_path / "new" / "folder" / "a-red-ball-on-a-green-floor-4.png"
    assert (saved.seed, saved.width, saved.height) == (4, 40, 30)
    with Image.open(saved.path) as image:
        pixels = np.asarray(image)
    assert np.array_equal(pixels, result.pictures[1].pixels)
    assert saved.sha256 == pixels_sha256(pixels) == saved.record.digests.picture
    assert read_record(saved.path) == saved.record
    assert RunRecord.from_json(saved.path.with_suffix(".json").read_text()) == saved.record
    assert len(list(saved.path.parent.iterdir())) == 2


def test_never_overwrites_unasked(tmp_path: Path) -> None:
    result = result_of()
    first = save_picture(result, 0, tmp_path)
    before = hashlib.sha256(first.path.read_bytes()).hexdigest()
    second = save_picture(result, 0, tmp_path)
    assert second.path.name == "a-red-ball-on-a-green-floor-12345-2.png"
    with pytest.raises(OutputError) as caught:
        save_picture(result_of(seed=1), 0, tmp_path, name=first.path.name)
    assert caught.value.code is ErrorCode.OUTPUT_EXISTS
    assert hashlib.sha256(first.path.read_bytes()).hexdigest() == before
    assert len(list(tmp_path.iterdir())) == 2


def test_overwrites_when_asked(tmp_path: Path) -> None:
    save_picture(result_of(seed=1), 0, tmp_path, name="p")
    save_picture(result_of(seed=2), 0, tmp_path, name="p", overwrite=True)
    save_picture(result_of(seed=9), 0, tmp_path)
    saved = save_picture(result_of(seed=9, guidance_scale=5), 0, tmp_path, overwrite=True)
    assert read_record(tmp_path / "p.png").settings.seed == 2
    assert read_record(saved.path).settings.guidance_scale == 5
    assert saved.path.name == "a-red-ball-on-a-green-floor-9.png"


def test_a_link_that_leads_nowhere_holds_its_name(tmp_path: Path) -> None:
    link = tmp_path / "a-red-ball-on-a-green-floor-12345.png"
    link.symlink_to(tmp_path / "elsewhere.png")
    assert save_picture(result_of(), 0, tmp_path).path.name.endswith("-2.png")
    assert not (tmp_path / "elsewhere.png").exists()


def saw_nothing(_: Path) -> bool:
    return False


def test_a_name_lost_to_another_process_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-red-ball-on-a-green-floor-12345.png").write_bytes(b"theirs")
    monkeypatch.setattr(picture_file, "_exists", saw_nothing)
    saved = save_picture(result_of(), 0, tmp_path)
    assert saved.path.name.endswith("-2.png")
    assert (tmp_path / "a-red-ball-on-a-green-floor-12345.png").read_bytes() == b"theirs"


def test_a_sidecar_of_another_picture_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text("theirs")
    with pytest.raises(OutputError) as caught:
        save_picture(result_of(), 0, tmp_path, name="p.png", sidecar=True)
    assert caught.value.code is ErrorCode.OUTPUT_EXISTS
    assert [path.name for path in tmp_path.iterdir()] == ["p.json"]


@pytest.mark.parametrize(
    "name",
    ["../x", "/abs", "a/b.png", "C:\\x", "a\\b", "a/../../b", "..", ".", "", "NUL", "con.png", "x.", "x ",
     "x\x00", "x\ny", "\x1b[2J", "\u202egnp.exe", "\ud800", ".png"],
)  # fmt: skip
def test_a_name_is_only_a_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        save_picture(result_of(), 0, tmp_path / "out", name=name)
    assert caught.value.code is ErrorCode.OUTPUT_PATH_ESCAPE
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["ball", "ball.png", "ball.PNG", "red ball (2).png", "猫.png", "v1.2"])
def test_a_plain_name_is_kept(name: str) -> None:
    assert checked_name(name) in (name, name + ".png")
    assert checked_name(name).lower().endswith(".png")


def test_an_unwritable_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder, name in ((tmp_path / "file", None), (tmp_path, "x" * 300), (tmp_path / "\0", None)):
        with pytest.raises(OutputError) as caught:
            save_picture(result_of(), 0, folder, name=name, sidecar=True)
        assert caught.value.code is ErrorCode.OUTPUT_NOT_WRITABLE
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
