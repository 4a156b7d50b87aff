"""Load the parts of a model from a folder in diffusers' layout, or from a single file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.core.files import name_of
from depthpaint.models.folder_json import incompatible, read_configuration, require_readable
from depthpaint.models.hub_files import INDEX, commits_of
from depthpaint.models.stable_diffusion import control as union
from depthpaint.models.stable_diffusion.control import (
    Adapter,
    ControlNetwork,
    DepthChannel,
    DepthControl,
)
from depthpaint.models.stable_diffusion.device import Autoencoder, SafetyChecker
from depthpaint.models.stable_diffusion.folder_parts import (
    CHECKER,
    IMAGE_PROCESSOR,
    PART,
    PROCESSOR,
    ModelPaths,
    allowed_class,
    parts_named,
    vae_folder,
    weighted_places,
)
from depthpaint.models.stable_diffusion.lora import apply_loras
from depthpaint.models.stable_diffusion.single_file import control_of, parts_of, vae_of
from depthpaint.models.stable_diffusion.text import TextEncoder, limit_length
from depthpaint.models.weights import digest_of, library_errors, require_backed, require_finite, weight_files


@dataclass(frozen=True, slots=True)
class Modules:
    """`controls` are the depth control, as "depth", and further ones by kind of hint.

    `needs_sizes` says whether the UNet is conditioned on picture sizes, as SDXL's is; `embeddings` is the
    folder of the model's own textual inversions, which may be missing; `safety` is the safety checker, if
    enabled; `commits` are the hub commits of the parts.
    """

    unet: Any
    autoencoder: Autoencoder
    text: Sequence[TextEncoder]
    controls: Mapping[str, DepthControl]
    weights_sha256: str
    needs_sizes: bool = False
    empty_is_zero: bool = False
    embeddings: Path | None = None
    safety: SafetyChecker | None = None
    commits: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def memory(self) -> int:
        """Bytes of all parameters, each once."""
        parts = [self.unet, self.autoencoder, *self.text, *self.controls.values(), self.safety]
        return sum({id(each): each.nbytes for part in parts for each in _parameters(part)}.values())


def _parameters(part: object) -> Iterator[torch.nn.Parameter]:
    """The parameters of a network, or of the networks that an object wraps."""
    if isinstance(part, torch.nn.Module):
        yield from part.parameters()
    else:
        for inner in vars(part).values() if hasattr(part, "__dict__") else ():
            if isinstance(inner, torch.nn.Module):
                yield from inner.parameters()


CONFIGURATIONS = ("config.json", "preprocessor_config.json", "generation_config.json")


def load_part(folder: Path, kind: str, device: str, dtype: torch.dtype) -> Any:
    """Load the module in `folder`, if its class is allowed.

    Raises ModelError if it cannot be built, or a weight is missing.
    """
    import diffusers

    module = _library_of(kind)
    build = getattr(module, kind).from_pretrained
    _require_sound(folder)
    with library_errors(folder, short=f"to load {name_of(folder)}"):
        if kind.startswith(IMAGE_PROCESSOR) or "Tokenizer" in kind:
            return build(str(folder), local_files_only=True)
        name = "torch_dtype" if module is diffusers else "dtype"
        files = weight_files(folder)
        variant = "fp16" if ".fp16." in files[0].name else None
        require_backed(folder, files, _empty(getattr(module, kind), folder))
        part, info = build(
            str(folder), local_files_only=True, use_safetensors=True, variant=variant,
            output_loading_info=True, **{name: dtype},
        )  # fmt: skip
    if info["missing_keys"]:
        # The libraries would fill it with random numbers.
        raise incompatible(folder, f"its {min(info['missing_keys'])[:80]} is missing")
    return part.to(device).eval().requires_grad_(False)


def _require_sound(folder: Path) -> None:
    """Check the text files that the libraries will read."""
    require_readable(folder)
    for name in CONFIGURATIONS:
        if (folder / name).exists():
            read_configuration(folder / name)


def _empty(kind: Any, folder: Path) -> Any:
    """A module as described by its folder, without allocating memory."""
    with torch.device("meta"):
        if hasattr(kind, "from_config"):
            return kind.from_config(dict(read_configuration(folder / "config.json")))
        return kind(kind.config_class.from_pretrained(str(folder), local_files_only=True))


def _library_of(kind: str) -> Any:
    import diffusers
    import transformers

    if kind == CHECKER:
        from diffusers.pipelines.stable_diffusion import safety_checker

        return safety_checker
    return diffusers if hasattr(diffusers, kind) else transformers


ZEROS = "force_zeros_for_empty_prompt"
CONTROLS = frozenset({"ControlNetModel", "T2IAdapter", union.CLASS})
DEPTH_CHANNELS = 5


def load_modules(located: ModelPaths, *, device: str, dtype: torch.dtype) -> Modules:
    """Load every part and the controls.

    Raises ModelError: model_incompatible, model_not_found, model_truncated, pickle_refused.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        single = located.folder.is_file()
        parts, files = (_of_file if single else _of_folder)(located.folder, device, dtype)
        if located.vae is not None:
            parts["vae"] = _vae(located.vae, parts["vae"], device, dtype)
        apply_loras(located.loras, parts)
        unet = parts["unet"]
        controls = _controls(located.controls, unet, device, dtype)
        safety = _safety(located.folder, device, dtype) if located.checked else None
    files += [*located.controls.values(), *(file for file, _ in located.loras)]
    files += [] if located.vae is None else [located.vae]
    two = "text_encoder_2" in parts
    if dtype == torch.bfloat16 or (dtype == torch.float16 and two):
        # bfloat16's eight bits of mantissa cause banding in smooth skies; SDXL's autoencoder overflows in
        # float16.
        parts["vae"].to(torch.float32)
    for name in ("text_encoder", *(["text_encoder_2"] if two else [])):
        limit_length(located.folder, parts[name], parts[name.replace("text_encoder", "tokenizer")])
    # SDXL uses the second-last layer of both encoders, without the final norm; the others use the last.
    hidden = located.clip_skip + int(two)
    encoders = [TextEncoder(parts["text_encoder"], parts["tokenizer"], hidden=hidden, normed=not two)]
    if two:
        second, words = parts["text_encoder_2"], parts["tokenizer_2"]
        encoders.append(TextEncoder(second, words, hidden=hidden, normed=False, pooled=True))
    if "depth" not in controls:
        controls = {"depth": _built_in(located.folder, unet, parts["vae"]), **controls}
    return Modules(
        unet=unet,
        autoencoder=Autoencoder(parts["vae"]),
        text=encoders,
        controls=controls,
        weights_sha256=digest_of([file for place in files for file in weight_files(place)]),
        needs_sizes=unet.config.addition_embed_type == "text_time",
        empty_is_zero=two if single else bool(read_configuration(located.folder / INDEX).get(ZEROS, False)),
        embeddings=located.embeddings,
        safety=safety,
        commits=commits_of([located.folder, *files]),
    )


def _of_folder(folder: Path, device: str, dtype: torch.dtype) -> tuple[dict[str, Any], list[Path]]:
    """The parts of a folder, and the folders of their weights."""
    named = parts_named(folder)
    places = weighted_places(folder)
    for place in places:
        weight_files(place)
    return {name: load_part(folder / name, kind, device, dtype) for name, kind in named.items()}, places


def _of_file(file: Path, device: str, dtype: torch.dtype) -> tuple[dict[str, Any], list[Path]]:
    return parts_of(file, device, dtype), [file]


def _safety(folder: Path, device: str, dtype: torch.dtype) -> SafetyChecker:
    index = read_configuration(folder / INDEX)
    kinds = [allowed_class(folder, name, index.get(name)) for name in (PART, PROCESSOR)]
    network = load_part(folder / PART, kinds[0], device, dtype)
    # With NaN weights it would classify every picture as safe: comparisons with NaN are false.
    require_finite(folder / PART, network)
    # The Pil class gives the same result with and without torchvision.
    processor = f"{IMAGE_PROCESSOR}Pil" if hasattr(transformers, f"{IMAGE_PROCESSOR}Pil") else IMAGE_PROCESSOR
    return SafetyChecker(network, load_part(folder / PROCESSOR, processor, device, dtype))


def _vae(place: Path, usual: Any, device: str, dtype: torch.dtype) -> Any:
    if place.is_file():
        return vae_of(place, usual, device, dtype)
    return load_part(vae_folder(place), type(usual).__name__, device, dtype)


def _built_in(folder: Path, unet: Any, vae: Any) -> DepthControl:
    if unet.config.in_channels == DEPTH_CHANNELS:
        return DepthChannel(2 ** (len(vae.config.block_out_channels) - 1))
    raise ModelError(
        f"{folder} has no built-in depth: its UNet takes {unet.config.in_channels} channels",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="give a depth ControlNet or T2I-Adapter for it with --control",
        value=str(folder),
    )


def _controls(
    places: Mapping[str, Path], unet: Any, device: str, dtype: torch.dtype
) -> dict[str, DepthControl]:
    loaded: dict[str, DepthControl] = {}
    for kind, place in places.items():
        same = next((loaded[other] for other in loaded if places[other] == place), None)
        if isinstance(same, union.UnionNetwork):
            loaded[kind] = same.for_kind(kind)
        else:
            loaded[kind] = _control(kind, place, unet, device, dtype)
    return loaded


def _control(hint_kind: str, folder: Path, unet: Any, device: str, dtype: torch.dtype) -> DepthControl:
    if folder.is_file():
        return ControlNetwork(control_of(folder, unet, device, dtype))
    configuration = read_configuration(folder / "config.json")
    kind = union.CLASS if union.is_union(configuration) else str(configuration.get("_class_name"))
    if kind not in CONTROLS:
        raise incompatible(folder, f"config.json names the class {kind[:60]!r}")
    network = load_part(folder, kind, device, dtype)
    if kind == "T2IAdapter":
        return Adapter(network)
    ours, theirs = network.config.cross_attention_dim, unet.config.cross_attention_dim
    if ours != theirs:
        raise incompatible(
            folder,
            f"its text embeddings have width {ours}, the model's {theirs}: another family",
        )
    return union.UnionNetwork(network, hint_kind) if kind == union.CLASS else ControlNetwork(network)
