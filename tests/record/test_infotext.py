from __future__ import annotations

import time

import pytest

from depthpaint.record.infotext import infotext, parse_infotext
from depthpaint.record.result import record_of
from painted import HOSTILE, result_of

CONTROL = (
    'ControlNet 0: "Module: none, Model: fake, Weight: {weight}, Resize Mode: {mode}, Processor Res: 512, '
    "Threshold A: -1, Threshold B: -1, Guidance Start: {start}, Guidance End: {end}, Pixel Perfect: False, "
    'Control Mode: Balanced"'
)


def test_golden_text() -> None:
    record = record_of(result_of(size="300x200", seed=12345, guidance_scale=7.5), 0)
    control = CONTROL.format(weight="1.0", mode="Resize and Fill", start="0.0", end="1.0")
    assert infotext(record) == (
        "a red ball on a green floor\n"
        "Steps: 4, Sampler: DPM++ 2M, Schedule type: Simple, CFG scale: 7.5, Seed: 12345, Size: 300x200, "
        f"Model hash: 0123456789, Model: fake, RNG: CPU, {control}, Version: depthpaint 0.1.0"
    )


def test_golden_text_with_everything_and_zeros() -> None:
    fields = {
        "prompt": "a, b: c", "negative_prompt": "dull, grey", "seed": 0, "guidance_scale": 0, "size": "64x48",
        "control_strength": 0, "control_window": (0.0, 0.6), "fit": "crop", "sampler": "euler-ancestral",
        "schedule": "karras", "num_inference_steps": 3,
    }  # fmt: skip
    control = CONTROL.format(weight="0.0", mode="Crop and Resize", start="0.0", end="0.6")
    assert infotext(record_of(result_of(**fields), 0)) == (
        "a, b: c\n"
        "Negative prompt: dull, grey\n"
        "Steps: 3, Sampler: Euler a, Schedule type: Karras, CFG scale: 0, Seed: 0, Size: 64x48, "
        f"Model hash: 0123456789, Model: fake, RNG: CPU, {control}, Version: depthpaint 0.1.0"
    )


def test_comes_back() -> None:
    record = record_of(result_of(negative_prompt="dull", size="300x200", schedule="exponential"), 0)
    parsed = parse_infotext(infotext(record))
    assert (parsed.prompt, parsed.negative_prompt) == ("a red ball on a green floor", "dull")
    parameters = dict(parsed.parameters)
    unit = parse_infotext(parameters.pop("ControlNet 0")).parameters
    assert parameters == {
        "Steps": "4", "Sampler": "DPM++ 2M", "Schedule type": "Exponential", "CFG scale": "2",
        "Seed": "12345", "Size-1": "300", "Size-2": "200", "Model hash": "0123456789", "Model": "fake",
        "RNG": "CPU", "Version": "depthpaint 0.1.0", "Clip skip": "1",
    }  # fmt: skip
    assert (unit["Resize Mode"], unit["Weight"]) == ("Resize and Fill", "1.0")


@pytest.mark.parametrize("prompt", HOSTILE)
def test_no_prompt_can_fake_the_parameters(prompt: str) -> None:
    plain = parse_infotext(infotext(record_of(result_of(negative_prompt="dull"), 0))).parameters
    parsed = parse_infotext(infotext(record_of(result_of(prompt=prompt, negative_prompt=prompt), 0)))
    assert parsed.parameters == plain


@pytest.mark.parametrize("prompt", [text for text in HOSTILE if "Negative prompt:" not in text])
def test_a_prompt_without_the_mark_comes_back(prompt: str) -> None:
    parsed = parse_infotext(infotext(record_of(result_of(prompt=prompt, negative_prompt="dull"), 0)))
    assert (parsed.prompt, parsed.negative_prompt) == (prompt.strip(), "dull")


TWO = {"Steps": "1", "Seed": "2"}


@pytest.mark.parametrize(
    ("text", "prompt", "negative", "parameters"),
    [
        ("", "", "", {}),
        ("a cat", "a cat", "", {}),
        ("a cat\nSteps: 1, Seed: 2", "a cat\nSteps: 1, Seed: 2", "", {}),
        ("a\nSteps: 1, Seed: 2, Size: 3x4", "a", "", TWO | {"Size-1": "3", "Size-2": "4"}),
        ("Steps: 1, Seed: 2, RNG: CPU", "", "", TWO | {"RNG": "CPU"}),
        ("a\nNegative prompt: b\nc\nSteps: 1, Seed: 2, ENSD: ", "a", "b\nc", TWO | {"ENSD": ""}),
        ("Negative prompt: b", "", "b", {}),
        ('Steps: 1, Seed: 2, Hashes: "a: \\"b\\", c"', "", "", TWO | {"Hashes": 'a: "b", c'}),
        ('Steps: 1, Seed: 2, Odd: "a" b', "", "", TWO | {"Odd": '"a" b'}),
        ('Steps: 1, Seed: 2, Odd: "a', "", "", TWO | {"Odd": '"a'}),
        ('Steps: 1, Seed: 2, Odd: "\\ud800"', "", "", TWO | {"Odd": '"\\ud800"'}),
        ("Steps: 1, -/ Mask blur: 2, X: 3, Face: x", "", "", {"Steps": "1", "Mask blur": "2", "Face": "x"}),
        ("Steps: 1, Seed: 2, Size: __import__('x')x1", "", "", TWO | {"Size": "__import__('x')x1"}),
    ],
)  # fmt: skip
def test_reads_by_the_rules(text: str, prompt: str, negative: str, parameters: dict[str, str]) -> None:
    parsed = parse_infotext(text)
    assumed = {"Clip skip": "1", "RNG": "GPU", "Schedule type": "Automatic"}
    assert (parsed.prompt, parsed.negative_prompt) == (prompt, negative)
    assert parsed.parameters == assumed | parameters


LINE = 1 << 17
MEGABYTE = 1_000_000
BOMBS = [
    "a",
    "a ",
    " ",
    "aa:",
    "aa:,",
    "a:a:",
    'aa:"',
    'aa:"\\',
    '"',
    '\\"',
    "\n",
    "a\n",
    "Negative prompt:\n",
    "-",
    ",",
]


@pytest.mark.parametrize("start", ["", "x", '"', ", "])
@pytest.mark.parametrize("length", [LINE - 100, MEGABYTE])
@pytest.mark.parametrize("unit", BOMBS)
def test_reads_a_hostile_text_at_once(unit: str, length: int, start: str) -> None:
    text = f"Steps: 1, Seed: 2, Model: {start}{unit * (length // len(unit))}!"
    # A line that is read in linear time takes about 0.05 s; one that is not takes minutes.
    assert min(seconds_for(text) for _ in range(3)) < 0.5


def test_a_long_line_of_parameters_is_read() -> None:
    parsed = parse_infotext(f"a cat\nSteps: 1, Seed: 2, Model: {'x' * 100_000}")
    assert (parsed.prompt, len(parsed.parameters["Model"])) == ("a cat", 100_000)


def test_a_longer_line_is_no_list_of_parameters() -> None:
    text = f"a cat\nSteps: 1, Seed: 2, Model: {'x' * MEGABYTE}"
    assert parse_infotext(text).prompt == text


def seconds_for(text: str) -> float:
    started = time.process_time()
    parse_infotext(text)
    return time.process_time() - started
