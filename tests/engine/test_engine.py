"""The engine with a painter without weights: what it asks of a model, and what it refuses to return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from depthpaint.core.errors import DepthpaintError, ErrorCode, ParameterError
from depthpaint.core.geometry import Extent
from depthpaint.depth.depth_map import DepthReading
from depthpaint.engine import Engine
from depthpaint.model_choice import ModelChoice
from depthpaint.models.painter import Floats, ModelEntry, Painter, Runtime
from depthpaint.picture import control_map
from depthpaint.request import Request
from depthpaint.sampling.drive import Array
from fake_painter import FakePainter, offering


@pytest.fixture
def depth(tmp_path: Path) -> Path:
    path = tmp_path / "depth.npy"
    np.save(path, np.linspace(0, 1, 60 * 100, dtype=np.float32).reshape(60, 100))
    return path


def engine_of(painter: FakePainter) -> Engine:
    return Engine(offering(painter))


@pytest.mark.full
def test_an_adapter_is_prepared_once_a_request_and_a_sentence_encoded_once(depth: Path) -> None:
    painter = FakePainter()
    engine = engine_of(painter)
    request = Request(depth=depth, prompt="a", count=3, num_inference_steps=4)
    engine.paint(request)
    assert painter.calls == {
        "encode_text": 2,
        "prepare_control": 1,
        "control": 12,
        "predict": 12,
        "decode": 3,
    }
    engine.paint(request)
    assert painter.calls["encode_text"] == 2


def test_strength_zero_never_touches_the_control_network(depth: Path) -> None:
    painter = FakePainter()
    engine_of(painter).paint(Request(depth=depth, prompt="a", control_strength=0))
    assert painter.calls["prepare_control"] == painter.calls["control"] == 0


def test_the_result_carries_the_plan_that_ran(depth: Path) -> None:
    painter = FakePainter()
    request = Request(depth=depth, prompt="xa b", seed=0, guidance_scale=0, num_inference_steps=2)
    result = engine_of(painter).paint(request)
    assert result.plan.settings.guidance_scale == 0
    assert result.plan.seeds == (0,)
    assert result.evaluations == {"denoise": 2, "control": 2, "branches": 2}
    assert set(result.seconds) == {"read", "load", "text", "control", "denoise", "decode", "finish"}
    assert any("'xa'" in warning for warning in result.warnings)


class _Broken(FakePainter):
    def decode(self, latents: Array) -> Floats:
        return np.full_like(super().decode(latents), np.nan)


def test_numbers_that_are_no_colours_are_never_a_picture(depth: Path) -> None:
    with pytest.raises(DepthpaintError) as caught:
        engine_of(_Broken()).paint(Request(depth=depth, prompt="a"))
    assert caught.value.code is ErrorCode.MODEL_INCOMPATIBLE
    assert caught.value.exit_status == 5
    assert "no colours" in str(caught.value)


def test_the_control_map_is_the_depth_on_its_canvas(depth: Path) -> None:
    prepared = Engine().prepare(Request(depth=depth, prompt="a room"))
    map_, plan = prepared.depth, prepared.plan
    control = control_map(map_, plan.sizes)
    assert control.shape == (plan.sizes.canvas_size.height, plan.sizes.canvas_size.width)
    assert control.dtype == np.float32
    left, top, right, bottom = (round(side) for side in plan.sizes.content_box)
    assert np.array_equal(control[:top], np.repeat(control[top : top + 1], top, axis=0)), "edges are repeated"
    inside = control[top:bottom, left:right]
    assert inside[0].mean() < 0.1
    assert inside[-1].mean() > 0.9


@pytest.mark.parametrize("words", [["a", "b"], ["a", "a"]])
def test_the_fake_listens_to_words_and_depth(words: Sequence[str], depth: Path) -> None:
    engine = engine_of(FakePainter())
    first, second = (
        engine.paint(Request(depth=depth, prompt=word, guidance_scale=1)).pictures[0].pixels for word in words
    )
    assert np.array_equal(first, second) == (words[0] == words[1])


@pytest.mark.parametrize("value", [None, {"depth": "x.png"}, 7, "x.png", object()])
def test_what_is_no_request_is_a_typed_error(value: Any) -> None:
    engine = Engine(find=offering(FakePainter()))
    acts: list[Callable[[], object]] = [
        lambda: engine.paint(value), lambda: engine.prepare(value), lambda: engine.run(value),
        lambda: engine.read(Path("x"), value),
    ]  # fmt: skip
    if not isinstance(value, str):
        acts.append(lambda: engine.read(value, DepthReading()))
        acts.append(lambda: engine.estimate(value, np.zeros((8, 8, 3), np.uint8)))
    for act in acts:
        with pytest.raises(ParameterError, match="type") as refused:
            act()
        assert refused.value.code is ErrorCode.INVALID_PARAMETER


def test_models_that_do_not_fit_into_the_memory_are_unloaded_the_longest_unused_first(depth: Path) -> None:
    loads: list[str] = []

    class Large(FakePainter):
        @property
        def memory(self) -> int:
            return 10

    def find(choice: ModelChoice) -> ModelEntry:
        def load(runtime: Runtime) -> Painter:
            loads.append(choice.model or "")
            return Large()

        return replace(offering(FakePainter())(choice), load=load)

    def paint(engine: Engine, *models: str) -> list[str]:
        loads.clear()
        for model in models:
            engine.paint(Request(depth=depth, prompt="a red house", model=model, size=Extent(64, 64)))
        return list(loads)

    engine = Engine(find=find, memory=20)
    assert paint(engine, "a", "b", "a", "b") == ["a", "b"]
    assert paint(engine, "a", "c", "a", "b") == ["c", "b"], "b was not used for longest, then c"
    assert paint(Engine(find=find, memory=5), "a", "a", "b", "a") == ["a", "b", "a"], "one always stays"
    assert paint(Engine(find=find), "a", "b", "c", "a", "b", "c") == ["a", "b", "c"]
