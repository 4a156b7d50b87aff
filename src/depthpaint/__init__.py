"""Paint a picture from a depth map and a prompt, following the depth, and verify the result.

    import depthpaint

    result = depthpaint.paint("depth.png", "a white house in winter", seed=7)
    paths = result.save("pictures")
    print(depthpaint.verify(paths[0]).depth_agreement)

`paint`, `read_depth`, `inspect` and `verify` are all that most programs need; see their help for arguments,
return values and errors. Every error raised on purpose is a DepthpaintError with a stable `code` and a
`remedy`. Names are loaded on first use, so importing the package is cheap.
"""

import importlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from depthpaint.api import inspect, paint, read_depth, verify
    from depthpaint.core.errors import (
        Cancelled,
        DepthError,
        DepthpaintError,
        ErrorCode,
        InternalError,
        ModelError,
        OutOfMemory,
        OutputError,
        ParameterError,
        PictureRefused,
        UnsafeFormatError,
    )
    from depthpaint.depth.depth_map import DepthMap, DepthSource
    from depthpaint.engine import Engine
    from depthpaint.models.painter import Runtime
    from depthpaint.paint_settings import PaintSettings, ReadingSettings
    from depthpaint.picture import Progress
    from depthpaint.record.result import Result
    from depthpaint.record.run_record import RecordError, RunRecord
    from depthpaint.request import Request
    from depthpaint.verification.agreement import Agreement

__version__ = "0.1.0"

# Several libraries send usage data unless an environment variable disables it, and some read the variable
# only during import. This package is imported before all of them, by every command, worker and child process,
# so the variables are set here. docs/explanation/network.md lists what each library would send.
for _variable, _value in {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime 1.29 and later; read once, during its import
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, transformers, diffusers
    "RAY_USAGE_STATS_ENABLED": "0",  # Ray
    "DO_NOT_TRACK": "1",  # a convention that many tools respect
}.items():
    os.environ[_variable] = _value

__all__ = [
    "Agreement",
    "Cancelled",
    "DepthError",
    "DepthMap",
    "DepthSource",
    "DepthpaintError",
    "Engine",
    "ErrorCode",
    "InternalError",
    "ModelError",
    "OutOfMemory",
    "OutputError",
    "PaintSettings",
    "ParameterError",
    "PictureRefused",
    "Progress",
    "ReadingSettings",
    "RecordError",
    "Request",
    "Result",
    "RunRecord",
    "Runtime",
    "UnsafeFormatError",
    "inspect",
    "paint",
    "read_depth",
    "verify",
]
_PLACES = {
    "api": ("inspect", "paint", "read_depth", "verify"),
    "depth.depth_map": ("DepthMap", "DepthSource"),
    "engine": ("Engine",),
    "models.painter": ("Runtime",),
    "paint_settings": ("PaintSettings", "ReadingSettings"),
    "picture": ("Progress",),
    "record.result": ("Result",),
    "record.run_record": ("RecordError", "RunRecord"),
    "request": ("Request",),
    "verification.agreement": ("Agreement",),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}
"""The module of each public name; all others are in core.errors."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES.get(name, 'core.errors')}")
    value: object = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
