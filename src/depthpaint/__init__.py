"""Paint a picture from a depth map and a prompt, obey the depth, and verify it."""

import os

__version__ = "0.1.0"

# Several libraries report to their makers unless a variable forbids it, and some read the variable only while
# they are imported. This package is imported before any of them, by every command, worker and child process,
# so it is the one place that can forbid it. docs/network.md lists what each of them would send.
for _variable, _value in {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime 1.29 and later; read once, during its import
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, transformers, diffusers
    "RAY_USAGE_STATS_ENABLED": "0",  # Ray
    "DO_NOT_TRACK": "1",  # the general request that many tools respect
}.items():
    os.environ[_variable] = _value
