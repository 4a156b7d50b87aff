"""Which device computes, and in which precision."""

from __future__ import annotations

import torch

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.models.runtime import Device, Precision

_TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
BF16_FROM = (8, 0)
"""CUDA compute capability that multiplies in bfloat16 (Ampere); older cards do in float16 alone."""


def chosen_device(asked: Device) -> str:
    """The device's name for torch. Raises ParameterError where the one asked for is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked == "auto":
        return next(name for name, is_there in there.items() if is_there)
    if not there[asked]:
        raise ParameterError(
            f"torch {torch.__version__} finds no {asked} device here",
            code=ErrorCode.INVALID_PARAMETER,
            remedy=f"choose --device {' or '.join(name for name, is_there in there.items() if is_there)}, "
            "or install the torch that is built for the device",
            value=asked,
        )
    return asked


def chosen_precision(asked: Precision, device: str) -> torch.dtype:
    """The type of the networks' numbers; `auto` is what the device multiplies fastest."""
    if asked != "auto":
        return _TYPES[asked]
    if device == "cpu":
        return torch.float32
    if device == "cuda" and torch.cuda.get_device_capability() >= BF16_FROM:
        return torch.bfloat16
    return torch.float16
