"""The `parameters` text of AUTOMATIC1111's web UI, which Stable Diffusion tools look for in a picture.

It is written for other programs; depthpaint itself reads its `depthpaint` entry. In this text, a prompt
with "Negative prompt:" at the start of a line cannot be distinguished from a negative prompt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from depthpaint.core.geometry import Fit
from depthpaint.record.run_record import RunRecord

SAMPLER_NAMES = {
    "dpm++-2m": "DPM++ 2M",
    "euler": "Euler",
    "euler-ancestral": "Euler a",
    "lcm": "LCM",
    "heun": "Heun",
    "ddim": "DDIM",
    "unipc": "UniPC",
}
# The web UI's names of the same noise schedules. "Automatic" means Karras for its DPM++ 2M; it is used only
# where the web UI has no equivalent.
SCHEDULE_NAMES = {
    "trailing": "Simple",
    "leading": "DDIM",
    "linspace": "Uniform",
    "karras": "Karras",
    "exponential": "Exponential",
}
RESIZE_MODES = {Fit.PAD: "Resize and Fill", Fit.CROP: "Crop and Resize", Fit.STRETCH: "Just Resize"}

_NEGATIVE = "Negative prompt:"
_FEWEST_PAIRS = 3
_LONGEST_LINE = (
    1 << 17
)  # of parameters, in characters; a web UI with every extension writes some ten thousand
_ASSUMED = {"Clip skip": "1", "RNG": "GPU", "Schedule type": "Automatic"}

# A pair is a key, a colon, and a quoted value or one without commas. All repeats are possessive and keys
# start only at the start of a run, so no text makes the expression backtrack.
_PAIR = re.compile(
    r"(?<![\w \-/])[ \-/]*+(?P<key>\w[\w \-/]++):\s*+"
    r'(?P<value>"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^,]*+)(?:,|\Z)'
)


@dataclass(frozen=True, slots=True)
class ParsedInfotext:
    """A parsed text. `parameters` are strings; `Size` is split into `Size-1` and `Size-2`, pixels."""

    prompt: str
    negative_prompt: str
    parameters: Mapping[str, str]


def infotext(record: RunRecord) -> str:
    """The text for this picture, in the web UI's order and quoting."""
    settings = record.settings
    width, height = settings.size
    parameters = {
        "Steps": str(settings.num_inference_steps),
        "Sampler": SAMPLER_NAMES.get(settings.sampler, settings.sampler),
        "Schedule type": SCHEDULE_NAMES.get(settings.schedule, "Automatic"),
        "CFG scale": _number(settings.guidance_scale),
        "Seed": str(settings.seed),
        "Size": f"{width}x{height}",
        "Model hash": record.digests.weights[:10],
        "Model": settings.model,
        **({} if settings.init is None else {"Denoising strength": _number(settings.denoise)}),
        # Without it the web UI would draw the noise on the GPU, which gives another picture.
        "RNG": "CPU",
        **({} if _has_no_depth(record) else {"ControlNet 0": _control_unit(record)}),
        "Version": f"depthpaint {record.environment.get('depthpaint', 'unknown')}",
    }
    lines = [settings.prompt]
    if settings.negative_prompt:
        lines.append(f"{_NEGATIVE} {settings.negative_prompt}")
    lines.append(_joined(parameters))
    return "\n".join(lines).strip()


def parse_infotext(text: str) -> ParsedInfotext:
    """Parse the text that any program of this family wrote, in linear time.

    The last line holds the parameters if it has three or more pairs; otherwise it belongs to the prompt.
    Missing entries get the web UI's defaults (Clip skip, RNG, Schedule type).
    """
    head, _, last = text.strip().rpartition("\n")
    # A longer line is not a list of parameters.
    matches = _PAIR.finditer(last if len(last) <= _LONGEST_LINE else "")
    pairs = [(match["key"], match["value"]) for match in matches]
    if len(pairs) < _FEWEST_PAIRS:
        head, pairs = f"{head}\n{last}" if head else last, []
    prompt, negative = _prompts(head)
    parameters = dict(_ASSUMED)
    for key, value in pairs:
        plain = _unquoted(value)
        first, cross, second = plain.partition("x")
        if cross and first.isdecimal() and second.isdecimal():
            parameters |= {f"{key}-1": first, f"{key}-2": second}
        else:
            parameters[key] = plain
    return ParsedInfotext(prompt, negative, parameters)


def _prompts(head: str) -> tuple[str, str]:
    if head.startswith(_NEGATIVE):
        return "", head[len(_NEGATIVE) :].strip()
    prompt, _, negative = head.partition(f"\n{_NEGATIVE}")
    return prompt.strip(), negative.strip()


def _has_no_depth(record: RunRecord) -> bool:
    """Whether the picture was painted without a depth map: from a flat one, with no effect."""
    return record.settings.control_strength == 0 and record.depth.levels == 1


def _control_unit(record: RunRecord) -> str:
    """The depth map in the format of the web UI's ControlNet extension, so that its tools show it."""
    settings = record.settings
    start, end = settings.control_window
    return _joined({
        "Module": "none",
        "Model": settings.model,
        "Weight": str(settings.control_strength),
        "Resize Mode": RESIZE_MODES[settings.fit],
        "Processor Res": "512",
        "Threshold A": "-1",
        "Threshold B": "-1",
        "Guidance Start": str(start),
        "Guidance End": str(end),
        "Pixel Perfect": "False",
        "Control Mode": "Balanced",
    })  # fmt: skip


def _joined(parameters: Mapping[str, str]) -> str:
    return ", ".join(key if key == value else f"{key}: {_quoted(value)}" for key, value in parameters.items())


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(c in value for c in ",\n:") else value


def _unquoted(value: str) -> str:
    if len(value) < 2 or not (value[0] == value[-1] == '"'):
        return value
    try:
        plain = cast("str", json.loads(value))
        plain.encode()
    except ValueError:  # not JSON, or a lone surrogate, which no file can hold
        return value
    return plain


def _number(value: float) -> str:
    """Whole numbers without a fraction, as the web UI writes them."""
    return str(int(value)) if value.is_integer() else repr(value)
