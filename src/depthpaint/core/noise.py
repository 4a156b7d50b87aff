"""Gaussian noise drawn by numpy that equals PyTorch's on the CPU for the same seed.

A seed must give the same picture with and without torch, and on every device. The reference is
`torch.randn(shape, generator=torch.Generator().manual_seed(seed))` on CPU, float32. The random integers are
equal to the bit; the normals agree to 2.4e-7 * max(1, |value|), two units in the last place, and nine in ten
are bit-equal (torch takes vectorised logarithms and cosines).

The engine is MT19937 (Matsumoto and Nishimura, 1998) and the transform is that of Box and Muller (1958).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from depthpaint.core.errors import ErrorCode, ParameterError

_STATE_WORDS = 624
_BLOCK = 16
_HALF = _BLOCK // 2
_WORD = 0xFFFFFFFF
SEED_LIMIT = 2**64
"""Seeds are whole numbers in [0, SEED_LIMIT); like torch, the generator takes the low 32 bits."""


class NoiseStream:
    """Successive draws from one generator, equal to successive `torch.randn(..., generator=g)` calls."""

    def __init__(self, seed: int) -> None:
        if not 0 <= seed < SEED_LIMIT:
            raise ParameterError(
                f"seed {seed} is outside 0 .. {SEED_LIMIT - 1}",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="choose a whole number from 0 up, for example 12345",
            )
        self._engine = _mersenne_twister(seed & _WORD)
        # torch keeps the second value of a scalar Box-Muller pair in the generator, across calls.
        self._spare: float | None = None

    def draw(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Draw the next standard normal float32 array of this shape."""
        size = math.prod(shape)
        values = self._draw_few(size) if size < _BLOCK else self._draw_blocks(size)
        return values.reshape(shape)

    def _uniforms(self, count: int) -> NDArray[np.float32]:
        """24 random bits each, in [0, 1)."""
        words = self._engine.random_raw(count) & np.uint64(0xFFFFFF)
        return words.astype(np.float32) * np.float32(2.0**-24)

    def _draw_blocks(self, size: int) -> NDArray[np.float32]:
        values = self._uniforms(size)
        whole = size - size % _BLOCK
        values[:whole] = _box_muller(values[:whole])
        if whole != size:
            # A partial last block takes sixteen new uniforms, so up to fifteen finished values are
            # overwritten.
            values[-_BLOCK:] = _box_muller(self._uniforms(_BLOCK))
        return values

    def _draw_few(self, size: int) -> NDArray[np.float32]:
        """Below one block torch works value by value, in double precision, with 53 random bits a uniform."""
        values = np.empty(size, dtype=np.float32)
        for index in range(size):
            if self._spare is not None:
                values[index], self._spare = self._spare, None
                continue
            angle = 2.0 * math.pi * self._uniform_double()
            radius = math.sqrt(-2.0 * math.log1p(-self._uniform_double()))
            values[index], self._spare = radius * math.cos(angle), radius * math.sin(angle)
        return values

    def _uniform_double(self) -> float:
        high, low = (int(word) for word in self._engine.random_raw(2))
        return ((high << 32 | low) & (2**53 - 1)) * 2.0**-53


class NoiseDraws:
    """The numbered noise of one picture: draw 0 is its first latents, draw k the k-th fresh noise.

    Equal to drawing the same shape repeatedly from one torch generator, as diffusers' pipelines do. Draws in
    rising order cost one draw each; an earlier number restarts the stream, so the result depends on the
    number alone.
    """

    def __init__(self, shape: tuple[int, ...], seed: int) -> None:
        self._shape = shape
        self._seed = seed
        self._stream = NoiseStream(seed)
        self._following = 0

    def __call__(self, number: int) -> NDArray[np.float32]:
        """Draw number `number`, counted from 0: standard normal, float32."""
        if number < 0:
            raise ParameterError(
                f"noise draw {number} does not exist",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="number the draws from 0 up",
            )
        if number < self._following:
            self._stream, self._following = NoiseStream(self._seed), 0
        while self._following < number:
            self._stream.draw(self._shape)
            self._following += 1
        self._following += 1
        return self._stream.draw(self._shape)


def standard_normal(shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    """Standard normal noise of this shape, float32; it depends on the seed alone, in a batch as well."""
    return NoiseStream(seed).draw(shape)


def _mersenne_twister(seed: int) -> np.random.MT19937:
    """MT19937 initialised by one 32-bit integer, which numpy itself offers only in its legacy class."""
    key = np.empty(_STATE_WORDS, dtype=np.uint32)
    word = seed
    for index in range(_STATE_WORDS):
        key[index] = word
        word = (1812433253 * (word ^ (word >> 30)) + index + 1) & _WORD
    engine = np.random.MT19937(0)
    engine.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": _STATE_WORDS}}
    return engine


def _box_muller(uniforms: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn uniforms, a multiple of 16 of them, into normals: in each block 8 radii, then 8 angles."""
    blocks = uniforms.reshape(-1, 2, _HALF)
    # Logarithm in double precision, the rest in single: of the variants tried, the nearest to torch.
    logarithm = np.log1p(-blocks[:, 0].astype(np.float64)).astype(np.float32)
    radius = np.sqrt(np.float32(-2.0) * logarithm)
    angle = np.float32(2.0 * math.pi) * blocks[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)
