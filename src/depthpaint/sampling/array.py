"""What a sampler asks of an array: arithmetic with floats and with its own kind.

Numpy and torch both have it.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar


class Array(Protocol):
    """An array with `+ - * /`, such as `numpy.ndarray` and `torch.Tensor`.

    The results are `Any` because numpy's own annotations cannot promise more; the samplers give them back as
    the type they were handed.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes, such as (channels, height, width)."""
        ...

    def __add__(self, other: Any, /) -> Any: ...

    def __sub__(self, other: Any, /) -> Any: ...

    def __mul__(self, other: Any, /) -> Any: ...

    def __truediv__(self, other: Any, /) -> Any: ...


A = TypeVar("A", bound=Array)
"""One array library throughout a call: what goes in comes out."""
