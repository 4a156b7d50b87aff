"""A folder in diffusers' layout by its configurations only: parts, family, habits. Does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.folder_json import UNET, incompatible, read_configuration
from depthpaint.models.hub_files import INDEX
from depthpaint.models.weights import weight_files
from depthpaint.plan import ModelHabits


@dataclass(frozen=True, slots=True)
class ModelPaths:
    """`folder` of the model, or its single file; the same for the controls, by kind of hint, and the VAE.

    `loras` are files with their weights; `embeddings` is the folder for the model's own textual inversions;
    `checked` enables the model's safety checker.
    """

    folder: Path
    controls: Mapping[str, Path] = field(default_factory=dict[str, Path])
    vae: Path | None = None
    loras: tuple[tuple[Path, float], ...] = ()
    clip_skip: int = 0
    embeddings: Path | None = None
    checked: bool = False


CHECKER, PART, PROCESSOR = "StableDiffusionSafetyChecker", "safety_checker", "feature_extractor"
IMAGE_PROCESSOR = "CLIPImageProcessor"


def require_checker(model: Path) -> None:
    """Raise ModelError model_not_found unless the model's folder contains a safety checker."""
    if not all((model / part).is_dir() for part in (PART, PROCESSOR)):
        raise ModelError(
            f"{model} contains no safety checker",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"give a folder that contains {PART} and {PROCESSOR}, or leave out --safety-checker",
            value=str(model),
        )


SMALLEST_SHARE, LARGEST_SHARE = 0.4, 2.3
"""Factors of the trained area that are painted directly; below, shapes break, above, things are doubled."""
MOST_SIDE, MOST_MULTIPLE = 2_048, 512
"""Limits for the trained side in pixels, and for the multiple of canvas sides; SDXL has 1024 and 32."""
STEPS, GUIDANCE = 20, 7.5
XL_GUIDANCE = 5.0
CHANNELS = "block_out_channels"


def habits_of(folder: Path, name: str) -> ModelHabits:
    """The habits of a model. Raises ModelError model_not_found or model_incompatible."""
    unet = read_configuration(folder / "unet" / "config.json", UNET)
    vae = read_configuration(folder / "vae" / "config.json")
    scheduler = read_configuration(folder / "scheduler" / "scheduler_config.json")
    for part, configuration in (("unet", unet), ("vae", vae)):
        if CHANNELS not in configuration:
            raise incompatible(folder / part, f"config.json: its {CHANNELS} is missing")
    habits = habits_from(unet, vae, scheduler, name)
    side = round(habits.trained_area**0.5)
    if side > MOST_SIDE or habits.multiple > MOST_MULTIPLE:
        actual = f"{side} pixels in multiples of {habits.multiple}"
        most = f"{MOST_SIDE} in multiples of {MOST_MULTIPLE}"
        raise incompatible(folder, f"its configurations give sides of {actual}, the limit is {most}")
    return habits


def habits_from(
    unet: Mapping[str, Any], vae: Mapping[str, Any], scheduler: Mapping[str, Any], name: str
) -> ModelHabits:
    """The habits that follow from three configurations."""
    factor = 2 ** (len(vae[CHANNELS]) - 1)
    side = int(unet.get("sample_size", 64)) * factor
    levels = len(unet[CHANNELS]) - 1
    xl = unet.get("addition_embed_type") == "text_time"
    return ModelHabits(
        name=name,
        trained_area=side * side,
        smallest_area=round(SMALLEST_SHARE * side * side),
        largest_area=round(LARGEST_SHARE * side * side),
        multiple=factor * 2**levels,
        latent_factor=factor,
        latent_channels=int(vae.get("latent_channels", 4)),
        prediction=_prediction(scheduler),
        zero_terminal_snr=bool(scheduler.get("rescale_betas_zero_snr", False)),
        beta_schedule=str(scheduler.get("beta_schedule", "scaled_linear")),
        beta_start=float(scheduler.get("beta_start", 0.00085)),
        beta_end=float(scheduler.get("beta_end", 0.012)),
        train_timesteps=int(scheduler.get("num_train_timesteps", 1000)),
        sampler="dpm++-2m",
        schedule="karras",
        num_inference_steps=STEPS,
        guidance_scale=XL_GUIDANCE if xl else GUIDANCE,
        control_strength=1.0,
    )


def _prediction(scheduler: Mapping[str, Any]) -> Any:
    return scheduler.get("prediction_type", "epsilon")


_FAMILIES = {768: "SD 1", 1024: "SD 2", 2048: "SDXL"}


def require_family(model: Path, control: Path, model_name: str, control_name: str) -> None:
    """Raise ModelError model_incompatible if model and control are of different families.

    The family of a ControlNet follows from the width of its text embeddings, that of a T2I-Adapter, which
    uses no text, from its type. Single files are not checked here.
    """
    if not ((model / "unet").is_dir() and control.is_dir()):
        return
    unet, network = (read_configuration(part / "config.json") for part in (model / "unet", control))
    mine, its = unet.get("cross_attention_dim"), network.get("cross_attention_dim")
    if its is not None and mine != its:
        raise _family_mismatch(model_name, _called(mine), control_name, _called(its))
    kind = network.get("adapter_type")
    xl = unet.get("addition_embed_type") == "text_time"
    if kind is not None and str(kind).endswith("_xl") != xl:
        names = ("another than SDXL", "SDXL")
        raise _family_mismatch(model_name, names[xl], control_name, names[not xl])


def _called(width: object) -> str:
    family = _FAMILIES.get(width) if isinstance(width, int) else None
    return f"{family} (text width {width})" if family else f"text width {str(width)[:20]}"


def _family_mismatch(model: str, its_family: str, control: str, other: str) -> ModelError:
    return ModelError(
        f"the control network {control} is for {other}, but the model {model} is {its_family}",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="give a control network of the model's family with --control",
        value=control,
    )


CLASSES: dict[str, frozenset[str]] = {
    "unet": frozenset({"UNet2DConditionModel"}),
    "vae": frozenset({"AutoencoderKL", "AutoencoderTiny"}),
    "text_encoder": frozenset({"CLIPTextModel"}),
    "text_encoder_2": frozenset({"CLIPTextModelWithProjection"}),
    "tokenizer": frozenset({"CLIPTokenizer", "CLIPTokenizerFast", "PreTrainedTokenizerFast"}),
    "tokenizer_2": frozenset({"CLIPTokenizer", "CLIPTokenizerFast", "PreTrainedTokenizerFast"}),
    PART: frozenset({CHECKER}),
    PROCESSOR: frozenset({IMAGE_PROCESSOR, "CLIPFeatureExtractor"}),
}
"""The classes that a folder may name for each part; nothing else is imported."""


def parts_named(folder: Path) -> dict[str, str]:
    """The class of each part needed for painting. Raises ModelError if one is missing or not allowed."""
    index = read_configuration(folder / INDEX)
    needed = ["unet", "vae", "text_encoder", "tokenizer"]
    needed += [
        name for name in ("text_encoder_2", "tokenizer_2") if index.get(name) not in (None, [None, None])
    ]
    return {name: allowed_class(folder, name, index.get(name)) for name in needed}


def weighted_places(folder: Path) -> list[Path]:
    """The subfolders of a model's folder that contain weights for painting. Raises ModelError."""
    return [folder / name for name in parts_named(folder) if not name.startswith("tokenizer")]


def vae_folder(place: Path) -> Path:
    """The folder of an autoencoder, which may also be given as the folder of a whole model."""
    return place if (place / "config.json").exists() else place / "vae"


def require_weights(located: ModelPaths) -> None:
    """Raise ModelError if a weights file of `located` is missing, truncated or a pickle; loads nothing."""
    places = [located.folder] if located.folder.is_file() else weighted_places(located.folder)
    places += [*located.controls.values(), *(file for file, _ in located.loras)]
    if located.vae is not None:
        places.append(located.vae if located.vae.is_file() else vae_folder(located.vae))
    if located.checked:
        places.append(located.folder / PART)
    for place in places:
        weight_files(place)


def allowed_class(folder: Path, name: str, entry: object) -> str:
    """The class that an entry of the index names. Raises ModelError unless it is allowed."""
    kind = str(cast("list[object]", entry)[-1]) if isinstance(entry, list) and entry else "nothing"
    if kind not in CLASSES[name]:
        raise incompatible(folder, f"{INDEX} names {kind[:60]!r} as {name}, which is not allowed")
    return kind
