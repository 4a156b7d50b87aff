"""Colours for what a short sentence leaves open, drawn by the seed.

diorama was taught on sentences that name colours. Of "a bedroom" it paints the mean of all bedrooms, which is
gray; so what the sentence does not say of bed, wall and floor is said for it, in one of SCHEMES.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

PARTS = ("wall", "floor", "main", "accent", "house", "roof")
SCHEMES = (
    "white wooden blue orange red brown",
    "beige wooden turquoise white white red",
    "green wooden white yellow brick gray",
    "white gray red black wooden black",
    "beige brown green white yellow red",
    "blue wooden white red stone brown",
    "white wooden purple pink blue gray",
    "brown white beige green white orange",
    "turquoise wooden yellow white beige red",
)
"""What goes well together, in the order of PARTS, in words that diorama learned."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A thing of a scene: its noun, other words for it, and the part of a scheme that colours it."""

    noun: str
    part: str
    others: tuple[str, ...] = ()
    many: bool = False


_WALL, _FLOOR = Slot("wall", "wall", ("walls",)), Slot("floor", "floor", ("carpet", "rug", "tiles"))
_CHAIR = Slot("chair", "main", ("armchair", "office chair", "stool"))
_SOFA = Slot("sofa", "main", ("couch", "armchair"))
_PILLOW = Slot("pillow", "accent", ("cushion",), many=True)
_HOUSE = Slot("house", "house", ("home", "cottage", "cabin"))
_TREES = Slot("tree", "tree", ("fir", "pine"), many=True)
SCENES: tuple[tuple[tuple[str, ...], tuple[Slot, ...]], ...] = (
    (("bedroom",), (Slot("bed", "main"), _PILLOW, _WALL, _FLOOR)),
    (("living room", "lounge"), (_SOFA, Slot("rug", "accent"), _WALL, _FLOOR)),
    (("kitchen",), (Slot("cupboard", "main", ("cabinet", "counter")), _WALL, _FLOOR)),
    (("office", "study"), (Slot("desk", "floor", ("table",)), _CHAIR, _WALL, _FLOOR)),
    (("cupboard", "wardrobe", "closet", "shelf", "bookshelf"), (Slot("cupboard", "main"), _WALL, _FLOOR)),
    (("room", "interior"), (_CHAIR, _WALL, _FLOOR)),
    (("house", "home", "cottage", "cabin"), (_HOUSE, Slot("roof", "roof"), _TREES)),
)
"""Words that tell a scene, and what it shows; the first that a sentence speaks of counts."""

COLOURS = (
    "red", "orange", "yellow", "green", "turquoise", "blue", "purple", "pink", "brown", "beige", "white",
    "gray", "grey", "black", "golden", "wooden", "brick", "stone", "marble", "metal", "tiled", "leather",
    "concrete",
)  # fmt: skip
"""Words after which a thing needs no other."""
_OUTDOORS = re.compile(
    r"\b(?:house|home|cottage|cabin|street|tower|forest|woods|landscape|mountain|hill|lake|sea|ocean|beach|desert"
    r"|meadow)(?:s|es)?\b",
    re.IGNORECASE,
)
TIMES = (
    "in summer, on a sunny day",
    "in spring, at noon",
    "in summer, under a blue sky",
    "in summer, at noon",
)
"""Season and light that show colours; for outdoors, where nothing is said of either."""
_TIMED = re.compile(
    r"\b(?:spring|summer|autumn|fall|winter|snowy?|night|noon|evening|sunset|sunrise|fog|foggy|mist|misty|cloudy|clouds"
    r"|overcast|sunny|sunshine|moonlight|stars|(?:day|moon|lamp)?light|sky)\b",
    re.IGNORECASE,
)
_PALE = re.compile(r"\b(?:clay|pencil|sketch|drawing|monochrome|black and white)\b", re.IGNORECASE)


def expanded(prompt: str, seed: int) -> str:
    """`prompt` with a colour for whatever of its scene has none; equal arguments give equal sentences.

    Sentences of no known scene, and of styles without colour, stay as they are.
    """
    if _PALE.search(prompt):
        return prompt
    drawn = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:4])
    scheme = dict(zip(PARTS, SCHEMES[drawn % len(SCHEMES)].split(), strict=True)) | {"tree": "green"}
    slots = next(
        (slots for words, slots in SCENES if any(_mentions(word).search(prompt) for word in words)), ()
    )
    parts = [prompt.rstrip(" ,.;")]
    parts += [_thing(slot, scheme[slot.part]) for slot in slots if not _described(slot, prompt)]
    if _OUTDOORS.search(prompt) and not _TIMED.search(prompt):
        parts.append(TIMES[drawn % len(TIMES)])
    return ", ".join(parts) if len(parts) > 1 else prompt


def _described(slot: Slot, prompt: str) -> bool:
    """Whether the sentence gives the thing a colour or a material, in the two words before any mention."""
    found = (one for word in (slot.noun, *slot.others) for one in _mentions(word).finditer(prompt))
    before = (re.findall(r"[^\W\d_]+", prompt[: one.start()])[-2:] for one in found)
    return any(word.lower() in COLOURS for words in before for word in words)


def _mentions(word: str) -> re.Pattern[str]:
    return re.compile(rf"\b{word}(?:s|es)?\b", re.IGNORECASE)


def _thing(slot: Slot, colour: str) -> str:
    if slot.many:
        return f"{colour} {slot.noun}s"
    return f"{'an' if colour[0] in 'aeiou' else 'a'} {colour} {slot.noun}"
