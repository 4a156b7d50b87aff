"""The parts of a model's folder in diffusers' layout: their classes and where they lie; without torch."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from depthpaint.models.folder_json import incompatible, read_configuration
from depthpaint.models.hub_listing import INDEX
from depthpaint.models.stable_diffusion.found import Found
from depthpaint.models.stable_diffusion.safety_parts import CHECKER, EYES, IMAGE_PROCESSOR, PART
from depthpaint.models.weights import weight_files

CLASSES: dict[str, frozenset[str]] = {
    "unet": frozenset({"UNet2DConditionModel"}),
    "vae": frozenset({"AutoencoderKL", "AutoencoderTiny"}),
    "text_encoder": frozenset({"CLIPTextModel"}),
    "text_encoder_2": frozenset({"CLIPTextModelWithProjection"}),
    "tokenizer": frozenset({"CLIPTokenizer", "CLIPTokenizerFast", "PreTrainedTokenizerFast"}),
    "tokenizer_2": frozenset({"CLIPTokenizer", "CLIPTokenizerFast", "PreTrainedTokenizerFast"}),
    PART: frozenset({CHECKER}),
    EYES: frozenset({IMAGE_PROCESSOR, "CLIPFeatureExtractor"}),
}
"""What a folder may ask to be built, by the part it is asked for; nothing else is ever imported."""


def parts_named(folder: Path) -> dict[str, str]:
    """The class of each part that painting needs. Raises ModelError where one is missing or not allowed."""
    index = read_configuration(folder / INDEX)
    needed = ["unet", "vae", "text_encoder", "tokenizer"]
    needed += [
        name for name in ("text_encoder_2", "tokenizer_2") if index.get(name) not in (None, [None, None])
    ]
    return {name: allowed_class(folder, name, index.get(name)) for name in needed}


def weighted_places(folder: Path) -> list[Path]:
    """The subfolders of a model's folder that hold weights which paint. Raises ModelError."""
    return [folder / name for name in parts_named(folder) if not name.startswith("tokenizer")]


def vae_folder(place: Path) -> Path:
    """The folder of an autoencoder, which may be named by the folder of a whole model."""
    return place if (place / "config.json").exists() else place / "vae"


def require_weights(found: Found) -> None:
    """Raise ModelError where a file of weights of `found` is missing, cut or a pickle; none is loaded."""
    places = [found.folder] if found.folder.is_file() else weighted_places(found.folder)
    places += [*found.controls.values(), *(file for file, _ in found.loras)]
    if found.vae is not None:
        places.append(found.vae if found.vae.is_file() else vae_folder(found.vae))
    if found.checked:
        places.append(found.folder / PART)
    for place in places:
        weight_files(place)


def allowed_class(folder: Path, name: str, entry: object) -> str:
    """The class that an entry of the index names. Raises ModelError where it is not on the list."""
    kind = str(cast("list[object]", entry)[-1]) if isinstance(entry, list) and entry else "nothing"
    if kind not in CLASSES[name]:
        raise incompatible(folder, f"{INDEX} names {kind[:60]!r} as {name}, which is not on the list")
    return kind
