"""A folder in diffusers' layout from its configurations alone: parts, family, habits. Without torch."""

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
class Found:
    """`folder` of the model, or its single file; the same for the controls, by what they see, and the VAE.

    `loras` are files with their weights; `embeddings` is where the model's own learned words would be;
    `checked` says whether the model's safety checker is to look at pictures.
    """

    folder: Path
    controls: Mapping[str, Path] = field(default_factory=dict[str, Path])
    vae: Path | None = None
    loras: tuple[tuple[Path, float], ...] = ()
    clip_skip: int = 0
    embeddings: Path | None = None
    checked: bool = False


CHECKER, PART, EYES = "StableDiffusionSafetyChecker", "safety_checker", "feature_extractor"
IMAGE_PROCESSOR = "CLIPImageProcessor"


def require_checker(model: Path) -> None:
    """Raise ModelError model_not_found unless a model's folder brings a safety checker."""
    if not all((model / part).is_dir() for part in (PART, EYES)):
        raise ModelError(
            f"{model} brings no safety checker",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"name a folder that holds {PART} and {EYES}, or leave out --safety-checker",
            value=str(model),
        )


SMALLEST_SHARE, LARGEST_SHARE = 0.4, 2.3
"""Of the trained area: what is painted as it is. Below, shapes fall apart; above, things are doubled."""
MOST_SIDE, MOST_MULTIPLE = 2_048, 512
"""Pixels of the trained side, and what canvas sides are multiples of; SDXL has 1024 and 32."""
STEPS, GUIDANCE = 20, 7.5
XL_GUIDANCE = 5.0
CHANNELS = "block_out_channels"


def habits_of(folder: Path, name: str) -> ModelHabits:
    """Read a model's habits. Raises ModelError model_not_found or model_incompatible."""
    unet = read_configuration(folder / "unet" / "config.json", UNET)
    vae = read_configuration(folder / "vae" / "config.json")
    scheduler = read_configuration(folder / "scheduler" / "scheduler_config.json")
    for part, told in (("unet", unet), ("vae", vae)):
        if CHANNELS not in told:
            raise incompatible(folder / part, f"config.json: its {CHANNELS} is missing")
    habits = habits_from(unet, vae, scheduler, name)
    side = round(habits.trained_area**0.5)
    if side > MOST_SIDE or habits.multiple > MOST_MULTIPLE:
        told = f"{side} pixels in multiples of {habits.multiple}"
        most = f"at most {MOST_SIDE} in multiples of {MOST_MULTIPLE}"
        raise incompatible(folder, f"its configurations tell of sides of {told}, and {most} can be painted")
    return habits


def habits_from(
    unet: Mapping[str, Any], vae: Mapping[str, Any], scheduler: Mapping[str, Any], name: str
) -> ModelHabits:
    """The habits that three configurations come to."""
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
    """Raise ModelError model_incompatible where they are of two families; both are named.

    ControlNets tell it by how many numbers a word of the sentence has for them, T2I-Adapters, which hear no
    sentence, by their type. Single files are not looked into here.
    """
    if not ((model / "unet").is_dir() and control.is_dir()):
        return
    unet, network = (read_configuration(part / "config.json") for part in (model / "unet", control))
    mine, its = unet.get("cross_attention_dim"), network.get("cross_attention_dim")
    if its is not None and mine != its:
        raise _strangers(model_name, _called(mine), control_name, _called(its))
    kind = network.get("adapter_type")
    xl = unet.get("addition_embed_type") == "text_time"
    if kind is not None and str(kind).endswith("_xl") != xl:
        names = ("another than SDXL", "SDXL")
        raise _strangers(model_name, names[xl], control_name, names[not xl])


def _called(width: object) -> str:
    known = _FAMILIES.get(width) if isinstance(width, int) else None
    return f"{known} ({width} numbers a word)" if known else f"{str(width)[:20]} numbers a word"


def _strangers(model: str, its_family: str, control: str, other: str) -> ModelError:
    return ModelError(
        f"the control network {control} is for {other}, the model {model} is {its_family}",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="name a control network of the model's family with --control",
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
