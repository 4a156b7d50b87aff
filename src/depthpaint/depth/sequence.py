"""A folder of depth maps as the frames of one sequence: checked to be one, and understood together."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from depthpaint.core.errors import DepthError, ErrorCode, number_text, printable
from depthpaint.depth.depth_map import DepthMap, DepthReading, DepthSource, Finding
from depthpaint.depth.export import preview_path
from depthpaint.depth.read import AS_IT_IS, read_depth, read_source, require_certain_near
from depthpaint.formats.samples import FOLDER_ENDINGS

Look = Callable[[Path, DepthReading], DepthSource]

MOST_ODDS = math.log(0.999 / 0.001)
"""The most that one frame counts, in nats: no frame decides alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """How all frames are read: with one `reading`. `findings` are what was concluded from all of them."""

    reading: DepthReading
    findings: tuple[Finding, ...]

    def source(self, frame: DepthSource) -> DepthSource:
        """The origin of one frame, where the conclusions about the sequence replace those about the frame."""
        concluded = {finding.aspect: finding for finding in self.findings}
        return replace(frame, findings=tuple(concluded.get(found.aspect, found) for found in frame.findings))


def frames_of(folder: Path) -> list[Path]:
    """The depth files of a folder in the order of their numbers ("frame2" before "frame10").

    Previews that were saved beside them are left out. Raises DepthError if there are none.
    """
    try:
        frames = [
            path for path in folder.iterdir() if path.suffix.lower() in FOLDER_ENDINGS and path.is_file()
        ]
    except OSError as error:
        raise DepthError(
            f"cannot read {folder}: {error.strerror}",
            code=ErrorCode.DEPTH_UNREADABLE,
            remedy="give a folder of depth maps",
            value=str(folder),
        ) from error
    if not frames:
        raise DepthError(
            f"{folder} contains no depth map",
            code=ErrorCode.DEPTH_UNREADABLE,
            remedy=f"put files with one of these endings in it: {', '.join(sorted(FOLDER_ENDINGS))}",
            value=str(folder),
        )
    previews = {preview_path(frame) for frame in frames}
    return sorted((frame for frame in frames if frame not in previews), key=_natural)


def read_together(
    frames: Sequence[Path],
    reading: DepthReading = AS_IT_IS,
    on_frame: Callable[[int], None] | None = None,
    look: Look = read_source,
) -> Together:
    """Look at every frame once and conclude what is common to all of them.

    The near end is that of the frames' mean evidence (their log odds): frames of one film resemble each other
    and repeat their errors, so that many of them are no more certain than one. The kind counts by confidence.
    The range is from the lowest to the highest used in any frame. `on_frame` is called with each frame's
    number, from 1. Raises DepthError if a frame cannot be read, if the frames differ in size, format, bits,
    colours or unit, and if the near end is not certain enough.
    """
    sources: list[DepthSource] = []
    for number, frame in enumerate(frames, 1):
        sources.append(look(frame, reading))
        if on_frame is not None:
            on_frame(number)
    _require_one_kind(sources)
    near = _near(sources, reading)
    kind = _kind([source for source in sources if source.near == near.value], reading)
    require_certain_near(near, str(Path(sources[0].path).parent), f"its {_count(sources)}")
    settled = {
        **reading.model_dump(),
        "near": near.value,
        "kind": kind.value,
        "colour_map": sources[0].colour_map,
    }
    findings = [near, kind]
    if (colours := _weakest(sources, "colour_map")) is not None:
        findings.append(colours)
    if not isinstance(reading.range, tuple):
        ends = [source.used_range for source in sources]
        low, high = min(end[0] for end in ends), max(end[1] for end in ends)
        if low < high:
            settled["range"] = (low, high)
            findings.append(Finding(
                aspect="range", value=f"{number_text(low, 6)} to {number_text(high, 6)}", confidence=1.0,
                evidence=f"the least to the greatest of {_count(sources)}", flag="--range",
            ))  # fmt: skip
    return Together(reading=DepthReading.model_validate(settled), findings=tuple(findings))


def read_sequence(frames: Sequence[Path], together: Together) -> Iterator[DepthMap]:
    """Every frame, read as it was concluded from all."""
    for frame in frames:
        depth = read_depth(frame, together.reading)
        yield replace(depth, source=together.source(depth.source))


def _require_one_kind(sources: Sequence[DepthSource]) -> None:
    """Raise DepthError unless the frames have one size, format, number of bits, colour map and unit."""
    separate = "inspect them one by one, or put each kind into a folder of its own"
    for facts, remedy in (
        (_colours, f"{separate}; --colour-map reads all of them with one map"),
        (_numbers, separate),
        (_size, separate),
        (_unit, f"{separate}; --unit reads all of them with one unit"),
        (_stated, f"{separate}; --near and --kind read all of them in one way"),
    ):
        usual = Counter(map(facts, sources)).most_common(1)[0][0]
        other = next((source for source in sources if facts(source) != usual), None)
        if other is None:
            continue
        one = next(source for source in sources if facts(source) == usual)
        if facts is _size and any(source.finding("frame") for source in (one, other)):
            remedy = f"{separate}; --frame keep cuts nothing off"
        folder, (first, second) = Path(one.path).parent, sorted((one, other), key=lambda each: each.path)
        raise DepthError(
            f"{folder} is not one sequence: {_name(first)} is {facts(first)}, {_name(second)} is "
            f"{facts(second)}",
            code=ErrorCode.DEPTH_BAD_SHAPE,
            remedy=remedy,
            value=str(folder),
        )


def _name(source: DepthSource) -> str:
    return printable(Path(source.path).name)


def _colours(source: DepthSource) -> str:
    packed = source.colour_map in ("rgb24", "bgr24")
    if source.colour_map == "gray":
        return "gray"
    return f"packed as {source.colour_map}" if packed else f"drawn with the colour map {source.colour_map}"


def _numbers(source: DepthSource) -> str:
    return f"{source.format.upper()} with {source.container_bits} bits"


def _size(source: DepthSource) -> str:
    cut = source.finding("frame")
    return f"{source.size} pixels" + (f" after a cut ({cut.evidence})" if cut else "")


def _unit(source: DepthSource) -> str:
    return "without a stated unit" if source.metres is None else f"in steps of {source.metres:g} m"


def _stated(source: DepthSource) -> str:
    """What the file itself states of its near end; frames that state nothing may differ."""
    near = source.finding("near")
    return near.evidence if near is not None and near.confidence == 1 else "without a stated near end"


def _near(sources: Sequence[DepthSource], reading: DepthReading) -> Finding:
    found = [finding for source in sources if (finding := source.finding("near")) is not None]
    if reading.near != "auto" or all(finding.confidence == 1 for finding in found):
        return found[0]
    odds = [_log_odds(finding) for finding in found]
    mean = sum(odds) / len(odds)
    near = "white" if mean >= 0 else "black"
    agree = sum(finding.value == near for finding in found)
    strongest = max(found, key=lambda finding: (finding.value == near, finding.confidence))
    evidence = f"{agree} of {_count(sources)}, on average; of the surest: {strongest.evidence}"
    return Finding(
        aspect="near", value=near, confidence=1 / (1 + math.exp(-abs(mean))), evidence=evidence, flag="--near"
    )


def _kind(sources: Sequence[DepthSource], reading: DepthReading) -> Finding:
    """The kind of frames with the same near end, by the sum of their confidences."""
    found = [finding for source in sources if (finding := source.finding("kind")) is not None]
    if reading.kind != "auto" or len(found) == 1:
        return found[0]
    votes = Counter[str]()
    for finding in found:
        votes[finding.value] += finding.confidence  # pyright: ignore[reportArgumentType]
    value = max(votes, key=lambda name: votes[name])
    surest = max(found, key=lambda finding: (finding.value == value, finding.confidence))
    return replace(surest, confidence=votes[value] / len(found))


def _weakest(sources: Sequence[DepthSource], aspect: str) -> Finding | None:
    found = [finding for source in sources for finding in source.findings if finding.aspect == aspect]
    return min(found, key=lambda finding: finding.confidence, default=None)


def _count(sources: Sequence[DepthSource]) -> str:
    return f"{len(sources)} frame{'s' if len(sources) > 1 else ''}"


def _log_odds(near: Finding) -> float:
    confidence = near.confidence
    odds = MOST_ODDS if confidence == 1 else min(math.log(confidence / (1 - confidence)), MOST_ODDS)
    return odds if near.value == "white" else -odds


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", path.name)]
