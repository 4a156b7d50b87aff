"""A prompt that changes at steps, and one of several parts, reach the model as they should."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from depthpaint.core.errors import ParameterError
from depthpaint.engine import Engine
from depthpaint.model_choice import Lora
from depthpaint.models.painter import Floats
from depthpaint.models.prompt_schedule import MOST_NESTED, texts_at
from depthpaint.request import Request, request_from
from depthpaint.sampling.drive import Array
from depthpaint.sampling.guidance import composed
from depthpaint.sampling.levels import NoiseLevel
from fake_painter import FakePainter, offering


class Listening(FakePainter):
    """Keeps the prompts of each call of the network."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[str]] = []
        self._prompts: dict[object, str] = {}

    def encode_text(self, prompt: str) -> object:
        number = super().encode_text(prompt)
        self._prompts[number] = prompt
        return number

    def predict(
        self, latents: Array, level: NoiseLevel, texts: Sequence[object], residuals: object | None
    ) -> tuple[Array, ...]:
        self.seen.append([self._prompts[text] for text in texts])
        return super().predict(latents, level, texts, residuals)


@pytest.fixture
def painter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Listening:
    monkeypatch.chdir(tmp_path)
    np.save("depth.npy", np.linspace(0, 1, 32 * 48, dtype=np.float32).reshape(32, 48))
    return Listening()


def paint(painter: Listening, prompt: str, **fields: object) -> Floats:
    values = {"depth": "depth.npy", "prompt": prompt, "size": "48x32", "num_inference_steps": 4, **fields}
    result = Engine(find=offering(painter)).paint(request_from(values))
    assert result.record.settings.prompt == prompt
    return result.pictures[0].pixels.astype(np.float32)


def test_each_step_gets_its_words(painter: Listening) -> None:
    changing = paint(painter, "a [cat:dog:0.5]")
    assert painter.seen == [["a cat"], ["a cat"], ["a dog"], ["a dog"]]
    assert painter.calls["encode_text"] == 3  # and the empty negative prompt
    painter.seen.clear()
    paint(painter, "a [cat|dog]", guidance_scale=2, negative_prompt="[fog:rain:1]")
    assert painter.seen == [["fog", "a cat"], ["rain", "a dog"], ["rain", "a cat"], ["rain", "a dog"]]
    assert not np.array_equal(changing, paint(painter, "a cat"))
    assert not np.array_equal(changing, paint(painter, "a dog"))


def test_parts_guide_with_their_weights(painter: Listening) -> None:
    guided: dict[str, object] = {"guidance_scale": 2, "negative_prompt": "a door"}
    several, one = paint(painter, "a lake AND a dog:0.5", **guided), paint(painter, "a lake", **guided)
    assert painter.seen[0] == ["a door", "a lake", "a dog"]
    assert not np.array_equal(several, one)
    # The same prompt twice with halves of the weight is that prompt.
    assert np.array_equal(paint(painter, "a lake:0.5 AND a lake:0.5", **guided), one)
    mean = paint(painter, "a lake:3 AND a dog:1")
    assert painter.seen[-1] == ["a lake", "a dog"]
    assert not np.array_equal(mean, paint(painter, "a lake"))


def test_what_several_outputs_add_up_to() -> None:
    u, c, d = (np.full((1, 1, 2, 2), value, np.float32) for value in (1, 3, 7))
    assert composed([(c, 1.0), (d, 0.5)], u)[0, 0, 0, 0] == 1 + 1.0 * 2 + 0.5 * 6
    assert composed([(c, 3.0), (d, 1.0)], None)[0, 0, 0, 0] == 4
    assert composed([(c, 1.0)], u) is c


def test_tags_become_loras() -> None:
    own = Lora(file="own.safetensors", weight=2.0)
    prompt = "a house <lora:ink wash:0.8>, red <lora:fog>"
    request = Request(depth=Path("d.png"), prompt=prompt, lora=(own,))
    assert request.prompt == "a house , red"
    assert request.lora == (own, Lora(file="ink wash", weight=0.8), Lora(file="fog", weight=1.0))
    tagged = request_from({"depth": "d.png", "prompt": "a house <lora:x:-.5>"})
    assert tagged == request_from({"depth": "d.png", "prompt": "a house", "lora": "x:-0.5"})
    with pytest.raises(ParameterError, match="<lora:x>: the weight must be -5 to 5"):
        request_from({"depth": "d.png", "prompt": "a house <lora:x:6>"})
    for path in ("../../x", "/etc/x", "a/../../x", "..\\x", "C\\..\\x", "//host/x"):
        with pytest.raises(ParameterError, match="is not a name in the model trees"):
            request_from({"depth": "d.png", "prompt": f"a house <lora:{path}:1>"})


def test_brackets_without_end_take_no_time() -> None:
    nested = "[" * 5000 + "a" + ":b:0.5]" * 700
    assert texts_at(nested, 1000)[0]
    deep = "[" * (MOST_NESTED + 5) + "a|b" + "]" * (MOST_NESTED + 5)
    assert texts_at(deep, 2) == (deep, deep)
