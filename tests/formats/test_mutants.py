"""Sound files of every format, spoiled at random: only typed errors, soon, and never a crash.

A few hundred mutants a format run with the other tests. DEPTHPAINT_MUTANTS=100000 runs that many of each
format by hand (of those that need another process, a hundredth). A failure names its format and seed; keep
the file it names in corpus/, which is replayed as well.
"""

from __future__ import annotations

import os
import random
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from made_exr import exr, exr_parts
from made_jpeg import apple_portrait, dynamic_portrait, google_portrait, jpeg, photo
from made_tiff import tiff
from PIL import Image

from depthpaint.core.errors import DepthError, UnsafeFormatError
from depthpaint.formats.decode import decode
from made_depth import npy, smooth
from made_png import chunk, png

COUNT = int(os.environ.get("DEPTHPAINT_MUTANTS", "300"))
CORPUS = Path(__file__).with_name("corpus")
SECONDS = 20.0
FLOATS = (smooth(16, 20) * 9).astype(np.float32)
BYTES = np.rint(smooth(16, 20) * 255).astype(np.uint8)
WORDS = np.rint(smooth(16, 20) * 65_535).astype(np.uint16)


def webp(**options: object) -> bytes:
    stream = BytesIO()
    Image.fromarray(photo(16, 24)).save(stream, "WEBP", **options)
    return stream.getvalue()


def npz(method: int) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("depth.npy", npy(FLOATS))
        archive.writestr("mask.npy", npy(FLOATS > 3))
        archive.writestr("frames.npy", npy(np.stack([FLOATS, FLOATS])))
    return stream.getvalue()


def sound() -> dict[str, list[bytes]]:
    """Small sound files of each format, of as many kinds as there are ways through the decoder."""
    three = np.stack([BYTES, BYTES[::-1], 255 - BYTES], axis=-1)
    animated = BytesIO()
    Image.fromarray(three).save(animated, "WEBP", save_all=True, append_images=[Image.fromarray(255 - three)])
    return {
        "png": [
            png(WORDS, 16, before=[
                (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 8\n49492a0008000000")),
                (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0tiff:Orientation=\"6\""),
            ]), png(three, 8, 2), png(np.dstack([BYTES, BYTES]), 8, 4, interlaced=True),
        ],
        "npy": [
            npy(FLOATS), npy(np.asfortranarray(WORDS[..., None])), npy(np.stack([FLOATS] * 3)),
            npy(np.dstack([WORDS] * 3)), npy(three),
        ],
        "npz": [npz(zipfile.ZIP_STORED), npz(zipfile.ZIP_DEFLATED)],
        "pgm": [
            b"P5 20 16 65535\n" + WORDS.astype(">u2").tobytes(),
            b"P5\n# made\n20 16\n255\n" + BYTES.tobytes(),
            b"P2\n20 16\n65535\n" + b"\n".join(b" ".join(b"%d" % k for k in row) for row in WORDS),
        ],
        "colmap": [b"20&16&1&" + FLOATS.tobytes()],
        "raw": [FLOATS.tobytes(), WORDS.tobytes(), b"bvx2" + bytes(60)],
        "pfm": [b"Pf\n20 16\n-1.0\n" + FLOATS.tobytes(), b"PF\n10 8\n1\n" + FLOATS.tobytes()[:960]],
        "tiff": [
            tiff(FLOATS, method=8, predictor=3), tiff(WORDS, method=8, predictor=2, order=">"),
            tiff(three, method=32_773, planar=True), tiff(FLOATS, big=True, tile=(16, 16)),
            tiff(WORDS, pages=2, tags={42_113: (2, b"-1\0"), 274: (3, [6])}),
            tiff(WORDS, rows=8, tags={32_997: (4, [2]), 257: (4, [8])}),
            tiff(WORDS, tags={330: (4, [8, 99])}),
        ],
        "jpeg": [
            jpeg(BYTES), jpeg(three, progressive=True), google_portrait(jpeg(three), png(WORDS, 16)),
            dynamic_portrait(jpeg(three), jpeg(BYTES)), apple_portrait(jpeg(three), jpeg(BYTES)),
        ],
        "webp": [webp(), webp(lossless=True), animated.getvalue()],
        "exr": [
            exr({"Z": FLOATS, "A": FLOATS.astype(np.float16)}), exr({"Z": FLOATS}, compression=1),
            exr({"depth.V": FLOATS}, compression=0, corner=(-2, 3), display=(0, 0, 20, 20)),
            exr_parts({"a": {"R": FLOATS}, "b": {"Z": FLOATS}}),
            exr({"Depth.R": FLOATS, "Depth.G": FLOATS * 0, "Depth.B": FLOATS * 0}),
        ],
    }  # fmt: skip


def elsewhere() -> dict[str, list[bytes]]:
    """Those that are read in another process, each of which takes a tenth of a second."""
    found = {"tiff by the library": [tiff(WORDS, method=5), tiff(FLOATS, method=5, predictor=3)]}
    try:
        from test_exr import PIZ, TILED

        found["exr by the library"] = [PIZ, TILED]
    except pytest.skip.Exception:  # the library is not installed
        pass
    try:
        from made_heif import portrait

        found["heif"] = [portrait(np.stack([BYTES] * 3, axis=-1), BYTES)]
    except ImportError:
        pass
    return found


Mutation = Callable[[bytearray, random.Random], None]


def flip(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def set_byte(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(min(len(data), chance.choice((64, 600, 1 << 20))))] = chance.choice(
        (0, 1, 127, 128, 255)
    )


def set_length(data: bytearray, chance: random.Random) -> None:
    """A number of two, four or eight bytes, such as lengths and offsets are."""
    form = chance.choice(("<H", ">H", "<I", ">I", "<Q"))
    size = struct.calcsize(form)
    if len(data) >= size:
        start = chance.randrange(min(len(data), chance.choice((64, 600, 1 << 20))) - size + 1)
        start = max(start, 0)
        value = chance.choice(
            (0, 1, 8, len(data), len(data) + 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63)
        )
        struct.pack_into(form, data, start, value % (1 << 8 * size))


def cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(1, len(data)) :]


def splice(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    piece = data[start : start + chance.randrange(1, 64)]
    place = chance.randrange(len(data))
    data[place : place + chance.choice((0, len(piece)))] = piece


def remove(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    del data[start : start + chance.randrange(1, 32)]


MUTATIONS: tuple[Mutation, ...] = (flip, set_byte, set_length, set_length, cut, splice, remove)


def mutant(files: list[bytes], seed: int) -> bytes:
    chance = random.Random(seed)
    data = bytearray(chance.choice(files))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        if len(data) > 1:
            chance.choice(MUTATIONS)(data, chance)
    return resealed(bytes(data)) if chance.random() < 0.5 else bytes(data)


def resealed(data: bytes) -> bytes:
    """A PNG's checksums made right again, so that mutants come further than the first of them."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    out, position = data[:8], 8
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        if position + 12 + length > len(data):
            break
        out += chunk(data[position + 4 : position + 8], data[position + 8 : position + 8 + length])
        position += 12 + length
    return out + data[position:]


def survives(data: bytes, label: str) -> None:
    started = time.process_time()
    try:
        _, samples = decode("mutant", data, frame=None if len(data) % 3 else 1)
        assert samples.values.ndim in (2, 3), label
        assert samples.values.dtype.kind in "buif", label
        assert samples.opaque is None or samples.opaque.shape == samples.values.shape[:2], label
    except (DepthError, UnsafeFormatError) as error:
        assert error.remedy, label
        assert "\n" not in str(error), label
    except BaseException as error:
        raise AssertionError(f"{label}: {type(error).__name__}: {error}") from error
    assert time.process_time() - started < SECONDS, f"{label} took {time.process_time() - started:.1f} s"


FILES = sound()


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.filterwarnings("error")
def test_mutants(kind: str) -> None:
    for file in FILES[kind] if kind != "raw" else []:
        decode("sound", file)
    for seed in range(COUNT):
        survives(mutant(FILES[kind], seed), f"{kind} with seed {seed}")


@pytest.mark.parametrize("kind", ["exr by the library", "tiff by the library", "heif"])
def test_mutants_elsewhere(kind: str) -> None:
    files = elsewhere().get(kind)
    if files is None:
        pytest.skip("the library is not installed")
    for seed in range(max(6, COUNT // 100)):
        survives(mutant(files, seed), f"{kind} with seed {seed}")


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*")), ids=lambda path: path.name)
def test_what_once_went_wrong(path: Path) -> None:
    survives(path.read_bytes(), path.name)


def test_mutants_are_the_same_every_time() -> None:
    seen = zlib.crc32(b"".join(mutant(FILES["npy"], seed) for seed in range(50)))
    assert seen == zlib.crc32(b"".join(mutant(FILES["npy"], seed) for seed in range(50)))
