"""How depth files were understood, as text and as JSON: what `depthpaint inspect` prints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from depthpaint.core.errors import DepthpaintError, number_text, printable
from depthpaint.depth.depth_map import LEAST_CONFIDENCE, DepthSource

TITLES = ("file", "size", "format", "bits", "colours", "near", "kind", "range", "holes", "verdict")
SMALL_SIDE = 128


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A file, how it was understood (None if it cannot be read), its error, and the file that was written."""

    path: Path
    source: DepthSource | None
    error: DepthpaintError | None
    written: Path | None

    def row(self) -> dict[str, object]:
        """The JSON object of this file. "confidence" has a number for each inferred property."""
        found: dict[str, object] = {"path": str(self.path)}
        if self.source is not None:
            found |= _row(self.source)
        if self.error is not None:
            found |= {"error": self.error.code.value, "advice": [str(self.error), *advice(self.source)]}
        if self.written is not None:
            found["written"] = str(self.written)
        return found


def _row(source: DepthSource) -> dict[str, object]:
    near = source.finding("near")
    return {
        "format": source.format,
        "size": str(source.size),
        "bits": source.container_bits,
        "bits_used": source.bits_used,
        "levels": source.levels,
        "range": list(source.raw_range),
        "used_range": list(source.used_range),
        "colour_map": source.colour_map,
        "near": source.near,
        "kind": source.kind,
        "unit": source.unit,
        "metres": source.metres,
        "metres_per_step": source.metres_per_step,
        "frame": _box(source),
        "holes": _holes(source),
        "invalid": round(source.invalid_share, 6),
        "confidence": {found.aspect: round(found.confidence, 4) for found in source.findings},
        "evidence": {found.aspect: found.evidence for found in source.findings},
        "certain": near is None or near.confidence >= LEAST_CONFIDENCE,
        "estimator": source.estimator,
        "sha256": source.sha256,
        "notes": list(source.notes),
        "advice": advice(source),
    }


def _box(source: DepthSource) -> dict[str, object] | None:
    """The box of the map in the picture; None if nothing was cut off."""
    found = source.finding("frame")
    if source.frame is None or found is None:
        return None
    left, top, right, bottom = source.frame
    return {"left": left, "top": top, "right": right, "bottom": bottom, "what": found.evidence}


def _holes(source: DepthSource) -> dict[str, object] | None:
    """What pixels without depth mean, what they are filled with, and why; None if there are none."""
    found = source.finding("holes")
    if found is None:
        return None
    return {"fill": source.reading.holes, "meaning": found.value, "why": found.evidence}


def advice(source: DepthSource | None) -> list[str]:
    """Hints for improving a map."""
    if source is None:
        return []
    found = [f"{aspect.evidence}" for aspect in source.findings if aspect.aspect == "banding"]
    if min(source.size) < SMALL_SIDE:
        found.append("a small map: edges will be soft in larger pictures")
    return found


def in_full(diagnoses: list[Diagnosis]) -> str:
    """One block per file: its format, every finding with confidence and evidence, and hints."""
    return "\n\n".join(map(_block, diagnoses))


def _block(found: Diagnosis) -> str:
    source, lines = found.source, [printable(str(found.path))]
    if source is not None:
        bits = f"{source.container_bits} bits, {source.levels} levels"
        lines[0] += f"   {source.size} {source.format.upper()}, {bits}"
        rows = [
            (f.aspect.replace("_", " "), f.value, f"{f.confidence:.0%}", f.evidence)
            for f in source.findings
            if f.aspect != "banding"
        ]
        widths = [max((len(row[k]) for row in rows), default=0) for k in range(3)]
        for aspect, value, sure, why in rows:
            lines.append(f"  {aspect:<{widths[0]}}  {value:<{widths[1]}}  {sure:>{widths[2]}}  {why}")
        low, high = source.used_range
        shown = f"{number_text(low)} to {number_text(high)}"
        lines.append(f"  {'painted from':<{widths[0]}}  {shown}, {source.near} is near")
        lines += [f"  note: {note}" for note in source.notes if note not in advice(source)]
    lines += [f"  advice: {line}" for line in advice(source)]
    lines.append(f"  NOT READY: {found.error}" if found.error is not None else "  ready")
    return "\n".join(lines)


def table(diagnoses: list[Diagnosis]) -> str:
    """A table with one line per file, followed by the errors of files that are not ready."""
    rows = [TITLES, *map(_cells, diagnoses)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in rows]
    lines += [
        f"{printable(str(found.path))}: {found.error}" for found in diagnoses if found.error is not None
    ]
    return "\n".join(lines)


def one_line(found: Diagnosis) -> str:
    """How a file was understood, or its error, in one line."""
    if found.error is not None or found.source is None:
        return f"depthpaint: error: {found.error}"
    titles = dict(zip(TITLES, _cells(found), strict=True))
    return "  ".join(titles[name] for name in ("file", "size", "format", "colours", "near", "kind", "range"))


def _cells(found: Diagnosis) -> tuple[str, ...]:
    source, path = found.source, printable(str(found.path))
    if source is None:
        return (path, *["-"] * (len(TITLES) - 2), "refused")
    low, high = source.used_range
    near, colours = source.finding("near"), source.finding("colour_map")
    return (
        path, str(source.size), source.format.upper(), f"{source.bits_used} of {source.container_bits}",
        source.colour_map + (f" {colours.confidence:.0%}" if colours else ""),
        source.near + (f" {near.confidence:.0%}" if near else ""),
        source.kind, f"{number_text(low)} to {number_text(high)}", f"{source.invalid_share:.1%}",
        "ready" if found.error is None else "not ready",
    )  # fmt: skip
