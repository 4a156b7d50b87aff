"""diorama before it is loaded: its habits, the expansion of prompts, and its entry in the registry."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.model_choice import ModelChoice
from depthpaint.models.diorama.files import SMALL_FILES, diorama_facts, open_files, tokenizer_file
from depthpaint.models.painter import ModelEntry, Painter, Runtime
from depthpaint.models.registered import Details, ModelFamily, RegisteredModel, check_shipped
from depthpaint.plan import ModelHabits

DIORAMA = ModelHabits(
    name="diorama",
    trained_area=256 * 256,
    smallest_area=192 * 192,
    largest_area=352 * 352,
    multiple=32,
    latent_factor=8,
    latent_channels=16,
    prediction="v_prediction",
    zero_terminal_snr=True,
    sampler="ddim",
    schedule="early",
    num_inference_steps=2,
    # It was trained to decide without guidance (training/colour_loss.py).
    guidance_scale=1.0,
    control_strength=1.0,
    # Its colours are accurate to half a latent pixel; the depth map has more exact edges.
    softness=4,
    output_area=512 * 512,
    most_guidance=4.0,
    most_steps=8,
)


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
"""Colour schemes in the order of PARTS, in words that diorama was trained on."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A thing of a scene: its noun, synonyms, and the part of a colour scheme that it takes."""

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
"""Words that indicate a scene, and its things; the first scene mentioned in a prompt is used."""

COLOURS = (
    "red", "orange", "yellow", "green", "turquoise", "blue", "purple", "pink", "brown", "beige", "white",
    "gray", "grey", "black", "golden", "wooden", "brick", "stone", "marble", "metal", "tiled", "leather",
    "concrete",
)  # fmt: skip
"""Words after which a thing needs no colour."""
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
"""Season and light that show colours; added outdoors if the prompt mentions neither."""
_TIMED = re.compile(
    r"\b(?:spring|summer|autumn|fall|winter|snowy?|night|noon|evening|sunset|sunrise|fog|foggy|mist|misty|cloudy|clouds"
    r"|overcast|sunny|sunshine|moonlight|stars|(?:day|moon|lamp)?light|sky)\b",
    re.IGNORECASE,
)
_PALE = re.compile(r"\b(?:clay|pencil|sketch|drawing|monochrome|black and white)\b", re.IGNORECASE)


def expanded(prompt: str, seed: int) -> str:
    """`prompt` with colours for the things of its scene that have none; equal arguments give equal prompts.

    Prompts without a known scene, and in a style without colour, are unchanged.
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
    """Whether the prompt gives the thing a colour or a material, in the two words before any mention."""
    mentions = (one for word in (slot.noun, *slot.others) for one in _mentions(word).finditer(prompt))
    before = (re.findall(r"[^\W\d_]+", prompt[: one.start()])[-2:] for one in mentions)
    return any(word.lower() in COLOURS for words in before for word in words)


def _mentions(word: str) -> re.Pattern[str]:
    return re.compile(rf"\b{word}(?:s|es)?\b", re.IGNORECASE)


def _thing(slot: Slot, colour: str) -> str:
    if slot.many:
        return f"{colour} {slot.noun}s"
    return f"{'an' if colour[0] in 'aeiou' else 'a'} {colour} {slot.noun}"


LICENCE = "Apache-2.0"
SUMMARY = "Built in: paints rooms, houses, landscapes and things, in a second on two CPU cores."


def _load(runtime: Runtime) -> Painter:
    # Runs on the CPU, in float32. Imported late so that listing models does not load ONNX Runtime.
    from depthpaint.models.diorama.painter import Diorama

    return Diorama(DIORAMA, threads=runtime.threads)


def start_loading(model: str, threads: int) -> Future[Painter] | None:
    """Start loading `model` in its own thread if it is the built-in one; None for others.

    ONNX Runtime releases the interpreter lock while it builds sessions, and the imports that a command still
    has to do take as long as that. The thread itself imports nothing: two threads that import parts of one
    package at once can see it half initialised. Errors are raised by the future's result.
    """
    if model != DIORAMA.name:
        return None
    from depthpaint.models.diorama.painter import Diorama

    pool = ThreadPoolExecutor(1, "loading")
    loading: Future[Painter] = pool.submit(Diorama, DIORAMA, threads=threads)
    pool.shutdown(wait=False)
    return loading


def _found(choice: ModelChoice) -> ModelEntry | None:
    if choice.model != DIORAMA.name:
        return None
    plain = ModelChoice(model=choice.model)
    parts = [name for name in ModelChoice.model_fields if getattr(choice, name) != getattr(plain, name)]
    if parts:
        raise ModelError(
            f"{choice.model} cannot be combined with {' and '.join(parts)}",
            code=ErrorCode.MODEL_INCOMPATIBLE,
            value=tuple(parts),
            remedy="leave it out, or choose a Stable Diffusion with --model",
        )
    return ModelEntry(DIORAMA, _load, LICENCE, SUMMARY, expanded=expanded, prompt_syntax=False)


def _details() -> Details:
    # The import is late so that listing models does not load ONNX Runtime.
    from depthpaint.models.diorama.painter import Vocabulary

    habits, facts, words = asdict(DIORAMA), diorama_facts(), Vocabulary(tokenizer_file()).words
    sections: dict[str, Mapping[str, object] | list[str]] = {
        "habits": habits, "how it was made": facts, f"the {len(words)} words it knows": [" ".join(words)],
    }  # fmt: skip
    return Details({"habits": habits, "facts": facts, "words": words}, sections=sections)


def _registered(name: str) -> RegisteredModel:
    return RegisteredModel(
        name=name, kind="model", heading="in the package", summary=SUMMARY, line=f"{SUMMARY} ({LICENCE})",
        licence=LICENCE, details=_details,
        check=lambda: check_shipped(name, len(SMALL_FILES) + 2, open_files),
    )  # fmt: skip


DIORAMA_FAMILY = ModelFamily((DIORAMA.name,), _registered, _found)
