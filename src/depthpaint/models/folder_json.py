"""The JSON files of a model's folder, read with limits on their size and on the numbers in them."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

from depthpaint.core.errors import DepthError, ErrorCode, ModelError
from depthpaint.core.regular_file import read_regular_file

MOST_DEPTH = 16
MOST_ITEMS = 10_000
LARGEST = 1e9
"""The limit for numbers under keys that the table does not list."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A number in [`low`, `high`], an integer if `whole`.

    With `most` it may also be a list of up to that many numbers, nested or not; `alone` allows a single
    number, `null` allows null.
    """

    low: float
    high: float
    whole: bool = True
    most: int = 0
    alone: bool = True
    null: bool = True

    def fault(self, value: object, depth: int = 0) -> str:
        """What is wrong with a value, "" if nothing is."""
        if value is None and depth == 0:
            return "" if self.null else "is null"
        if isinstance(value, list) and self.most and depth < 3:
            items = cast("list[object]", value)
            if not 1 <= len(items) <= self.most:
                return f"has {len(items)} items, allowed are 1 to {self.most}"
            return next((fault for each in items if (fault := self.fault(each, depth + 1))), "")
        kind = int if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kind) or (depth == 0 and not self.alone):
            return f"is {_shown(cast('object', value))}, but must be {self._wanted()}"
        if not self.low <= cast("float", value) <= self.high:
            return f"is {_shown(value)}, but must be between {self.low:,} and {self.high:,}"
        return ""

    def _wanted(self) -> str:
        number = "a whole number" if self.whole else "a number"
        return number if self.alone else f"a list of {number[2:]}s"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several strings, or null if `null`."""

    names: Collection[str]
    null: bool = True

    def fault(self, value: object) -> str:
        """What is wrong with a value, "" if nothing is."""
        if value in self.names if isinstance(value, str) else value is None and self.null:
            return ""
        return f"is {_shown(value)}, but must be one of {', '.join(sorted(self.names))}"


@dataclass(frozen=True, slots=True)
class Flag:
    """True, false or null."""

    def fault(self, value: object) -> str:
        """What is wrong with a value, "" if nothing is."""
        return (
            ""
            if value is None or isinstance(value, bool)
            else f"is {_shown(value)}, but must be true or false"
        )


OBJECTS = frozenset({"size", "crop_size"})
"""Keys whose value is an object with height and width in some files, and a number in others."""

Bounds = Mapping[str, Bound | Choice | Flag]

_LEVELS = 8
_WIDTH = Bound(1, 16_384)
_WIDTHS = Bound(1, 4_096, most=_LEVELS, alone=False, null=False)
_LAYERS = Bound(1, 16, most=_LEVELS)
_BLOCKS = Bound(0, 64, most=16)
_HEADS = Bound(1, 1_024, most=16)
_PIXELS = Bound(1, 4_096, most=2)
_BETA = Bound(1e-9, 0.999, whole=False, null=False)

BOUNDS: Bounds = {
    # UNets, control networks, adapters and autoencoders, as diffusers names them.
    "block_out_channels": _WIDTHS, "encoder_block_out_channels": _WIDTHS,
    "decoder_block_out_channels": _WIDTHS, "conditioning_embedding_out_channels": _WIDTHS,
    "channels": _WIDTHS, "num_encoder_blocks": _BLOCKS, "num_decoder_blocks": _BLOCKS,
    "layers_per_block": _LAYERS, "num_res_blocks": _LAYERS, "transformer_layers_per_block": _BLOCKS,
    "reverse_transformer_layers_per_block": _BLOCKS, "cross_attention_dim": Bound(1, 16_384, most=_LEVELS),
    "attention_head_dim": _HEADS, "num_attention_heads": _HEADS, "addition_embed_type_num_heads": _HEADS,
    "in_channels": Bound(1, 128), "out_channels": Bound(1, 128), "conditioning_channels": Bound(1, 128),
    "latent_channels": Bound(1, 128, null=False), "norm_num_groups": Bound(1, 1_024),
    "conv_in_kernel": Bound(1, 15), "conv_out_kernel": Bound(1, 15), "downscale_factor": Bound(1, 32),
    "upsampling_scaling_factor": Bound(1, 8), "addition_time_embed_dim": _WIDTH,
    "time_embedding_dim": _WIDTH, "time_cond_proj_dim": _WIDTH, "encoder_hid_dim": _WIDTH,
    "projection_class_embeddings_input_dim": Bound(1, 65_536), "num_class_embeds": Bound(1, 65_536),
    "num_control_type": Bound(1, 64), "num_trans_channel": _WIDTH, "num_trans_head": _HEADS,
    "num_trans_layer": Bound(1, 64), "num_proj_channel": _WIDTH, "sample_size": _PIXELS,
    "scaling_factor": Bound(1e-6, 1e6, whole=False), "resnet_out_scale_factor": Bound(-1e6, 1e6, whole=False),
    # Text encoders, estimators, CLIP and safety checkers, as transformers names them.
    "vocab_size": Bound(1, 1_000_000), "hidden_size": _WIDTH, "intermediate_size": Bound(1, 65_536),
    "num_hidden_layers": Bound(1, 128), "max_position_embeddings": Bound(1, 4_096), "projection_dim": _WIDTH,
    "num_labels": Bound(0, 100_000), "num_channels": Bound(1, 16), "image_size": _PIXELS,
    "patch_size": Bound(1, 256, most=2), "mlp_ratio": Bound(1e-3, 64, whole=False),
    "reassemble_hidden_size": _WIDTH, "fusion_hidden_size": _WIDTH, "head_hidden_size": _WIDTH,
    "neck_hidden_sizes": Bound(1, 16_384, most=16),
    # The size that pictures are resized to for a network.
    "size": _PIXELS, "crop_size": _PIXELS, "shortest_edge": _PIXELS, "longest_edge": _PIXELS,
    "height": _PIXELS, "width": _PIXELS,
    # Schedulers.
    "num_train_timesteps": Bound(1, 10_000, null=False), "beta_start": _BETA, "beta_end": _BETA,
    "beta_schedule": Choice(("linear", "scaled_linear", "squaredcos_cap_v2"), null=False),
    "prediction_type": Choice(("epsilon", "v_prediction", "sample"), null=False),
    "rescale_betas_zero_snr": Flag(), "force_zeros_for_empty_prompt": Flag(),
    # A name with a "/" would be downloaded and run.
    "attn_implementation": Choice(("eager", "sdpa")), "_attn_implementation": Choice(("eager", "sdpa")),
}  # fmt: skip
UNET: Bounds = {**BOUNDS, "sample_size": Bound(1, 256, null=False)}
"""Side of the latents that a UNet was trained on: 64 for Stable Diffusion 1.5, 128 for SDXL."""


def fault_in(document: Mapping[str, Any], bounds: Bounds) -> str:
    """The first fault of a configuration, with its key, value and limit; "" if there is none."""
    return _fault(document, bounds, 0)


def _fault(value: object, bounds: Bounds, depth: int) -> str:
    if depth > MOST_DEPTH:
        return f"it is nested more than {MOST_DEPTH} deep"
    if isinstance(value, dict):
        for name, each in cast("dict[str, Any]", value).items():
            bound = _bound_of(name, each, bounds)
            fault = bound.fault(each) if bound else _fault(each, bounds, depth + 1)
            if fault:
                return fault if fault.startswith(("it ", "its ")) else f"its {name[:60]} {fault}"
    elif isinstance(value, list):
        items = cast("list[object]", value)
        if len(items) > MOST_ITEMS:
            return f"has {len(items):,} items, the limit is {MOST_ITEMS:,}"
        return next((fault for each in items if (fault := _fault(each, bounds, depth + 1))), "")
    elif isinstance(value, int | float) and not abs(value) <= LARGEST:
        return f"is {_shown(value)}, the limit is {LARGEST:,.0f}"
    return ""


def _bound_of(name: str, value: object, bounds: Bounds) -> Bound | Choice | Flag | None:
    """The bound of a key. An object in place of a number is checked key by key."""
    return None if isinstance(value, dict) and name in OBJECTS else bounds.get(name)


def _shown(value: object) -> str:
    return repr(value)[:40]


LONGEST = 1_000_000
"""The longest configuration in bytes; published ones have a few thousand."""
LONGEST_INDEX = 16_000_000
"""The longest index of shards, which lists every tensor, in bytes."""
LONGEST_WORDS = 16_000_000
"""The longest file of a tokenizer in bytes; CLIP's largest has 3.6 million."""
MOST_FILES = 1_000
_WORDS = frozenset({"tokenizer.json", "vocab.json", "merges.txt", "vocab.txt"})
_TEXTS = frozenset({".json", ".txt", ".jinja", ".model", ".py"})

Refuse = Callable[[Path, str], ModelError]
"""Makes the error for a folder, given the reason why it cannot be used."""


def incompatible(folder: Path, why: str) -> ModelError:
    """The error for a folder that cannot be used for painting."""
    return ModelError(
        f"{folder} cannot be used for painting: {why}",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="use a Stable Diffusion 1, 2 or XL in diffusers' layout, and a control network of its family",
        value=str(folder),
    )


def read_configuration(
    path: Path, bounds: Bounds = BOUNDS, refuse: Refuse = incompatible
) -> Mapping[str, Any]:
    """Read the JSON object in `path` and check all its numbers against `bounds`.

    Raises ModelError model_not_found, or the error that `refuse` makes from the folder and the reason.
    """
    document = read_json(path, refuse=refuse)
    fault = fault_in(document, bounds)
    if fault:
        raise refuse(path.parent, f"{path.name}: {fault}")
    return document


def read_json(path: Path, longest: int = LONGEST, *, refuse: Refuse = incompatible) -> Mapping[str, Any]:
    """The JSON object in a regular file of at most `longest` bytes. Raises as `read_configuration` does."""
    try:
        data = read_regular_file(path, longest)
    except DepthError as error:
        if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            raise (
                _none(path) if refuse is incompatible else refuse(path.parent, f"it contains no {path.name}")
            ) from error
        why = f"it has more than {longest:,} bytes" if error.limit == longest else _reason(error)
        raise refuse(path.parent, f"{path.name} cannot be read: {why}") from error
    try:
        return parsed_object(data)
    except ValueError as error:
        raise refuse(path.parent, f"{path.name} {error}") from error


def parsed_object(data: bytes | str) -> Mapping[str, Any]:
    """Parse `data` as a JSON object. Raises ValueError with a reason such as "is not JSON"."""
    try:
        document: object = json.loads(data, parse_constant=_no_number)
    except _NoNumber as error:
        raise ValueError(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise ValueError("is not JSON") from error
    if not isinstance(document, dict):
        raise ValueError("does not contain an object")
    return cast("dict[str, Any]", document)


def require_readable(folder: Path, refuse: Refuse = incompatible) -> None:
    """Check the files besides weights that a library will read: regular, and of limited size.

    Otherwise a pipe would block the library, and a device or a huge file would fill the memory.
    """
    try:
        for count, file in enumerate(folder.iterdir()):
            if count == MOST_FILES:
                raise refuse(folder, f"it contains more than {MOST_FILES:,} files")
            status = file.stat()
            if stat.S_ISDIR(status.st_mode):
                continue
            if not stat.S_ISREG(status.st_mode):
                raise refuse(folder, f"{file.name[:60]} is not a regular file")
            longest = _longest(file)
            if longest and status.st_size > longest:
                size = f"{status.st_size:,} bytes, the limit is {longest:,}"
                raise refuse(folder, f"{file.name[:60]} has {size}")
    except OSError as error:
        raise refuse(folder, f"it cannot be read: {error.strerror}") from error


class _NoNumber(ValueError):
    """NaN or Infinity, which JSON does not have, but Python accepts."""


def _no_number(text: str) -> NoReturn:
    raise _NoNumber(f"contains {text}, which is not a number")


def _longest(file: Path) -> int:
    """The longest text file that a library reads, in bytes; 0 for weights, which have no limit."""
    if file.name in _WORDS:
        return LONGEST_WORDS
    if file.name.endswith(".index.json"):
        return LONGEST_INDEX
    return LONGEST if file.suffix.lower() in _TEXTS else 0


def _reason(error: DepthError) -> str:
    return error.message.rpartition(": ")[2]


def _none(path: Path) -> ModelError:
    return ModelError(
        f"{path.parent} contains no {path.name}",
        code=ErrorCode.MODEL_NOT_FOUND,
        remedy="give a folder in diffusers' layout",
        value=str(path.parent),
    )
