"""One painted picture in a report, with its depth, and the command that paints it again."""

from __future__ import annotations

import shlex
from io import BytesIO
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthpaint.core.errors import DepthpaintError, printable
from depthpaint.core.geometry import Extent
from depthpaint.core.setting import settings_of
from depthpaint.depth.compare import compared_size
from depthpaint.depth.read import read_depth
from depthpaint.depth.resize import depth_at
from depthpaint.formats.samples import MAX_PIXELS
from depthpaint.model_choice import Also, Lora
from depthpaint.record.paths import path_from_text
from depthpaint.record.picture_source import pixels_of, recorded_depth
from depthpaint.record.run_record import RunRecord
from depthpaint.record.sections import AgreementFacts
from depthpaint.report.account import Painted
from depthpaint.report.document import Shown, shortened
from depthpaint.request import Settings

SIDE = 256
"""Pixels of the longer side."""
QUALITY = 80


def thumbnail(pixels: NDArray[np.uint8], side: int = SIDE) -> bytes:
    """A JPEG of uint8 (H, W, 3), or (H, W) gray, with sides of at most `side` pixels."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    data = BytesIO()
    picture.save(data, "JPEG", quality=QUALITY, optimize=True)
    return data.getvalue()


_ALWAYS = ("model",)
"""Settings whose default a user's config file may change."""
_SEVERAL = ("--also", "--lora", "--empty")


def recipe(record: RunRecord) -> str:
    """`depthpaint generate` with the model and every setting that differs from its default.

    Settings whose default is the model's own are always included, in case that changes.
    """
    settings, words = record.settings, list[str]()
    for name, setting in settings_of(Settings).items():
        if (value := getattr(settings, name)) != setting.default or name in _ALWAYS:
            words += _option(setting.flag_of(name), value)
    if (pixels := record.depth.size.pixels) > MAX_PIXELS:
        words.append(f"--max-pixels={pixels}")
    subject = [path_from_text(record.depth.file), settings.prompt]
    # A prompt that starts with a dash would be taken for a flag.
    dashed = any(word.startswith("-") for word in subject)
    words = [*words, "--", *subject] if dashed else [*subject, *words]
    return " ".join(map(_quoted, ("depthpaint", "generate", *words)))


def _option(flag: str, value: object) -> list[str]:
    """The arguments that set a flag to a value."""
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    if flag in _SEVERAL:
        return [f"{flag}={_text(each)}" for each in cast("tuple[object, ...]", value)]
    return [f"{flag}={_text(value)}"]


def _text(value: object) -> str:
    """A value as the command line accepts it."""
    match value:
        case Also():
            network = f"={value.control}" if value.control else ""
            return f"{value.kind}{network}:{_text(value.strength)}:{_text(value.window)}"
        case Lora():
            return f"{value.file}:{_text(value.weight)}"
        case float():
            return f"{value:g}" if float(f"{value:g}") == value else repr(value)
        case Extent():
            return str(value)
        case (float(), float()):
            return ":".join(map(_text, value))
        case tuple():
            return ",".join(map(_text, cast("tuple[object, ...]", value))) or "none"
        case _:
            return str(value)


def _quoted(word: str) -> str:
    """Quote an argument for the shell. Unprintable characters are written as bytes in $'...', as in bash."""
    if printable(word) == word:
        return shlex.quote(word)
    letters = (letter if letter not in "\\'" else f"\\{letter}" for letter in word)
    return f"$'{''.join(letter if printable(letter) == letter else _bytes(letter) for letter in letters)}'"


def _bytes(letter: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))


VERIFIED = "-verified.png"
"""Panels beside a picture: expected and estimated depth and their difference, as in `verify --maps`."""


def shown(painted: Painted, name: str, maps: Path | None = None) -> Shown | None:
    """The picture with its depth and facts; None if its pixels cannot be read.

    `maps` is a folder with the depth maps, if they are neither at the recorded place nor beside the pictures.
    """
    pixels = _pixels(painted.path)
    if pixels is None:
        return None
    pictures = {"picture": pixels, **_depths(painted, pixels, maps)}
    settings, agreement = painted.record.settings, painted.record.agreement
    facts = [
        f"seed {settings.seed}, {settings.num_inference_steps} steps of {settings.sampler}, "
        f"guidance {settings.guidance_scale:g}, strength {settings.control_strength:g}, {settings.model}",
        *([] if agreement is None else [_agreed(agreement)]),
        *(["; ".join(painted.record.warnings)] if painted.record.warnings else []),
    ]
    return Shown(
        {label: thumbnail(each) for label, each in pictures.items()},
        caption=f"{shortened(name)}: {shortened(settings.prompt)}",
        facts=tuple(map(shortened, facts)),
        recipe=recipe(painted.record),
    )


def _agreed(agreement: AgreementFacts) -> str:
    scores = f"agreement {agreement.rank_correlation:.3f}, of detail {agreement.detail_correlation:.3f}"
    return f"{scores}, edges {agreement.edge_f_score:.2f}, by {agreement.estimator}"


def _depths(painted: Painted, pixels: NDArray[np.uint8], maps: Path | None) -> dict[str, NDArray[np.uint8]]:
    width, height = compared_size(Extent(pixels.shape[1], pixels.shape[0]))
    drawn = _pixels(painted.path.with_name(painted.path.stem + VERIFIED))
    if drawn is not None and drawn.shape[:2] == (height, 4 * width):
        expected, estimated, apart = (drawn[:, k * width : (k + 1) * width] for k in (1, 2, 3))
        return {"expected depth": expected, "estimated depth": estimated, "difference": apart}
    expected = _expected(painted, Extent(width, height), maps)
    return {} if expected is None else {"expected depth": expected}


def _expected(painted: Painted, size: Extent, maps: Path | None) -> NDArray[np.uint8] | None:
    """The depth map fitted to the picture, if its file is unchanged."""
    settings = painted.record.settings
    if settings.reading.from_photo is not None:
        return None
    try:
        depth = read_depth(recorded_depth(painted.record, painted.path, maps), settings.reading)
    except DepthpaintError:
        return None
    values, _ = depth_at(depth, size, settings.fit)
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def _pixels(path: Path) -> NDArray[np.uint8] | None:
    try:
        return pixels_of(path)
    except DepthpaintError:
        return None
