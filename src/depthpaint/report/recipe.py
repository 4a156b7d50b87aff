"""The command line that paints a recorded picture again: for people to copy and to change."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from depthpaint.core.errors import printable
from depthpaint.inputs.also import Also
from depthpaint.inputs.depth_reading import DepthReading
from depthpaint.inputs.size_limit import MAX_PIXELS
from depthpaint.record.paths import path_from_text
from depthpaint.record.run_record import RunRecord


def recipe(record: RunRecord) -> str:
    """`depthpaint generate` with every setting that differs from what would be understood without it.

    Sampler, steps and weights are told outright, whatever the model's habits become.
    """
    settings = record.settings
    flags: list[tuple[str, object, object]] = [
        ("seed", settings.seed, None),
        ("size", settings.size, None),
        ("steps", settings.num_inference_steps, None),
        ("guidance", _number(settings.guidance_scale), None),
        ("strength", _number(settings.control_strength), None),
        ("sampler", settings.sampler, None),
        ("schedule", settings.schedule, None),
        ("profile", settings.profile, None),
        ("guidance-window", _span(settings.guidance_window), "0:1"),
        ("control-window", _span(settings.control_window), "0:1"),
        ("negative", settings.negative_prompt, ""),
        ("fit", settings.fit.value, "pad"),
        ("model", settings.model, "diorama"),
        ("control", settings.control, None),
        ("vae", settings.vae, None),
        ("clip-skip", settings.clip_skip, 0),
        *(("also", _also(also), None) for also in settings.also),
        *(("lora", f"{lora.file}:{_number(lora.weight)}", None) for lora in settings.lora),
    ]
    told = [f"--{name}={value}" for name, value, unsaid in flags if value is not None and value != unsaid]
    told += _reading(settings.reading)
    if (pixels := record.depth.size.pixels) > MAX_PIXELS:
        told.append(f"--max-pixels={pixels}")
    told += [] if settings.finish else ["--no-finish"]
    told += [] if settings.expand else ["--no-expand"]
    told += ["--safety-checker"] if settings.safety_checker else []
    subject = [path_from_text(record.depth.file), settings.prompt]
    # What starts with a dash would be taken for a flag.
    marked = ["--"] if any(word.startswith("-") for word in subject) else []
    words = [
        "depthpaint",
        "generate",
        *(told if marked else ()),
        *marked,
        *subject,
        *(() if marked else told),
    ]
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    """A word for the shell. What cannot be shown is written as bytes in $'...', as bash reads it."""
    if printable(word) == word:
        return shlex.quote(word)
    letters = (letter if letter not in "\\'" else f"\\{letter}" for letter in word)
    return f"$'{''.join(letter if printable(letter) == letter else _bytes(letter) for letter in letters)}'"


def _bytes(letter: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))


def _reading(reading: DepthReading) -> Iterator[str]:
    fields = DepthReading.model_fields
    if reading.holes_said:
        yield f"--holes={reading.holes}"
    if reading.from_photo is not None:
        yield from ("--from-photo", f"--estimator={reading.from_photo}")
    for name in ("near", "kind", "unit", "colour_map", "frame", "part"):
        value: object = getattr(reading, name)
        if value != fields[name].default:
            yield f"--{name.replace('_', '-')}={value}"
    if reading.range != "auto":
        yield f"--range={reading.range if reading.range == 'full' else ':'.join(map(repr, reading.range))}"
    if reading.empty != "auto":
        yield f"--empty={','.join(map(repr, reading.empty)) or 'none'}"
    for name in ("deband", "alpha_mask", "allow_constant"):
        if getattr(reading, name):
            yield f"--{name.replace('_', '-')}"


def _also(also: Also) -> str:
    network = f"={also.control}" if also.control else ""
    return f"{also.kind}{network}:{_number(also.strength)}:{_span(also.window)}"


def _span(window: tuple[float, float]) -> str:
    return ":".join(map(_number, window))


def _number(value: float) -> str:
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)
