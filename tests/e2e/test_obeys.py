"""The built-in model really listens to both: another depth or another sentence gives another picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.bench.contest import sphere_before_a_wall
from depthpaint.core.geometry import Extent
from depthpaint.engine import Engine
from depthpaint.model_choice import ModelChoice
from depthpaint.picture import Progress
from depthpaint.request import Request

PROMPT = "a red sphere on a green floor in front of a blue wall, at noon"


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("maps")
    depth = sphere_before_a_wall(128)
    # The twin's horizon lies two thirds down and its ball is gone: rows of a floor before a wall.
    rows = np.clip(np.linspace(-2, 1, 128, dtype=np.float32), 0, 1)[:, None].repeat(128, 1)
    np.save(folder / "ball.npy", depth)
    np.save(folder / "floor.npy", rows)
    return folder / "ball.npy", folder / "floor.npy"


def painted(engine: Engine, depth: Path, prompt: str = PROMPT, **fields: object) -> NDArray[np.float64]:
    request = Request.model_validate({"depth": depth, "prompt": prompt, **fields})
    return engine.paint(request).pictures[0].pixels / 255


def test_two_depth_maps_give_two_pictures(engine: Engine, maps: tuple[Path, Path]) -> None:
    ball, floor = maps
    difference = np.abs(painted(engine, ball) - painted(engine, floor)).mean()
    assert difference > 0.02
    # At strength 0 the map has no say, so the same two maps must give one picture.
    silent = [painted(engine, depth, control_strength=0) for depth in maps]
    assert np.array_equal(silent[0], silent[1])


@pytest.mark.full
def test_two_sentences_give_two_pictures(engine: Engine, maps: tuple[Path, Path]) -> None:
    ball, _ = maps
    day = painted(engine, ball)
    night = painted(engine, ball, "a white sphere on a black floor in front of a black wall, at night")
    assert np.abs(day - night).mean() > 0.05
    # At guidance 0 the sentence has no say.
    deaf = [painted(engine, ball, prompt, guidance_scale=0) for prompt in (PROMPT, "a black floor, at night")]
    assert np.array_equal(deaf[0], deaf[1])


def test_floor_and_wall_have_the_colours_of_the_sentence(engine: Engine, maps: tuple[Path, Path]) -> None:
    ball, _ = maps
    picture = painted(engine, ball)
    floor, wall = picture[-12:].mean((0, 1)), picture[:12].mean((0, 1))
    assert floor.argmax() == 1, floor
    assert wall.argmax() == 2, wall


@pytest.mark.full
def test_picture_k_of_several_is_the_picture_of_its_seed(engine: Engine, maps: tuple[Path, Path]) -> None:
    request = Request(depth=maps[0], prompt=PROMPT, seed=7, count=3, num_inference_steps=4)
    several = engine.paint(request).pictures
    alone = Engine().paint(request.model_copy(update={"seed": 9, "count": 1})).pictures[0]
    assert several[2].seed == alone.seed == 9
    assert np.array_equal(several[2].pixels, alone.pixels)
    assert not np.array_equal(several[0].pixels, several[1].pixels)


@pytest.mark.parametrize("size", ["940x564", "97x131", "8x8", "33x200"])
def test_the_exact_size_comes_out(engine: Engine, maps: tuple[Path, Path], size: str) -> None:
    width, height = map(int, size.split("x"))
    for fit in ("pad", "crop", "stretch"):
        assert painted(engine, maps[0], size=size, fit=fit, num_inference_steps=1).shape == (height, width, 3)


@pytest.mark.full
def test_a_closed_window_calls_no_control_and_guidance_off_takes_one_branch(
    engine: Engine, maps: tuple[Path, Path]
) -> None:
    base = Request(depth=maps[0], prompt=PROMPT, num_inference_steps=5, guidance_scale=2.0)
    whole = engine.paint(base).evaluations
    assert whole == {"denoise": 5, "control": 5, "branches": 10}
    part = engine.paint(base.model_copy(update={"control_window": (0.0, 0.4), "guidance_scale": 1.0}))
    assert part.evaluations == {"denoise": 5, "control": 2, "branches": 5}


def test_progress_counts_steps_previews_and_can_stop_the_run(engine: Engine, maps: tuple[Path, Path]) -> None:
    seen: list[tuple[int, int]] = []

    def listen(progress: Progress) -> None:
        seen.append((progress.step, progress.steps))
        assert progress.preview().shape == (512, 512, 3)
        if progress.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.paint(Request(depth=maps[0], prompt=PROMPT, num_inference_steps=5), listen)
    assert seen == [(1, 5), (2, 5)]


def test_sixteen_bits_reach_the_network(engine: Engine, tmp_path: Path) -> None:
    fine = sphere_before_a_wall(128)
    coarse = np.round(fine * 255) / 255
    digests: list[str] = []
    for name, values in (("fine", fine), ("coarse", coarse)):
        np.save(tmp_path / f"{name}.npy", (values * 65535).round().astype(np.uint16))
        request = Request(depth=tmp_path / f"{name}.npy", prompt="a ball", num_inference_steps=1)
        digests.append(engine.paint(request).control_sha256)
    assert digests[0] != digests[1]


def test_unknown_words_and_enlarging_are_warned_of(engine: Engine, maps: tuple[Path, Path]) -> None:
    request = Request(depth=maps[0], prompt="an azure sphere", size=Extent(600, 600), num_inference_steps=1)
    warnings = engine.paint(request).warnings
    assert any("azure" in warning and "blue" in warning for warning in warnings)
    assert any("edges to 600x600" in warning for warning in warnings)


@pytest.mark.full
def test_a_sentence_of_thousands_of_words_is_cut_and_says_so(engine: Engine, maps: tuple[Path, Path]) -> None:
    words = "a red sphere " * 700
    result = engine.paint(Request(depth=maps[0], prompt=words, num_inference_steps=1))
    assert any("the last 2038 tokens of the prompt are cut off" in warning for warning in result.warnings)
    assert result.plan.settings.prompt == words, "the record keeps all of it"
    many = " ".join(f"w{k}w" for k in range(500))
    warnings = engine.paint(Request(depth=maps[0], prompt=many, num_inference_steps=1)).warnings
    assert len(warnings) < 15


@pytest.mark.full
def test_texts_are_encoded_once(maps: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    request = Request(depth=maps[0], prompt=PROMPT, num_inference_steps=1)
    engine.paint(request)
    painter = engine._painter(ModelChoice())  # pyright: ignore[reportPrivateUsage]

    def encode_again(prompt: str) -> None:
        pytest.fail(f"encoded again: {prompt}")

    monkeypatch.setattr(painter, "encode_text", encode_again)
    engine.paint(replace_seed(request))


def replace_seed(request: Request) -> Request:
    return request.model_copy(update={"seed": 1})
