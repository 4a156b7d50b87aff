"""The same request again: the picture is there, and is not painted again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import depthpaint
from fake_painter import FakePainter

Run = Callable[..., tuple[int, str, str]]
SAME = ("generate", "depth.npy", "p", "--size", "32x48")


@pytest.mark.parametrize("flags", [(), ("--name", "mine"), ("--count", 2), ("--seed", 0, "--sidecar")])
def test_the_path_is_printed_and_nothing_painted(
    cli: Run, painter: FakePainter, flags: tuple[str, ...]
) -> None:
    status, paths, _ = cli(*SAME, *flags)
    assert status == 0
    before = {path: path.read_bytes() for path in Path("output_images").iterdir()}
    painter.calls.clear()
    status, out, err = cli(*SAME, *flags)
    assert (status, out) == (0, paths)
    assert "painted before from the same request; --overwrite paints it again" in err
    assert not painter.calls
    document = json.loads(cli(*SAME, *flags, "--json")[1])
    assert [image["path"] for image in document["images"]] == paths.split()
    assert all(image["earlier"] for image in document["images"])
    assert {path: path.read_bytes() for path in Path("output_images").iterdir()} == before
    assert cli(*SAME, *flags, "--overwrite")[:2] == (0, paths)
    assert painter.calls


def test_only_what_is_missing_is_painted(cli: Run, painter: FakePainter) -> None:
    paths = cli(*SAME, "--name", "mine", "--count", 3)[1].split()
    Path(paths[1]).unlink()
    kept = Path(paths[0]).read_bytes()
    painter.calls.clear()
    status, out, _ = cli(*SAME, "--name", "mine", "--count", 3, "--sidecar")
    assert (status, out.split()) == (0, paths)
    assert painter.calls["decode"] == 1
    with Image.open(paths[1]) as new:
        assert new.size == (32, 48)
    assert Path(paths[0]).read_bytes() == kept
    assert sorted(path.suffix for path in Path("output_images").iterdir()) == [".json"] * 3 + [".png"] * 3


@pytest.mark.parametrize(
    "flags",
    [
        ("--steps", 3), ("--guidance", 2), ("--size", "48x32"), ("--near", "black"), ("--strength", 0.5),
        ("--preview-every", 1), ("--negative", "x"), ("--no-finish",), ("--verify-with", "fake"),
    ],
    ids=str,
)  # fmt: skip
def test_another_request_is_painted(cli: Run, painter: FakePainter, flags: tuple[str, ...]) -> None:
    assert cli(*SAME)[0] == 0
    painter.calls.clear()
    status, out, _ = cli(*SAME[:3], *flags, *([] if "--size" in flags else SAME[3:]))
    assert (status, out) == (0, "output_images/p-12345-2.png\n")
    assert painter.calls


def test_other_bytes_pixels_weights_or_versions_are_painted(
    cli: Run, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli(*SAME)[0] == 0
    assert cli(*SAME)[1] == "output_images/p-12345.png\n"
    with monkeypatch.context() as patched:
        patched.setattr(depthpaint, "__version__", "0.0.1")
        assert cli(*SAME)[1] == "output_images/p-12345-2.png\n"
        Path("output_images/p-12345-2.png").unlink()
    with monkeypatch.context() as patched:
        patched.setattr(type(painter), "weights_sha256", property(lambda self: "f" * 64))
        assert cli(*SAME)[1] == "output_images/p-12345-2.png\n"
        Path("output_images/p-12345-2.png").unlink()
    ramp = np.load("depth.npy")
    np.save("depth.npy", ramp**2)
    assert cli(*SAME)[1] == "output_images/p-12345-2.png\n"
    Path("output_images/p-12345-2.png").unlink()
    np.save("depth.npy", ramp)
    assert cli(*SAME)[1] == "output_images/p-12345.png\n"
    picture = Image.open("output_images/p-12345.png")
    picture.load()
    record = picture.info["depthpaint"]
    picture.putpixel((0, 0), (1, 2, 3))
    texts = PngInfo()
    texts.add_text("depthpaint", record)
    picture.save("output_images/p-12345.png", pnginfo=texts)
    assert cli(*SAME)[1] == "output_images/p-12345-2.png\n"


def test_a_verified_picture_is_enough_for_both(cli: Run, painter: FakePainter) -> None:
    assert cli(*SAME, "--verify-with", "fake")[0] == 0
    painter.calls.clear()
    status, out, err = cli(*SAME, "--verify-with", "fake")
    assert (status, out) == (0, "output_images/p-12345.png\n")
    assert "(by fake" in err
    assert cli(*SAME)[1] == out
    assert not painter.calls


def test_a_name_that_another_picture_has_is_still_refused(cli: Run, painter: FakePainter) -> None:
    assert cli(*SAME, "--name", "mine", "--count", 2)[0] == 0
    Path("output_images/mine-2.png").write_bytes(b"")
    painter.calls.clear()
    status, _, err = cli(*SAME, "--name", "mine", "--count", 2)
    assert status == 8
    assert "mine-2.png exists already" in err
    assert not painter.calls


@pytest.mark.parametrize("how", [("--best-of", 3), ("--min-agreement", 0.99, "--tries", 3)])
def test_a_chosen_seed_is_known_again(cli: Run, painter: FakePainter, how: tuple[object, ...]) -> None:
    search = (*SAME, "--verify-with", "fake", "--count", 2, *how)
    status, paths, err = cli(*search)
    assert status == (0 if "--best-of" in how else 4)
    assert err.count("try ") == 2
    painter.calls.clear()
    assert cli(*search)[:2] == (status, paths)
    assert not painter.calls
    Path(paths.split()[1]).unlink()
    assert cli(*search)[:2] == (status, paths), "only that one is painted, with the same seeds"
    painter.calls.clear()
    assert cli(*SAME, "--verify-with", "fake", "--count", 2, "--best-of", 2)[0] == 0
    assert painter.calls
