"""The ControlNet units in `alwayson_scripts`: which depth map, how strongly, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from depthpaint.core.errors import DepthpaintError, ErrorCode, ParameterError
from depthpaint.server.inputs import bytes_of

MOST_UNITS = 3
MODULES = ("none", "depth", "depth_anything", "depth_anything_v2")
MODEL = "depthpaint [depth]"
"""The one control network that clients can name: the one that belongs to the model."""
_MODES = {"just resize": "stretch", "crop and resize": "crop", "scale to fit (inner fit)": "crop",
          "inner fit (scale to fit)": "crop", "resize and fill": "pad", "envelope (outer fit)": "pad",
          "outer fit (shrink to fit)": "pad", "0": "stretch", "1": "crop", "2": "pad"}  # fmt: skip
_CONTROL_MODES = ("balanced", "my prompt is more important", "controlnet is more important", "0", "1", "2")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that takes part: the depth map's file, and its settings."""

    depth: bytes
    strength: float
    window: tuple[float, float]
    fit: str


def unit_of(scripts: object) -> Unit | None:
    """The unit with the depth map; None if none is enabled.

    Raises DepthpaintError for other scripts that are enabled, for several depth maps, and for bad values.
    """
    if scripts is None:
        return None
    found: Unit | None = None
    for name, script in _mapping(scripts, "alwayson_scripts").items():
        given: object = script
        if isinstance(script, Mapping):
            given = cast("Mapping[str, object]", script).get("args")
        listed: list[object] = cast("list[object]", given) if isinstance(given, list) else [given]
        if name.lower() != "controlnet":
            if any(_is_enabled(each) for each in listed):
                raise DepthpaintError(
                    f"the script '{name[:60]}' is not supported", code=ErrorCode.SCRIPT_NOT_FOUND,
                    remedy="leave it out, or disable it",
                )  # fmt: skip
            continue
        if len(listed) > MOST_UNITS:
            raise _bad("args", f"there are {len(listed)} ControlNet units, at most {MOST_UNITS} are allowed")
        for each in listed:
            unit = (
                _unit(cast("Mapping[str, Any]", each))
                if isinstance(each, Mapping) and each
                else _no_unit(each)
            )
            if unit is not None and found is not None:
                raise _bad("args", "two ControlNet units have a depth map; send one")
            found = unit or found
    return found


def _is_enabled(argument: object) -> bool:
    """Whether the argument of a foreign script turns it on."""
    if isinstance(argument, Mapping):
        values = cast("Mapping[str, Any]", argument)
        return any(bool(value) and value != "None" for value in values.values())
    return argument is True


def _no_unit(argument: Any) -> None:
    if argument not in (None, False, True, {}, "", []):
        raise _bad("args", "a ControlNet unit must be an object")


def _unit(given: Mapping[str, Any]) -> Unit | None:
    if given.get("enabled", True) is False:
        return None
    if given.get("ipadapter_input"):
        raise _bad("ipadapter_input", "IP-Adapter is not supported")
    module = str(given.get("module") or "none").lower()
    if module not in MODULES:
        raise DepthpaintError(
            f"there is no module '{module[:60]}'", code=ErrorCode.MODULE_NOT_FOUND,
            remedy=f"choose one of {', '.join(MODULES)}",
        )  # fmt: skip
    model = given.get("model")
    if model not in (None, "", "None", "none", MODEL, MODEL.partition(" ")[0]):
        raise DepthpaintError(
            "there is no such control network",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"use '{MODEL}' or 'None'",
        )
    text = _image(given.get("image")) or _image(given.get("input_image"))
    if not text:
        raise ParameterError(
            "an enabled ControlNet unit has no image", code=ErrorCode.DEPTH_MISSING,
            remedy="send the depth map as image, base64", value=("image",),
        )  # fmt: skip
    start = _number(given, "guidance_start", 0.0, 0.0, 1.0)
    end_name = "guidance_end" if given.get("guidance_end") is not None else "guidance"
    end = _number(given, end_name, 1.0, 0.0, 1.0)
    if start > end:
        raise _bad("guidance_start", "it is greater than guidance_end")
    control: Any = given.get("control_mode", "Balanced")
    if isinstance(control, list):
        control = next(iter(cast("list[Any]", control)), "Balanced")
    if str(control).lower() not in _CONTROL_MODES:
        raise _bad(
            "control_mode",
            "it is none of Balanced, My prompt is more important, ControlNet is more important",
        )
    mode = str(given.get("resize_mode", "crop and resize")).lower()
    if mode not in _MODES:
        raise _bad("resize_mode", f"it is none of {', '.join(list(_MODES)[:7])}")
    strength = _number(given, "weight", 1.0, 0.0, 2.0)
    return Unit(bytes_of(text, "image"), strength, (start, end), _MODES[mode])


def _image(value: object) -> str:
    """The text of a picture: alone, with a mask in an object, or in a list."""
    if isinstance(value, list):
        return _image(cast("list[Any]", value)[0]) if value else ""
    if isinstance(value, Mapping):
        return _image(cast("Mapping[str, Any]", value).get("image"))
    if value is None or isinstance(value, str):
        return (value or "").strip()
    raise _bad("image", "it must be a text with base64")


def _number(given: Mapping[str, Any], name: str, otherwise: float, least: float, most: float) -> float:
    value = given.get(name)
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise _bad(name, f"it must be a number from {least:g} to {most:g}")
    return float(value)


def _mapping(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _bad(field, "it must be an object")
    return cast("Mapping[str, Any]", value)


def _bad(field: str, why: str) -> ParameterError:
    return ParameterError(
        f"{field}: {why}", code=ErrorCode.INVALID_PARAMETER, remedy="see /openapi.json", value=(field,)
    )
