"""The format that a picture is written in: PNG, JPEG or WebP. It is no setting of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal, cast, get_args

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.formats.samples import ENDINGS

FormatName = Literal["png", "jpeg", "webp"]
FORMATS: tuple[FormatName, ...] = get_args(FormatName)
SUFFIXES = frozenset(suffix for name in FORMATS for suffix in ENDINGS[name])
"""How the names of pictures end, in lower case."""
JPEG_QUALITY = 95
"""The quality of a JPEG for which none is asked."""
LEAST_QUALITY, MOST_QUALITY = 1, 100


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format, its quality from 1 to 100 (None: lossless), and how names of its files end."""

    name: FormatName = "png"
    quality: int | None = None
    suffix: str = ENDINGS["png"][0]

    def stem(self, file: str) -> str:
        """A file name without the ending of this format, if it has it."""
        return file[: -len(self.suffix)] if file.lower().endswith(self.suffix) else file


PNG = FileFormat()


@dataclass(frozen=True, slots=True)
class FormatChoice:
    """What a user asked for; None where it is open."""

    format: str | None = None
    quality: int | None = None

    def of(self, name: str | None = None) -> FileFormat:
        """The format of a picture with this file name: the one asked for, or that of the name's ending.

        PNG if both are open. Raises ParameterError: an unknown format, a name that ends like another format,
        a quality that is out of range, or one for a PNG.
        """
        suffix = "" if name is None else suffix_of(name).lower()
        named = next((each for each in FORMATS if suffix in ENDINGS[each]), None)
        chosen = self.format if self.format is not None else named or "png"
        if chosen not in FORMATS:
            raise _refused(f"there is no picture format '{chosen}'", f"choose {', '.join(FORMATS)}", chosen)
        if named not in (None, chosen):
            raise _refused(
                f"the name '{name}' ends like a {named} file, but the format is {chosen}",
                f"leave the format out, or give a name that ends with {ENDINGS[chosen][0]}",
                str(name),
            )
        quality = self._quality(chosen)
        return FileFormat(chosen, quality, suffix if named is not None else ENDINGS[chosen][0])

    def _quality(self, chosen: FormatName) -> int | None:
        quality = cast("object", self.quality)
        if quality is None:
            return JPEG_QUALITY if chosen == "jpeg" else None
        if chosen == "png":
            raise _refused(
                "a PNG has no quality: it is always lossless",
                "leave the quality out, or choose the format jpeg or webp",
                quality,
            )
        if type(quality) is not int or not LEAST_QUALITY <= quality <= MOST_QUALITY:
            raise _refused(
                f"the quality {quality!r} is not a whole number from {LEAST_QUALITY} to {MOST_QUALITY}",
                f"give {JPEG_QUALITY}, for example",
                quality,
            )
        return quality


OPEN = FormatChoice()


def suffix_of(name: str) -> str:
    """The ending of a file name, such as ".png", if it is that of a picture; otherwise empty."""
    suffix = PurePath(name).suffix
    return suffix if suffix.lower() in SUFFIXES else ""


def _refused(message: str, remedy: str, value: object) -> ParameterError:
    return ParameterError(message, code=ErrorCode.INVALID_PARAMETER, remedy=remedy, value=value)
