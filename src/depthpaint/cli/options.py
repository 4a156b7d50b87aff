"""The options of commands. Those of settings are derived from the fields of `Request`.

A command takes a group of options as one value, for example the settings, or the device and its precision.
The parameter's default is a `Group`; `grouped` puts the group's options in the parameter's place.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from math import inf
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel
from typer import Argument, Option

from depthpaint.cli import completion
from depthpaint.cli.config import user_config
from depthpaint.cli.terminal import as_utf8
from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.core.setting import Default, Setting, settings_of
from depthpaint.depth import depth_map
from depthpaint.request import Request, reading_from

if TYPE_CHECKING:
    from depthpaint.models.painter import Runtime
    from depthpaint.verification.choosing import Requirement

Made = TypeVar("Made")
COMPUTING_PANEL, VERIFYING_PANEL, OUTPUT_PANEL = "Computing", "Verification", "Output"

Depth = Annotated[
    Path, Argument(metavar="DEPTH", help="Depth map of any kind: PNG, TIFF, EXR, NPY, ...; - for stdin.")
]
Prompt = Annotated[str, Argument(metavar="PROMPT", help="What is in the picture.")]
Out = Annotated[Path, Option(rich_help_panel=OUTPUT_PANEL, help="Folder for the pictures.")]
Overwrite = Annotated[
    bool, Option("--overwrite", rich_help_panel=OUTPUT_PANEL, help="Replace existing files.")
]
DryRun = Annotated[
    bool,
    Option(
        "--dry-run", rich_help_panel=OUTPUT_PANEL, help="Check everything, print the plan, paint nothing."
    ),
]
AsJson = Annotated[bool, Option("--json", rich_help_panel=OUTPUT_PANEL, help="Print one JSON document.")]
Quiet = Annotated[
    bool,
    Option(
        "--quiet",
        "-q",
        rich_help_panel=OUTPUT_PANEL,
        help="Print no progress, notes or warnings; only results and errors.",
    ),
]
DeviceOption = Annotated[
    str,
    Option(
        "--device", rich_help_panel=COMPUTING_PANEL, help="auto, cpu, cuda or mps.",
        autocompletion=completion.devices,
    ),
]  # fmt: skip
PrecisionOption = Annotated[
    str,
    Option(
        "--precision", rich_help_panel=COMPUTING_PANEL, help="auto, fp32, fp16 or bf16.",
        autocompletion=completion.precisions,
    ),
]  # fmt: skip
Compile = Annotated[
    bool,
    Option(
        "--compile",
        rich_help_panel=COMPUTING_PANEL,
        help="Compile the model with torch: a slower start, then faster pictures.",
    ),
]
Threads = Annotated[
    int,
    Option(
        "--threads", min=0, max=256, rich_help_panel=COMPUTING_PANEL,
        help="CPU threads. 0: one per core, or a single one on Ray.",
    ),
]  # fmt: skip
VerifyWith = Annotated[
    str | None,
    Option(
        metavar="ESTIMATOR", rich_help_panel=VERIFYING_PANEL, autocompletion=completion.estimators,
        help="Depth estimator for verifying: a name (depthpaint models list) or a folder. "
        "Default: diorama-depth.",
    ),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Group:
    """Options that become one value, which `make` returns. They are its keyword arguments."""

    make: Callable[..., object]
    options: tuple[inspect.Parameter, ...]


def group_of(make: Callable[..., object]) -> Any:
    """The group of a function's parameters, which may be groups themselves."""
    whole = grouped(make)
    return Group(whole, tuple(inspect.signature(whole).parameters.values()))


def _parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    """The parameters with their types; types of groups are not imported, because help does not need them."""
    names = function.__globals__
    return [
        each if isinstance(each.default, Group) else each.replace(annotation=eval(each.annotation, names))
        for each in inspect.signature(function).parameters.values()
    ]


def grouped(command: Callable[..., Made]) -> Callable[..., Made]:
    """The command with the options of its groups, as typer reads them from its signature."""
    groups: dict[str, Group] = {}
    parameters: list[inspect.Parameter] = []
    for parameter in _parameters(command):
        if isinstance(parameter.default, Group):
            groups[parameter.name] = parameter.default
            parameters += parameter.default.options
        else:
            parameters.append(parameter)

    @wraps(command)
    def run(**values: object) -> Made:
        made: dict[str, object] = {}
        for name, group in groups.items():
            made[name] = group.make(**{option.name: values.pop(option.name) for option in group.options})
        return command(**values, **made)

    ordered = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters]
    run.__signature__ = inspect.Signature(ordered)  # pyright: ignore[reportAttributeAccessIssue]
    run.__annotations__ = {each.name: each.annotation for each in ordered}
    return run


def _option(name: str, setting: Setting, annotation: object) -> inspect.Parameter:
    """The option of a setting. If it is not given, the value is None."""
    flag, kind = setting.flag_of(name), _kind_of(annotation)
    # A number with another notation, like 5:3, is read as text.
    kind = str if setting.metavar and kind in (int, float) else kind
    several = kind is list
    flags = [f"{flag}/--no-{flag[2:]}"] if kind is bool else [flag]
    option = Option(
        *flags,
        metavar=setting.metavar or _choices_of(annotation),
        help=f"{setting.help} {default_of(name, setting)}".rstrip(),
        rich_help_panel=setting.panel,
        show_default=False,
        autocompletion=completion.FIELDS.get(name) or completion.words(_words_of(annotation)),
    )
    value_type: Any = list[str] if several else kind
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[value_type | None, option]
    )


def _parts(annotation: object) -> list[object]:
    """The types of a field, without constraints and without None."""
    if get_origin(annotation) is Annotated:
        return _parts(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [part for each in get_args(annotation) for part in _parts(each)]
    return [] if annotation is NoneType else [annotation]


def _kind_of(annotation: object) -> type:
    """The type that an option reads: bool, int, float, str, or list for several texts."""
    parts = _parts(annotation)
    if parts in ([bool], [int], [float]):
        return parts[0]  # pyright: ignore[reportReturnType]
    elements = [_parts(get_args(part)[0]) for part in parts if get_origin(part) is tuple]
    holds_models = any(
        isinstance(each, type) and issubclass(each, BaseModel) for part in elements for each in part
    )
    return list if holds_models else str


def _choices_of(annotation: object) -> str | None:
    """The words that an option accepts, if they are few."""
    words = _words_of(annotation)
    return "|".join(words) if words and len(words) <= 5 and len(_parts(annotation)) == 1 else None


def _words_of(annotation: object) -> list[str]:
    """The words that a field accepts."""
    parts = _parts(annotation)
    words = [str(word) for part in parts if get_origin(part) is Literal for word in get_args(part)]
    return words + [
        str(each.value)
        for part in parts
        if isinstance(part, type) and issubclass(part, Enum)
        for each in part
    ]


def default_of(name: str, setting: Setting) -> str:
    """The default of a setting, for help."""
    value = setting.default
    if setting.rule:
        return f"Default: {setting.rule}."
    if value is Default.OF_MODEL:
        from depthpaint.models.diorama.family import DIORAMA

        return f"Default: the model's own; diorama: {_shown(getattr(DIORAMA, name))}."
    if value in (None, (), "", False):
        return ""
    return f"Default: {_shown(value)}."


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ":".join(f"{each:g}" for each in value)  # pyright: ignore[reportUnknownVariableType]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _settings(photo: bool, given: Mapping[str, object]) -> dict[str, object]:
    """The settings that were given, by field."""
    values = {name: value for name, value in given.items() if value is not None}
    if isinstance(text := values.get("negative_prompt"), str):
        values["negative_prompt"] = as_utf8(text)
    if photo:
        from depthpaint.models.estimators import registry as estimators

        values.setdefault("from_photo", estimators.DEFAULT)
    return values


def settings_group(*panels: str, without: tuple[str, ...] = ()) -> Any:
    """The options of the settings in these panels (without panels: of all), in the order of their fields."""
    known = {
        name: setting
        for name, setting in settings_of(Request).items()
        if (not panels or setting.panel in panels) and name not in without
    }
    options = [
        _option(name, setting, Request.model_fields[name].annotation) for name, setting in known.items()
    ]
    photo = inspect.Parameter(
        "photo", inspect.Parameter.KEYWORD_ONLY, default=False,
        annotation=Annotated[bool, Option(
            "--from-photo", rich_help_panel=depth_map.PANEL, help="The file is a photo: estimate its depth.",
        )],
    )  # fmt: skip
    if "from_photo" in known:
        options.insert(list(known).index("from_photo"), photo)

    def make(*, photo: bool = False, **given: object) -> dict[str, object]:
        return _settings(photo, given)

    return Group(make, tuple(options))


def _max_pixels(*, max_pixels: str | None) -> int | None:
    """The largest map to read, if it is given. Raises ParameterError."""
    return None if max_pixels is None else reading_from({"max_pixels": max_pixels}).max_pixels


MAX_PIXELS: Any = Group(
    _max_pixels,
    (
        _option(
            "max_pixels", settings_of(Request)["max_pixels"], Request.model_fields["max_pixels"].annotation
        ),
    ),
)
TRIES = 4


def wish_of(
    verify: Annotated[
        bool,
        Option("--verify", rich_help_panel=VERIFYING_PANEL, help="Verify the depth of each picture."),
    ] = False,
    min_agreement: Annotated[
        float | None,
        Option(
            min=-1, max=1, rich_help_panel=VERIFYING_PANEL,
            help="If the depth agreement is lower, try other seeds; exit with 4 if none reaches it.",
        ),
    ] = None,
    tries: Annotated[
        int | None,
        Option(
            min=1, max=1000, rich_help_panel=VERIFYING_PANEL,
            help=f"With --min-agreement: the number of seeds to try. Default: {TRIES}.",
        ),
    ] = None,
    best_of: Annotated[
        int | None,
        Option(
            min=1, max=1000, rich_help_panel=VERIFYING_PANEL,
            help="Paint with N seeds and keep the picture whose depth agrees best.", metavar="N",
        ),
    ] = None,
    verify_with: VerifyWith = None,
) -> Requirement | None:  # fmt: skip
    """How to verify pictures, or None if they are not verified. Raises ParameterError."""
    if (min_agreement is not None or tries is not None) and best_of is not None:
        raise ParameterError(
            "--best-of tries all its seeds, but --min-agreement and --tries stop at the first that agrees",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="give one or the other",
        )
    if tries is not None and min_agreement is None:
        raise ParameterError(
            "--tries needs --min-agreement, the depth agreement at which to stop",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="add --min-agreement 0.6, or use --best-of",
        )
    if not verify and min_agreement is None and best_of is None and verify_with is None:
        return None
    from depthpaint.verification.choosing import Requirement

    estimator = estimator_of(verify_with)
    if best_of is not None:
        return Requirement(estimator, inf, best_of)
    return (
        Requirement(estimator)
        if min_agreement is None
        else Requirement(estimator, min_agreement, tries or TRIES)
    )


def estimator_of(verify_with: str | None) -> str:
    """The estimator for verifying: that of --verify-with, of the config file, or the built-in one."""
    from depthpaint.models.estimators.registry import DEFAULT

    return verify_with or user_config().estimator or DEFAULT


def runtime_of(
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    compiled: Compile = False,
    threads: Threads = 0,
) -> Runtime:
    """Where to compute. Raises ParameterError for an unknown device or precision."""
    from depthpaint.models import painter

    for flag, word, known in (
        ("--device", device, get_args(painter.Device)),
        ("--precision", precision, get_args(painter.Precision)),
    ):
        if word not in known:
            raise ParameterError(
                f"there is no {flag} {word!r}",
                code=ErrorCode.INVALID_PARAMETER,
                remedy=f"choose {', '.join(known)}",
                value=word,
            )
    return painter.Runtime(device, precision, compiled, threads)  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True, slots=True)
class RayCluster:
    """Where Ray runs (None: do not use Ray), and how many processes it gets (None: as many as fit)."""

    address: str | None
    workers: int | None


def ray_of(
    ray: Annotated[
        str | None,
        Option(
            metavar="ADDRESS", rich_help_panel=COMPUTING_PANEL,
            help="Paint on Ray: 'local', or the address of a cluster.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        Option(
            min=1, rich_help_panel=COMPUTING_PANEL,
            help="Processes on Ray. Default: one per GPU, or one per CPU core.",
        ),
    ] = None,
) -> RayCluster:  # fmt: skip
    """The options of Ray. Raises ParameterError for workers without Ray."""
    from depthpaint.batch.ray_painters import require_ray_for

    require_ray_for(workers, ray)
    return RayCluster(ray, workers)


READING = settings_group(depth_map.PANEL)
REQUIREMENT, RUNTIME, RAY = group_of(wish_of), group_of(runtime_of), group_of(ray_of)
