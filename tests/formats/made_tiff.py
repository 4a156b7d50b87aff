"""Write TIFFs of every kind, sound or spoiled, independently of the libraries that read them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LETTERS = {1: "B", 2: "s", 3: "H", 4: "I", 16: "Q"}
Tags = Mapping[int, tuple[int, Sequence[int] | bytes]]


def plain_lzw(content: bytes) -> bytes:
    """LZW that never refers back: 9-bit literals, with the table cleared before codes grow to 10 bits."""
    codes = [256]
    for k in range(0, len(content), 200):
        codes += [*content[k : k + 200], 256]
    bits = "".join(f"{code:09b}" for code in [*codes, 257])
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def packbits(content: bytes) -> bytes:
    """Runs where there are any of three or more, the rest as it is."""
    out, k = b"", 0
    while k < len(content):
        run = 1
        while run < 128 and content[k : k + run + 1] == content[k : k + 1] * (run + 1):
            run += 1
        out += bytes([257 - run, content[k]]) if run > 2 else bytes([0, content[k]])
        k += run if run > 2 else 1
    return out


PACK = {1: bytes, 5: plain_lzw, 8: zlib.compress, 32_946: zlib.compress, 32_773: packbits}


def differenced(piece: NDArray[Any], predictor: int, order: str) -> bytes:
    """One piece (rows, columns, channels) as bytes in the file's order."""
    if predictor == 1:
        return piece.astype(f"{order}{piece.dtype.str[1:]}").tobytes()
    rows, columns, channels = piece.shape
    if predictor == 2:
        whole = np.ascontiguousarray(piece).view(f"u{piece.dtype.itemsize}")
        steps = np.concatenate([whole[:, :1], np.diff(whole, axis=1)], axis=1)
        return steps.astype(f"{order}u{piece.dtype.itemsize}").tobytes()
    size = piece.dtype.itemsize
    raw = np.ascontiguousarray(piece.astype(piece.dtype.newbyteorder(">"))).view(np.uint8)
    parts = raw.reshape(rows, columns * channels, size).swapaxes(1, 2).reshape(rows, -1, channels)
    steps = np.concatenate([parts[:, :1], np.diff(parts, axis=1)], axis=1)
    return steps.tobytes()


def pieces(
    samples: NDArray[Any], rows: int, tile: tuple[int, int] | None, planar: bool
) -> list[NDArray[Any]]:
    planes = [samples[..., k : k + 1] for k in range(samples.shape[2])] if planar else [samples]
    if tile is None:
        return [plane[top : top + rows] for plane in planes for top in range(0, len(plane), rows)]
    height, width = tile
    found: list[NDArray[Any]] = []
    for plane in planes:
        below, beside = -len(plane) % height, -plane.shape[1] % width
        padded = np.pad(plane, ((0, below), (0, beside), (0, 0)), mode="edge")
        found += [
            padded[top : top + height, left : left + width]
            for top in range(0, len(padded), height)
            for left in range(0, padded.shape[1], width)
        ]
    return found


def tiff(
    samples: NDArray[Any],
    *,
    order: str = "<",
    big: bool = False,
    method: int = 1,
    predictor: int = 1,
    rows: int = 5,
    tile: tuple[int, int] | None = None,
    planar: bool = False,
    pages: int = 1,
    tags: Tags | None = None,
) -> bytes:
    """A TIFF with `pages` times the same `samples`, (H, W) or (H, W, C); `tags` add to or replace others."""
    samples = samples if samples.ndim == 3 else samples[..., None]
    height, width, channels = samples.shape
    data = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}H", 43 if big else 42)
    word = "Q" if big else "I"
    data += struct.pack(f"{order}HHQ", 8, 0, 16) if big else struct.pack(f"{order}I", 8)
    contents = [PACK[method](differenced(p, predictor, order)) for p in pieces(samples, rows, tile, planar)]
    wide = 16 if big else 4
    where, how_long = (324, 325) if tile else (273, 279)
    for page in range(pages):
        entries: dict[int, tuple[int, Sequence[int] | bytes]] = {
            256: (4, [width]), 257: (4, [height]), 258: (3, [samples.dtype.itemsize * 8] * channels),
            259: (3, [method]), 262: (3, [2 if channels >= 3 else 1]), where: (wide, [0] * len(contents)),
            277: (3, [channels]), how_long: (wide, [len(content) for content in contents]),
            284: (3, [2 if planar else 1]), 317: (3, [predictor]),
            339: (3, [{"u": 1, "i": 2, "f": 3}[samples.dtype.kind]] * channels),
        }  # fmt: skip
        entries |= {322: (4, [tile[1]]), 323: (4, [tile[0]])} if tile else {278: (4, [rows])}
        if channels in (2, 4):
            entries[338] = (3, [2])
        entries |= tags or {}
        data += _directory(len(data), entries, contents, where, order, word, page + 1 < pages)
    return data


def _directory(
    start: int,
    entries: dict[int, tuple[int, Sequence[int] | bytes]],
    contents: list[bytes],
    where: int,
    order: str,
    word: str,
    more: bool,
) -> bytes:
    count, field = ("Q", 8) if word == "Q" else ("H", 4)
    length = (
        struct.calcsize(f"={count}") + len(entries) * (12 + field - 4 + (4 if word == "Q" else 0)) + field
    )
    heap, heap_start = b"", start + length
    if entries[where][1] and not any(entries[where][1]):
        places = heap_start + np.cumsum([0, *map(len, contents)])[:-1]
        entries[where] = (entries[where][0], places.tolist())
    heap += b"".join(contents)
    rows = b""
    for tag, (kind, values) in sorted(entries.items()):
        packed = (
            bytes(values)
            if kind == 2
            else b"".join(struct.pack(f"{order}{LETTERS[kind]}", value) for value in values)
        )
        rows += struct.pack(f"{order}HH{word}", tag, kind, len(values))
        if len(packed) <= field:
            rows += packed.ljust(field, b"\0")
        else:
            rows += struct.pack(f"{order}{word}", heap_start + len(heap))
            heap += packed
    following = heap_start + len(heap) if more else 0
    return (
        struct.pack(f"{order}{count}", len(entries)) + rows + struct.pack(f"{order}{word}", following) + heap
    )
