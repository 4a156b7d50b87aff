"""Which channel of an OpenEXR file is the depth: by its name, or by what the user called it."""

from __future__ import annotations

from dataclasses import dataclass

from depthpaint.depth.formats.samples import Quantity
from depthpaint.inputs.exr_header import ExrHeader
from depthpaint.inputs.refusal import bad_shape

_SHOWN = 12
_COLOURS = ("R", "G", "B")


@dataclass(frozen=True, slots=True)
class Choice:
    """Channels `names` of part `index`: one, or R, G and B; `label` is what to call them."""

    index: int
    names: tuple[str, ...]
    label: str
    quantity: Quantity | None


@dataclass(frozen=True, slots=True)
class _Candidate:
    index: int
    name: str
    label: str
    siblings: frozenset[str]

    @property
    def rank(self) -> int | None:
        """0 for the surest name of depth, 3 for mere brightness, None for what is no depth."""
        words = self.name.lower().split(".")
        stem = self.name[: -len(words[-1])]
        # Normals and positions have a Z as well, beside an X.
        vector = f"{stem}X" in self.siblings or f"{stem}x" in self.siblings
        if "mist" in self.label.lower().split("."):
            return 2
        if words[-1] in ("z", "depth") and not vector:
            return 0 if len(words) == 1 else 1
        if len(words) > 1 and words[-2] == "depth" and words[-1] in ("v", "y"):
            return 1
        return 3 if self.name == "Y" else None


def choose(name: str, header: ExrHeader, part: str | None) -> Choice:
    """Choose by `part` (a channel, a part of the file, or both with a point between), or by the names alone.

    Z, depth; then such names at the end of longer ones, as renderers write layers; then Mist; then Y; then R,
    G and B, which have to be equal. Raises DepthError (depth_bad_shape), which names what there is.
    """
    everything = _candidates(header)
    candidates = everything if part is None else _called(everything, header, part)
    if not candidates:
        raise bad_shape(
            name, f"no channel '{(part or '')[:80]}'", f"name one with --part: {_listed(everything)}"
        )
    if part is not None and len(candidates) == 1:
        return _single(candidates[0])
    for rank in range(4):
        found = [each for each in candidates if each.rank == rank]
        if len(found) == 1:
            return _single(found[0])
        if found:
            raise _several(name, found)
    coloured = [
        index
        for index in sorted({each.index for each in candidates})
        if {each.name for each in candidates if each.index == index} >= set(_COLOURS)
    ]
    if len(coloured) == 1:
        return Choice(coloured[0], _COLOURS, _labelled(header, coloured[0], "RGB"), None)
    raise _several(name, candidates)


def _single(candidate: _Candidate) -> Choice:
    quantity: Quantity | None = None
    if "disp" in candidate.label.lower():
        quantity = "disparity"
    elif candidate.rank in (0, 1, 2):
        # Renderers write the distance, and mist from 0 at the camera to 1 far away.
        quantity = "distance"
    return Choice(candidate.index, (candidate.name,), candidate.label, quantity)


def _candidates(header: ExrHeader) -> list[_Candidate]:
    # One set a part: a set a channel makes thousands of channels a matter of seconds.
    beside = [frozenset(channel.name for channel in part.channels) for part in header.parts]
    return [
        _Candidate(index, channel.name, _labelled(header, index, channel.name), beside[index])
        for index, part in enumerate(header.parts)
        for channel in part.channels
    ]


def _labelled(header: ExrHeader, index: int, channel: str) -> str:
    """The channel's name, after the part's name where there are several parts."""
    part = header.parts[index].name
    return f"{part}.{channel}" if header.multi_part and part else channel


def _called(candidates: list[_Candidate], header: ExrHeader, part: str) -> list[_Candidate]:
    return (
        [each for each in candidates if each.label == part]
        or [each for each in candidates if each.name == part]
        or [each for each in candidates if header.parts[each.index].name == part]
        # A layer: all that begins with it.
        or [each for each in candidates if each.label.startswith(f"{part}.")]
    )


def _several(name: str, candidates: list[_Candidate]) -> Exception:
    return bad_shape(
        name,
        f"several channels that could be the depth: {_listed(candidates)}",
        "name one with --part CHANNEL",
    )


def _listed(candidates: list[_Candidate]) -> str:
    names = [each.label[:80] for each in candidates]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
