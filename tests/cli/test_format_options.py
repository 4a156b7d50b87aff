"""--format and --quality, and the commands that read JPEG and WebP."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import depthpaint
from depthpaint.record.picture_file import read_record
from fake_painter import FakePainter

Run = Callable[..., tuple[int, str, str]]
SAME = ("generate", "depth.npy", "p", "--size", "64x48")
FLAGS = [
    ("--format", "jpeg"),
    ("--format", "webp"),
    ("--format", "webp", "--quality", 60),
    ("--name", "x.jpeg"),
]


def image_format(path: str) -> str | None:
    with Image.open(path) as image:
        return image.format


@pytest.mark.parametrize("flags", FLAGS)
def test_what_is_painted_again_is_bit_equal(
    cli: Run, painter: FakePainter, flags: tuple[object, ...]
) -> None:
    status, out, _ = cli(*SAME, *flags, "--sidecar")
    assert status == 0
    path = Path(out.strip())
    assert image_format(str(path)) == ("JPEG" if path.suffix in (".jpg", ".jpeg") else "WEBP")
    assert read_record(path).to_json() + "\n" == path.with_suffix(".json").read_text()
    status, out, _ = cli("replay", path, "--out", "again", *flags[:2] if flags[0] == "--format" else ())
    assert (status, ": bit-equal (every value" in out) == (0, True)
    painter.calls.clear()
    status, out, err = cli(*SAME, *flags, "--sidecar")
    assert (status, out.strip()) == (0, str(path))
    assert "painted before" in err
    assert not painter.calls


def test_another_quality_and_another_format_are_other_pictures(cli: Run, painter: FakePainter) -> None:
    paths = [cli(*SAME, *flags)[1].strip() for flags in ((), *FLAGS[:3])]
    assert [Path(path).name for path in paths] == [
        "p-12345.png",
        "p-12345.jpg",
        "p-12345.webp",
        "p-12345-2.webp",
    ]
    painter.calls.clear()
    assert [cli(*SAME, *flags)[1].strip() for flags in ((), *FLAGS[:3])] == paths
    assert not painter.calls
    settings = {read_record(Path(path)).settings.model_dump_json() for path in paths}
    assert len(settings) == 1
    digests = {read_record(Path(path)).digests.picture for path in paths}
    assert len(digests) == 1


@pytest.mark.parametrize("flags", FLAGS)
def test_an_edited_picture_is_different(cli: Run, flags: tuple[object, ...]) -> None:
    path = cli(*SAME, *flags)[1].strip()
    with Image.open(path) as image:
        edited = Image.fromarray(255 - np.asarray(image))
        edited.save(path, exif=image.getexif(), xmp=image.info["xmp"])
    status, out, _ = cli("replay", path)
    assert status == 4
    assert "different" in out
    assert "edited after it was painted" in out


@pytest.mark.parametrize("flags", FLAGS)
def test_verify_and_report_read_them(cli: Run, flags: tuple[object, ...]) -> None:
    path = cli(*SAME, *flags)[1].strip()
    Image.new("RGB", (64, 64)).save("output_images/photo.jpg")
    status, out, _ = cli("verify", "output_images", "--estimator", "fake", "--json")
    assert status == 0
    assert [row["path"] for row in json.loads(out)["images"]] == [path]
    status, out, _ = cli("report", "output_images", "--out", "report")
    assert status == 0
    assert Path(path).name in Path(out.strip()).read_text()


def test_several_with_previews(cli: Run) -> None:
    status, out, _ = cli(*SAME, "--format", "webp", "--name", "v", "--count", 2, "--preview-every", 1)
    assert status == 0
    assert [Path(path).name for path in out.split()] == ["v-1.webp", "v-2.webp"]
    previews = sorted(Path("output_images").glob("*-step-*"))
    assert previews
    assert {image_format(str(path)) for path in previews} == {"PNG"}


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--format", "gif"), "no picture format 'gif'; choose png, jpeg, webp"),
        (("--format", "jpg"), "no picture format 'jpg'"),
        (
            ("--format", "png", "--name", "x.webp"),
            "the name 'x.webp' ends like a webp file, but the format is png",
        ),
        (("--format", "jpeg", "--quality", 0), "from 1 to 100"),
        (("--format", "jpeg", "--quality", 101), "from 1 to 100"),
        (("--quality", 50), "a PNG has no quality"),
        (("--format", "png", "--quality", 50), "a PNG has no quality"),
        (("--name", "x.png", "--quality", 50), "a PNG has no quality"),
    ],
)
def test_what_no_file_can_be_is_refused_before_painting(
    cli: Run, painter: FakePainter, flags: tuple[object, ...], told: str
) -> None:
    status, out, err = cli(*SAME, *flags)
    assert (status, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
    assert not painter.calls
    assert not Path("output_images").exists()


def test_replay_needs_a_folder_for_a_format(cli: Run) -> None:
    path = cli(*SAME)[1].strip()
    status, out, err = cli("replay", path, "--format", "webp")
    assert (status, out) == (2, "")
    assert "need --out" in err


def test_batch_takes_the_options(cli: Run) -> None:
    Path("m.csv").write_text("depth,prompt,name\ndepth.npy,p,\ndepth.npy,q,named\n")
    status, out, _ = cli("batch", "m.csv", "--set", "size=64x48", "--format", "jpeg", "--quality", 70)
    assert status == 0
    assert [Path(path).suffix for path in out.split()] == [".jpg", ".jpg"]
    assert Path("output_images/named.jpg").exists()
    status, _, err = cli("batch", "m.csv", "--set", "size=64x48", "--format", "jpeg", "--quality", 70)
    assert "0 painted, 2 already there" in err
    status, _, err = cli("batch", "m.csv", "--format", "bmp")
    assert status == 2
    assert "no picture format" in err
    status, _, err = cli("batch", "m.csv", "--quality", 70)
    assert status == 2
    assert "a PNG has no quality" in err


def test_python_paints_and_verifies(cli: Run) -> None:
    path = cli(*SAME, "--format", "jpeg")[1].strip()
    with Image.open(path) as image:
        image.load()
        found = depthpaint.verify(image, "depth.npy")
    assert found.picture.shape == depthpaint.verify(path).picture.shape == (48, 64, 3)
