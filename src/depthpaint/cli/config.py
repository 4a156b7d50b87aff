"""The user's own defaults in a TOML file, which only the command line reads, and `depthpaint config`."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from depthpaint.cli.terminal import emit, emit_document, emit_path
from depthpaint.core.errors import DepthpaintError, ErrorCode, ParameterError, printable
from depthpaint.core.files import expanded
from depthpaint.core.regular_file import Wanted, read_regular_file
from depthpaint.core.setting import CONFIG_VARIABLE, Name, Whole
from depthpaint.models.painter import MOST_THREADS, Device, Precision

if TYPE_CHECKING:
    from collections.abc import Mapping


OUT_FOLDER = Path("output_images")
"""The default folder for pictures."""
MOST_BYTES = 1 << 16
_FILE = Wanted("TOML file", ParameterError, ErrorCode.INVALID_PARAMETER, ErrorCode.INVALID_PARAMETER)
_WITHOUT = f"or set {CONFIG_VARIABLE} to an empty value to paint without a config file"


def _at_home(value: str) -> str:
    """`value` with "~" replaced by the home folder, as a shell does."""
    return str(expanded(value))


Place = Annotated[Name, AfterValidator(_at_home)]


class UserConfig(BaseModel, frozen=True, extra="forbid", strict=True):
    """What a user may set. None means not set: the program's default is used."""

    model: Annotated[
        Place | None, Field(description="a name, a hub id, a folder or a file", examples=['"sd15"'])
    ] = None
    device: Annotated[Device | None, Field(description="auto, cpu, cuda or mps", examples=['"cuda"'])] = None
    precision: Annotated[
        Precision | None, Field(description="auto, fp32, fp16 or bf16", examples=['"fp16"'])
    ] = None
    threads: Annotated[
        Annotated[Whole, Field(ge=0, le=MOST_THREADS)] | None,
        Field(description="CPU threads; 0: one per core", examples=["2"]),
    ] = None
    out: Annotated[
        Place | None,
        Field(
            description="folder for the pictures of generate and batch", examples=['"~/Pictures/depthpaint"']
        ),
    ] = None
    estimator: Annotated[
        Place | None,
        Field(
            description="depth estimator for verifying: a name or a folder",
            examples=['"depth-anything-v2-small"'],
        ),
    ] = None

    def settings(self) -> dict[str, object]:
        """Those that are settings of a picture, by the names that --set uses."""
        return {} if self.model is None else {"model": self.model}

    def given(self) -> dict[str, Any]:
        """The keys that are set."""
        return {key: value for key in KEYS if (value := getattr(self, key)) is not None}


KEYS = tuple(UserConfig.model_fields)


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The file that holds the defaults; `named` if the environment variable names it."""

    path: Path
    named: bool

    @property
    def exists(self) -> bool:
        """Whether there is a file. In a home folder that may not be read there is none."""
        return os.path.lexists(self.path)

    def read(self) -> UserConfig:
        """Its values; none if there is no file. Raises ParameterError for errors in the file."""
        if not self.exists and not self.named:
            return UserConfig()
        return _checked(self.path, _parsed(self.path, read_regular_file(self.path, MOST_BYTES, _FILE)))


def config_file() -> ConfigFile | None:
    """The file that DEPTHPAINT_CONFIG names, or the user's; None if the variable is empty."""
    named = os.environ.get(CONFIG_VARIABLE)
    if named is not None:
        return ConfigFile(expanded(named), True) if named else None
    from platformdirs import user_config_dir

    return ConfigFile(Path(user_config_dir("depthpaint", appauthor=False)) / "config.toml", False)


def user_config() -> UserConfig:
    """The user's own defaults. Raises ParameterError for errors in the file."""
    file = config_file()
    return UserConfig() if file is None else file.read()


def add_origin(error: DepthpaintError) -> None:
    """Name the config file in the remedy of an error, if the error's value comes from that file."""
    file = config_file()
    try:
        given = {} if file is None else file.read().given()
    except DepthpaintError:
        return
    key = next((key for key, value in given.items() if str(value) == str(error.value)), None)
    if file is not None and key is not None:
        origin = f"{key} is set in {file.path}"
        error.remedy = f"{error.remedy}; {origin}" if error.remedy else origin


def _parsed(path: Path, data: bytes) -> Mapping[str, object]:
    from tomllib import loads

    try:
        return loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refusal(f"{path}, line {line}, is not UTF-8", f"save it as UTF-8, {_WITHOUT}", path) from error
    except (ValueError, RecursionError) as error:  # ValueError: also a number with thousands of digits
        lines = len(data.rstrip().splitlines())
        why = str(error).replace("at end of document", f"at the end, line {lines}")
        why = "it is nested too deeply" if isinstance(error, RecursionError) else why
        raise _refusal(
            f"{path} is not TOML: {why}", f'write lines like device = "cpu", {_WITHOUT}', path
        ) from error


def _checked(path: Path, values: Mapping[str, object]) -> UserConfig:
    for key in values:
        if key not in KEYS:
            near = get_close_matches(key.lower(), KEYS, n=1, cutoff=0.5)
            hint = f", did you mean '{near[0]}'?" if near else ""
            known = f"the keys are {', '.join(KEYS)}"
            raise _refusal(f"{path}: '{printable(key[:60])}' is not a key{hint}", known, key)
    try:
        return UserConfig.model_validate(dict(values))
    except ValidationError as error:
        # pydantic's text would repeat the value, which may be long.
        problem = error.errors(include_url=False)[0]
        key = str(problem["loc"][0])
        why = problem.get("ctx", {}).get("error") or problem["msg"].replace("Input should be", "it must be")
        raise _refusal(
            f"{path}: {key}{_shown(values[key])}: {why}", f"for example: {_line(key)}", key
        ) from error


def _shown(value: object) -> str:
    """A simple value in TOML; nothing for very long integers, which Python refuses to print."""
    if isinstance(value, int) and value.bit_length() > 64:
        return ""
    return f" = {printable(json.dumps(value)[:60])}" if isinstance(value, str | int | float) else ""


def example() -> str:
    """A file with every key, commented out."""
    described = {_line(key): field.description for key, field in UserConfig.model_fields.items()}
    width = max(map(len, described))
    return "\n".join(f"# {line:{width}}  # {description}" for line, description in described.items())


def _line(key: str) -> str:
    """A line of the file that sets a key."""
    return f"{key} = {(UserConfig.model_fields[key].examples or [''])[0]}"


def _refusal(message: str, remedy: str, value: object) -> ParameterError:
    return ParameterError(message, code=ErrorCode.INVALID_PARAMETER, remedy=remedy, value=str(value))


BUILT_IN, FROM_FILE = "built in", "config file"


def config(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    path: Annotated[bool, typer.Option("--path", help="Print only the path of the file.")] = False,
) -> None:
    """Show the path of your config file, and the default of each key: built in or from that file.

    The file is in TOML. DEPTHPAINT_CONFIG names another file. Options of a command override it. Python,
    replay and bench do not read it.

    \b
    Examples:
      depthpaint config
      depthpaint config --json
      "${EDITOR:-vi}" "$(depthpaint config --path)"
    """  # fmt: skip
    file = config_file()
    if path:
        if file is None:
            raise ParameterError(
                f"{CONFIG_VARIABLE} is empty: no config file is read",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="unset it, or set it to the path of a file",
            )
        emit_path(file.path)
        return
    given = (file.read() if file is not None and file.exists else UserConfig()).given()
    built_in = _built_in()
    values = {key: (given.get(key, built_in[key]), FROM_FILE if key in given else BUILT_IN) for key in KEYS}
    if as_json:
        emit_document({
            "path": None if file is None else str(file.path), "exists": file is not None and file.exists,
            "values": {key: {"value": value, "source": source} for key, (value, source) in values.items()},
        })  # fmt: skip
        return
    if file is None:
        emit(f"config file: none, because {CONFIG_VARIABLE} is empty\n")
    else:
        emit(f"config file: {file.path}{'' if file.exists else ' (does not exist)'}\n")
    width = max(len(str(value)) for value, _ in values.values())
    for key, (value, source) in values.items():
        emit(f"{key:9}  {value!s:{width}}  {source}")
    if file is not None and not file.exists:
        emit(f"\nExample of a config file:\n\n{example()}")


def _built_in() -> dict[str, object]:
    """The built-in defaults, by key."""
    from depthpaint.core.setting import settings_of
    from depthpaint.models.estimators.registry import DEFAULT
    from depthpaint.models.painter import Runtime
    from depthpaint.request import Request

    runtime = Runtime()
    return {
        "model": settings_of(Request)["model"].default, "device": runtime.device,
        "precision": runtime.precision, "threads": runtime.threads, "out": str(OUT_FOLDER),
        "estimator": DEFAULT,
    }  # fmt: skip
