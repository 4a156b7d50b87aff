"""A picture to start from: how its file is read, and what of it the engine gives the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthpaintError, ErrorCode
from depthpaint.core.geometry import Box, Extent, Placement
from depthpaint.engine import Engine
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.plan import plan_sizes
from depthpaint.record.result import Result
from depthpaint.request import Request
from depthpaint.start_picture import on_canvas, read_start
from fake_painter import FakePainter, offering

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a depth map and a picture of its ratio."""
    np.save(tmp_path / "depth.npy", np.linspace(0, 1, 60 * 80, dtype=np.float32).reshape(60, 80))
    Image.fromarray(PIXELS).save(tmp_path / "start.png")
    return tmp_path


def paint(files: Path, painter: FakePainter | None = None, **fields: object) -> Result:
    values = {
        "depth": files / "depth.npy",
        "prompt": "a",
        "init": files / "start.png",
        "finish": False,
        **fields,
    }
    return Engine(offering(painter or FakePainter())).paint(Request.model_validate(values))


def test_it_is_encoded_once_and_only_the_last_steps_run(files: Path) -> None:
    painter = FakePainter()
    result = paint(files, painter, count=3, num_inference_steps=4, denoise=0.5)
    assert (painter.calls["encode"], painter.calls["predict"]) == (1, 6)
    assert result.evaluations["denoise"] == 6
    assert "encode" in result.seconds
    assert len(result.record.plan.timesteps) == 2
    assert result.record.digests.init == read_start(files / "start.png").facts.sha256


def test_picture_k_is_the_picture_of_its_seed_alone(files: Path) -> None:
    several = paint(files, count=2, seed=7, num_inference_steps=4)
    alone = paint(files, seed=8, num_inference_steps=4)
    assert np.array_equal(several.pictures[1].pixels, alone.pictures[0].pixels)
    assert not np.array_equal(several.pictures[0].pixels, alone.pictures[0].pixels)


def test_the_less_is_run_the_more_of_it_is_kept(files: Path) -> None:

    def distance(denoise: float) -> float:
        pixels = (
            paint(files, num_inference_steps=100, denoise=denoise, schedule="trailing", size="80x60")
            .pictures[0]
            .pixels
        )
        blurred = Image.fromarray(pixels).resize((10, 7), Image.Resampling.BOX)
        start = Image.fromarray(PIXELS).resize((10, 7), Image.Resampling.BOX)
        return float(np.abs(np.asarray(blurred, np.float32) - np.asarray(start, np.float32)).mean())

    assert distance(0.01) < distance(0.3) < distance(0.9)


def test_all_steps_from_pure_noise_are_the_picture_without_it(files: Path) -> None:
    painter = FakePainter()
    assert DIORAMA.zero_terminal_snr
    again, plain = paint(files, painter, denoise=1), paint(files, init=None)
    assert np.array_equal(again.pictures[0].pixels, plain.pictures[0].pixels)
    assert painter.calls["encode"] == 0
    assert any("init has no effect" in warning for warning in again.warnings)


def saved(path: Path, image: Image.Image, **options: object) -> NDArray[np.uint8]:
    image.save(path, **options)  # pyright: ignore[reportArgumentType]
    return read_start(path).pixels


def test_it_is_read_as_viewers_show_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = saved(tmp_path / "turned.png", Image.fromarray(PIXELS), exif=exif)
    assert np.array_equal(turned, np.rot90(PIXELS, -1))
    assert np.array_equal(saved(tmp_path / "w.webp", Image.fromarray(PIXELS), lossless=True), PIXELS)
    assert saved(tmp_path / "p.jpg", Image.fromarray(PIXELS)).shape == PIXELS.shape


def test_what_is_transparent_becomes_white_and_is_told(tmp_path: Path) -> None:
    alpha = np.full(PIXELS.shape[:2], 255, np.uint8)
    opaque = Image.fromarray(np.dstack([PIXELS, alpha]))
    opaque.save(tmp_path / "opaque.png")
    assert read_start(tmp_path / "opaque.png").notes == ()
    alpha[:, :40] = 0
    part = Image.fromarray(np.dstack([PIXELS, alpha]))
    for name in ("rgba.png", "rgba.webp"):
        part.save(tmp_path / name, lossless=True)
        start = read_start(tmp_path / name)
        assert (start.pixels[:, :40] == 255).all()
        assert np.array_equal(start.pixels[:, 40:], PIXELS[:, 40:])
        assert start.notes == ("init is transparent in parts, which become white",)
    palette = Image.fromarray(np.tile(np.arange(2, dtype=np.uint8), (8, 8))).convert("P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.save(tmp_path / "palette.png", transparency=0)
    assert read_start(tmp_path / "palette.png").pixels[0, :2].tolist() == [[255] * 3, [40, 50, 60]]


def test_on_the_canvas_it_is_resized_and_its_rim_repeated() -> None:
    sizes = plan_sizes(Extent(80, 60), DIORAMA, size=Extent(240, 200))
    content = sizes.content_size
    whole = Placement(Box(0, 0, 80, 60), Box(0, 0, *content))
    canvas = on_canvas(np.full((60, 80, 3), (255, 0, 51), np.uint8), whole, sizes)
    assert (canvas.shape, canvas.dtype) == ((*sizes.canvas_size[::-1], 3), np.float32)
    np.testing.assert_allclose(canvas.reshape(-1, 3), np.broadcast_to([1, 0, 0.2], (canvas[..., 0].size, 3)))


def test_a_sharp_edge_stays_at_its_place() -> None:
    sizes = plan_sizes(Extent(256, 256), DIORAMA, size=Extent(256, 256))
    pixels = np.zeros((512, 512, 3), np.uint8)
    pixels[:, 300:] = 255
    canvas = on_canvas(pixels, Placement(Box(0, 0, 512, 512), Box(0, 0, 256, 256)), sizes)
    assert canvas[:, :147].max() < 0.05
    assert canvas[:, 153:].min() > 0.95


def absent(folder: Path) -> Path:
    return folder / "absent.png"


def numbers(folder: Path) -> Path:
    return folder / "depth.npy"


def no_picture(folder: Path) -> Path:
    (folder / "text.png").write_text("this is no picture")
    return folder / "text.png"


def cut(folder: Path) -> Path:
    whole = (folder / "start.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    return folder / "cut.png"


def huge(folder: Path) -> Path:
    Image.new("L", (20_000, 8_000)).save(folder / "huge.png")
    return folder / "huge.png"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (absent, "no such file"),
        (Path, "a folder"),
        (no_picture, "not a PNG, JPEG or WebP"),
        (cut, "cut.png"),
        (huge, "too large"),
        (numbers, "not a PNG, JPEG or WebP"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(
    files: Path, make: Callable[[Path], Path], words: str
) -> None:
    with pytest.raises(DepthpaintError, match=words) as refused:
        paint(files, init=make(files))
    assert refused.value.code is ErrorCode.PICTURE_UNREADABLE
    assert (refused.value.exit_status, "\n" in str(refused.value)) == (3, False)
    assert refused.value.remedy
