"""Colour schemes for short prompts: diorama paints the gray mean of all bedrooms where no colour is named."""

from __future__ import annotations

import hashlib
import re

THING = "thing"
"""In a scheme: the thing that the prompt mentions, by the prompt's word for it."""

_BED = (
    "white bed, yellow pillows, gray wall, wooden floor",
    "blue bed, white pillows, white wall, wooden floor",
    "white bed, blue pillows, white wall, wooden floor",
    "white bed, brown pillows, beige wall, wooden floor",
    "beige bed, turquoise pillows, white wall, brown floor",
    "gray bed, white pillows, beige wall, wooden floor",
    "white bed, turquoise pillows, beige wall, wooden floor",
    "white bed, red pillows, white wall, gray floor",
)
_SOFA = (
    "gray sofa, yellow pillows, white wall, wooden floor",
    "white sofa, blue rug, beige wall, wooden floor",
    "blue sofa, white rug, white wall, wooden floor",
    "beige sofa, red rug, white wall, wooden floor",
    "turquoise sofa, white rug, beige wall, wooden floor",
    "brown leather sofa, white rug, white wall, gray floor",
    "orange sofa, gray rug, white wall, wooden floor",
    "white sofa, gray rug, gray wall, wooden floor",
)
_KITCHEN = (
    "wooden cupboard, white wall, gray floor",
    "white cupboard, beige wall, wooden floor",
    "blue cupboard, white wall, wooden floor",
    "gray cupboard, white wall, wooden floor",
    "white cupboard, turquoise wall, wooden floor",
    "white cupboard, white wall, brown floor",
)
_CUPBOARD = tuple(scheme.replace("cupboard", THING) for scheme in _KITCHEN)
_DESK = (
    "wooden desk, blue chair, white wall, gray floor",
    "white desk, gray chair, beige wall, wooden floor",
    "wooden desk, white chair, beige wall, brown floor",
    "white desk, turquoise chair, white wall, wooden floor",
    "wooden desk, black chair, white wall, gray floor",
    "white desk, orange chair, gray wall, wooden floor",
)
_CHAIR = (
    "yellow chair, gray wall, wooden floor",
    "red chair, white wall, gray floor",
    "blue chair, white wall, wooden floor",
    "white chair, beige wall, brown floor",
    "turquoise chair, beige wall, wooden floor",
    "brown leather chair, white wall, wooden floor",
    "orange chair, white wall, wooden floor",
    "green chair, white wall, wooden floor",
)
_SEAT = tuple(scheme.replace("chair", THING) for scheme in _CHAIR)
_TABLE = (
    "wooden table, white wall, gray floor",
    "white table, beige wall, wooden floor",
    "wooden table, beige wall, brown floor",
    "brown table, white wall, wooden floor",
    "white table, gray wall, wooden floor",
)
_THINGS = (
    "yellow thing, gray wall, wooden floor",
    "white thing, beige wall, wooden floor",
    "blue thing, white wall, wooden floor",
    "turquoise thing, white wall, brown floor",
    "red thing, white wall, gray floor",
)
_PLANT = ("green plant, white wall, wooden floor", "green plant, beige wall, brown floor")
_WALLS = tuple(scheme.partition(", ")[2] for scheme in _CHAIR)
_HOUSE = (
    "yellow house, gray roof, green trees, in summer, under a blue sky",
    "wooden house, gray roof, green trees, in summer, on a sunny day",
    "white house, red roof, green trees, in summer, on a sunny day",
    "beige house, brown roof, green trees, in spring, at noon",
    "white house, blue roof, green trees, in summer, at noon",
    "white house, brown roof, orange trees, in autumn, on a sunny day",
    "stone house, red roof, green trees, in summer, under a blue sky",
    "red house, white roof, in winter, on a sunny day",
)
_STREET = (
    "white houses, white roofs, in winter, on a sunny day",
    "yellow houses, brown roofs, gray street, in summer, at noon",
    "beige houses, red roofs, gray street, green trees, in spring, under a blue sky",
    "brick houses, gray roofs, gray street, orange trees, in autumn, on a sunny day",
    "white houses, red roofs, gray street, in summer, on a sunny day",
)
_TOWER = (
    "white thing, in winter, on a sunny day",
    "white thing, gray street, in summer, on a sunny day",
    "beige thing, green trees, in summer, under a blue sky",
    "brick thing, orange trees, in autumn, on a sunny day",
    "gray thing, gray street, in summer, under a blue sky",
)
_CITY = tuple(scheme.replace(THING, "towers") for scheme in _TOWER)
_FOREST = (
    "yellow trees, green grass, in autumn, at noon",
    "orange trees, in autumn, on a sunny day",
    "green trees, green grass, in spring, under a blue sky",
    "white trees, in winter, on a sunny day",
    "green trees, green grass, in summer, on a sunny day",
)
_SNOW = (
    "green grass, green trees, in spring, under a blue sky",
    "white snow, in winter, at sunset",
    "white snow, in winter, on a sunny day",
    "white snow, in winter, under a blue sky",
)
_LAND = (
    "green grass, green trees, in spring, at noon",
    "yellow grass, orange trees, in autumn, on a sunny day",
    "green grass, blue mountains, green trees, in summer, under a blue sky",
    "yellow grass, brown mountains, in autumn, in evening light",
    "green grass, gray mountains, green trees, in summer, on a sunny day",
    "white snow, gray mountains, in winter, on a sunny day",
)
_HILLS = tuple(re.sub(r"\b\w+ mountains, ", "", scheme) for scheme in _LAND)
_LAKE = (
    "green trees, green grass, in spring, at noon",
    "orange trees, in autumn, on a sunny day",
    "green trees, green grass, in summer, under a blue sky",
    "green trees, in summer, at sunset",
)
_SEA = ("in summer, at noon", "at sunset", "in summer, under a blue sky", "on a sunny day")

SCENES: dict[str, tuple[str, ...]] = {
    # A room's name says more than the things in it.
    "bedroom": _BED, "living room|lounge": _SOFA, "kitchen": _KITCHEN, "office|study": _DESK,
    # Houses, also in a forest or before mountains.
    "street|road|village": _STREET, "house|home|cottage|cabin|roof": _HOUSE,
    "tower|building": _TOWER, "city": _CITY,
    # Furniture, also in "a room with a cupboard".
    "bed|headboard|bedside": _BED, "sofa|couch": _SOFA, "desk": _DESK,
    "cupboard|wardrobe|closet|cabinet|counter|shelf|shelves|bookshelf|bookshelves": _CUPBOARD,
    "armchair|chair|stool": _SEAT, "room|interior|corner": _CHAIR,
    # Landscapes: what stands before the mountains says more than they do.
    "lake|water": _LAKE, "sea|ocean|beach": _SEA, "desert|sand|dunes": _SEA, "forest|woods": _FOREST,
    "snowy mountain landscape|snowy mountain|mountains with snow|snow": _SNOW, "hill": _HILLS,
    "mountain|landscape|meadow|outdoors|country|grass|path|fence": _LAND,
    "tree|fir|pine": _FOREST,
    # Things alone.
    "sphere|ball|cube|box|cylinder|cone|ring|torus|bottle|bowl|pyramid|vase|pillow|cushion|lamp|chandelier"
    "|rug|curtains|mirror": _THINGS,
    "table|still life": _TABLE, "plant": _PLANT, "wall|floor|carpet|ceiling|beams|door|window": _WALLS,
}  # fmt: skip
"""The words of each kind of scene and its schemes; the first kind that a prompt mentions is used."""

OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "pillow": ("cushion",), "floor": ("carpet", "rug"), "rug": ("carpet",), "sofa": ("couch", "armchair"),
    "chair": ("armchair", "stool"), "desk": ("table",), "cupboard": ("cabinet", "counter"),
    "house": ("home", "cottage", "cabin"), "street": ("road",), "tree": ("fir", "pine", "forest"),
    "grass": ("meadow",), "tower": ("building",),
}  # fmt: skip
"""What a prompt may call a thing of the schemes."""

COLOURS = (
    "red", "orange", "yellow", "green", "turquoise", "blue", "purple", "pink", "brown", "beige", "white",
    "gray", "grey", "black", "golden", "wooden", "brick", "stone", "marble", "metal", "tiled", "leather",
    "concrete",
)  # fmt: skip
"""Words after which a thing needs no colour."""
SEASONS = {"spring": "spring", "summer": "summer", "autumn": "autumn|fall", "winter": "winter|snow|snowy"}
_LIT = re.compile(
    r"\b(?:(?:mid)?night|(?:mid|after)?noon|midday|morning|evening|dusk|dawn|twilight|sunset|sunrise|fog|foggy"
    r"|mist|misty|cloudy|clouds|overcast|rain|rainy|raining|storm|stormy|sunny|sunshine|moon|stars|dark"
    r"|(?:day|moon|lamp)?light|bright|sky|(?:blue|golden) hour)\b",
    re.IGNORECASE,
)
_PALE = re.compile(
    r"\b(?:clay|pencil|charcoal|sketch|drawing|etching|monochrome|gr[ae]yscale|black[ -](?:and|&)[ -]white"
    r"|b ?[&/] ?w)\b",
    re.IGNORECASE,
)


def expanded(prompt: str, seed: int) -> str:
    """`prompt` with the colours, season and light that it leaves open; equal arguments give equal prompts.

    The seed draws one of the schemes of the scene that the prompt mentions. Prompts without a known scene,
    in a style without colour, or of single things with a colour, are unchanged.
    """
    scene = None if _PALE.search(prompt) else _scene_of(prompt)
    if scene is None:
        return prompt
    word, schemes = scene
    if schemes is _THINGS and _described(word, prompt):
        return prompt
    season = _season_in(prompt.replace(word, ""))
    fitting = tuple(scheme for scheme in schemes if season and f"in {season}" in scheme)
    drawn = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:4])
    scheme = (fitting or schemes)[drawn % len(fitting or schemes)]
    parts = [part.replace(THING, word.lower()) for part in scheme.split(", ")]
    if season and not fitting:
        # What grows has the colours of another season.
        parts = [part for part in parts if not part.endswith(("trees", "grass"))]
    added = [_with_article(part) for part in parts if not _stated(part, prompt, season)]
    return ", ".join([prompt.rstrip(" ,.;"), *added]) if added else prompt


def _scene_of(prompt: str) -> tuple[str, tuple[str, ...]] | None:
    """The word that indicates the prompt's scene, as it is in the prompt, and the scene's schemes."""
    for words, schemes in SCENES.items():
        if (found := _mentions(words).search(prompt)) is not None:
            return found[0], schemes
    return None


def _season_in(prompt: str) -> str:
    return next((name for name, words in SEASONS.items() if _mentions(words).search(prompt)), "")


def _stated(part: str, prompt: str, season: str) -> bool:
    """Whether the prompt says this part of a scheme, or something else in its place."""
    if part.startswith(("in ", "on ", "at ", "under ")):
        return bool(season if _season_in(part) else _LIT.search(prompt))
    return _described(part.rpartition(" ")[2], prompt)


def _described(noun: str, prompt: str) -> bool:
    """Whether the prompt gives a thing a colour, in the two words before a mention of it or after "is".

    Or says that there is none of it.
    """
    single = noun if noun in OTHER_NAMES else noun.removesuffix("s")
    for one in _mentions("|".join((single, *OTHER_NAMES.get(single, ())))).finditer(prompt):
        before = re.findall(r"[^\W\d_]+", prompt[max(0, one.start() - 80) : one.start()])[-2:]
        after = _COLOUR_BEHIND.findall(prompt[one.end() : one.end() + 80])
        if any(word.lower() in ("no", "without") for word in before):
            return True
        if any(word.lower() in COLOURS for word in (*before, *after)):
            return True
    return False


_COLOUR_BEHIND = re.compile(
    r"^(?:\s*,)?(?:\s+(?:which|that))?\s+(?:is|are|in|painted)(?:\s+painted)?\s+([^\W\d_]+)", re.IGNORECASE
)


def _mentions(words: str) -> re.Pattern[str]:
    """Matches any of the words, separated by "|", in singular and plural."""
    return re.compile(rf"\b(?:{words})(?:s|es)?\b", re.IGNORECASE)


def _with_article(part: str) -> str:
    if part.endswith(("s", "grass", "snow")) or part.startswith(("in ", "on ", "at ", "under ")):
        return part
    return f"{'an' if part[0] in 'aeiou' else 'a'} {part}"
