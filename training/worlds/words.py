"""Every word of the worlds' captions: what a thing, a light, a season or a style may be called."""

from __future__ import annotations

import re
from itertools import chain

from training.worlds.palette import COLOURS

NOUNS: dict[str, tuple[str, ...]] = {
    "wall": ("wall",),
    "floor": ("floor",),
    "carpet": ("carpet", "carpet", "floor"),
    "ceiling": ("ceiling",),
    "beam": ("beams",),
    "bed": ("bed",),
    "pillow": ("pillow", "cushion"),
    "headboard": ("headboard",),
    "bedside table": ("bedside table",),
    "wardrobe": ("wardrobe", "closet", "cupboard"),
    "cupboard": ("cupboard", "cupboard", "cabinet"),
    "shelf": ("shelf", "bookshelf"),
    "sofa": ("sofa", "couch"),
    "armchair": ("armchair", "chair"),
    "chair": ("chair",),
    "office chair": ("office chair", "chair"),
    "desk": ("desk", "table"),
    "table": ("table",),
    "stool": ("stool", "bar stool"),
    "counter": ("counter",),
    "rug": ("rug", "carpet"),
    "lamp": ("lamp",),
    "ring lamp": ("ring lamp", "lamp"),
    "chandelier": ("chandelier",),
    "picture": ("picture", "painting"),
    "mirror": ("mirror",),
    "plant": ("plant",),
    "vase": ("vase",),
    "curtain": ("curtains",),
    "door": ("door",),
    "window": ("window",),
    "fir": ("fir tree", "pine tree", "tree"),
    "house": ("house", "house", "home"),
    "roof": ("roof",),
    "tower": ("tower", "building"),
    "fence": ("fence",),
    "path": ("path", "road"),
    "street": ("street", "road"),
    "street lamp": ("street lamp",),
    "tree": ("tree",),
    "grass": ("grass", "meadow"),
    "snow": ("snow",),
    "sand": ("sand", "dunes"),
    "beach": ("beach",),
    "ground": ("ground",),
    "lake": ("lake", "water"),
    "sea": ("sea", "ocean", "water"),
    "mountain": ("mountain",),
    "snowy mountain": ("snowy mountain",),
    "hill": ("hill",),
    "sphere": ("sphere", "ball"),
    "cube": ("cube",),
    "box": ("box",),
    "cylinder": ("cylinder",),
    "cone": ("cone",),
    "ring": ("ring", "torus"),
    "bottle": ("bottle",),
    "bowl": ("bowl",),
    "pyramid": ("pyramid",),
    "cushion": ("cushion", "pillow"),
}
"""What each named thing may be called; the first is what a full caption says."""

UNCOUNTED = frozenset({"grass", "snow", "sand", "dunes", "water", "beams", "curtains", "meadow", "ground"})
PLURALS = {
    "beach": "beaches",
    "shelf": "shelves",
    "bookshelf": "bookshelves",
    "box": "boxes",
    "couch": "couches",
    "torus": "toruses",
}

MATERIALS: dict[str, str] = {
    "wood": "wooden",
    "gold": "golden",
    "tiles": "tiled",
    "marble": "marble",
    "stone": "stone",
    "brick": "brick",
    "metal": "metal",
    "glass": "glass",
    "fabric": "fabric",
    "velvet": "velvet",
    "leather": "leather",
    "concrete": "concrete",
    "shiny": "shiny",
    "sand": "",
    "water": "",
}
"""The adjective of a material; empty where the noun says it already."""

MOODS: dict[str, tuple[str, ...]] = {
    "luxury": ("luxury", "luxurious"),
    "cosy": ("cosy", "cozy"),
    "modern": ("modern", "modern", "simple"),
}

PLACES: dict[str, tuple[str, ...]] = {
    "bedroom": ("bedroom", "bedroom interior", "bedroom"),
    "living room": ("living room", "living room interior", "lounge"),
    "kitchen": ("kitchen", "kitchen interior"),
    "office": ("home office", "office interior", "office", "study"),
    "cupboard wall": ("room", "room interior", "walls", "wall"),
    "chair room": ("room", "room", "room interior", "corner of a room", "empty room"),
    "house": ("house", "home", "country house"),
    "house in the forest": (
        "house in the forest",
        "house in the forest",
        "house in the woods",
        "home in a forest",
    ),
    "street": ("street", "street with houses", "road with houses", "village street"),
    "city street": ("city street", "city", "street with towers"),
    "mountains": ("mountains", "mountain landscape", "mountain range", "landscape with mountains"),
    "snowy mountains": (
        "snowy mountains",
        "snowy mountains",
        "snowy mountain landscape",
        "mountains with snow",
    ),
    "landscape": (
        "landscape",
        "landscape, mountains in the background",
        "landscape with mountains in the background",
        "meadow, mountains in the background",
    ),
    "lake": ("lake", "lake, mountains in the background", "mountain lake", "lake landscape"),
    "sea": ("sea", "beach by the sea", "sea and beach", "beach"),
    "desert": ("desert", "desert landscape", "sand dunes in the desert"),
    "hills": ("hills", "landscape with hills", "rolling hills"),
    "forest": ("forest", "trees in a forest", "woods", "forest landscape"),
    "table": ("table", "still life"),
    "outdoors": ("outdoors", "landscape"),
    "room": ("room", "interior"),
}

LIGHTS: dict[str, tuple[str, ...]] = {
    "daylight": ("in daylight", "in bright daylight", "bright"),
    "soft": ("in soft light", "soft light"),
    "evening": ("in warm evening light", "in the evening", "evening light"),
    "lamps": ("at night with lamp light", "at night", "lamp light", "by lamp light"),
    "noon": ("on a sunny day", "at noon", "sunny", "under a blue sky", "in sunshine"),
    "overcast": ("on an overcast day", "under a gray sky", "cloudy", "under clouds"),
    "sunset": ("at sunset", "sunset", "at sunrise", "in evening light"),
    "night": ("at night", "night", "under the stars", "in moonlight"),
    "fog": ("in fog", "foggy", "in mist", "misty"),
}

SEASONS: dict[str, tuple[str, ...]] = {
    "spring": ("in spring", "spring"),
    "summer": ("in summer", "summer"),
    "autumn": ("in autumn", "autumn", "in fall"),
    "winter": ("in winter", "winter", "with snow"),
}

STYLES: dict[str, tuple[str, ...]] = {
    "photo": ("photo of", "a photo of", "picture of", "a view of"),
    "clay": ("clay model of", "a clay model of", "a gray clay model of"),
    "watercolour": ("watercolour painting of", "a watercolour of", "a painting of", "watercolor painting of"),
    "pencil": ("pencil sketch of", "a pencil drawing of", "a sketch of", "drawing of"),
}

STYLE_TAGS: dict[str, tuple[str, ...]] = {
    "photo": ("photo", "realistic photo"),
    "clay": ("clay model",),
    "watercolour": ("watercolour", "painting"),
    "pencil": ("pencil sketch", "pencil drawing"),
}

FILLERS = "a an the and with on in of at under before behind front beside near background interior , ."
PRAISE = ("beautiful", "lovely", "nice")

SYNONYMS: dict[str, str] = {
    "grey": "gray",
    "teal": "turquoise",
    "cyan": "turquoise",
    "cream": "beige",
    "ivory": "beige",
    "tan": "beige",
    "violet": "purple",
    "magenta": "pink",
    "scarlet": "red",
    "crimson": "red",
    "gold": "golden",
    "wood": "wooden",
    "photograph": "photo",
    "aquarelle": "watercolour",
    "sunlit": "sunny",
    "sunlight": "sunshine",
    "dusk": "sunset",
    "dawn": "sunrise",
    "haze": "mist",
    "hazy": "misty",
    "gorgeous": "beautiful",
    "pretty": "beautiful",
    "stunning": "beautiful",
    "scenery": "landscape",
    "mansion": "house",
    "cottage": "house",
    "cabin": "house",
    "hut": "house",
    "jungle": "forest",
    "settee": "sofa",
    "rooms": "room",
    "interiors": "interior",
    "peaks": "mountains",
    "peak": "mountain",
    "lounges": "lounge",
    "fancy": "luxury",
    "elegant": "luxurious",
    "opulent": "luxurious",
    "dark": "night",
    "snowcapped": "snowy",
    "snow-capped": "snowy",
    "cloud": "clouds",
    "star": "stars",
    "leafs": "tree",
}
"""Words that are read as a more common one of the vocabulary."""


def plural(noun: str) -> str:
    """More than one of it."""
    return PLURALS.get(noun, noun if noun in UNCOUNTED or noun.endswith("s") else f"{noun}s")


def _vocabulary() -> tuple[str, ...]:
    nouns = list(chain.from_iterable(NOUNS.values()))
    tables = (MOODS, PLACES, LIGHTS, SEASONS, STYLES, STYLE_TAGS)
    phrases = chain(
        COLOURS,
        nouns,
        (plural(n) for n in nouns),
        MATERIALS.values(),
        PRAISE,
        [FILLERS],
        *(chain.from_iterable(t.values()) for t in tables),
    )
    return tuple(sorted(set(re.findall(r"[a-z]+|[,.]", " ".join(phrases)))))


VOCABULARY = _vocabulary()
"""Every word a caption may hold, sorted, each once."""
