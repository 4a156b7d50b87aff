"""Files with the defects that have crashed image libraries, one named case each, made here byte by byte."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
from made_exr import attribute, exr
from made_jpeg import google_portrait, jpeg, segment, with_segments
from made_tiff import tiff
from PIL import Image

from depthpaint.core.errors import ErrorCode
from made_depth import npy, smooth
from made_png import SIGNATURE, chunk, header, png, scanlines

UNREADABLE, TRUNCATED = ErrorCode.DEPTH_UNREADABLE, ErrorCode.DEPTH_TRUNCATED
UNSUPPORTED, SHAPE, LARGE = (
    ErrorCode.DEPTH_UNSUPPORTED_FORMAT,
    ErrorCode.DEPTH_BAD_SHAPE,
    ErrorCode.DEPTH_TOO_LARGE,
)
DTYPE, FINITE = ErrorCode.DEPTH_BAD_DTYPE, ErrorCode.DEPTH_NOT_FINITE
PICKLE = ErrorCode.PICKLE_REFUSED

Case = tuple[str, bytes, ErrorCode | None]
"""A name, the file, and the code that it is refused with; None where it is read for what is sound in it."""

FLOATS = (smooth(16, 20) * 9).astype(np.float32)
BYTES = np.rint(smooth(16, 20) * 255).astype(np.uint8)
WORDS = np.rint(smooth(16, 20) * 65_535).astype(np.uint16)
THREE = np.stack([BYTES, BYTES[::-1], 255 - BYTES], axis=-1)


def cases() -> list[Case]:
    """All of them."""
    groups = (_png, _jpeg, _webp, _tiff_tables, _tiff_pieces, _exr, _arrays, _pfm, _pgm, _colmap, _others)
    return [case for group in groups for case in group()]


def _png_of(*chunks: tuple[bytes, bytes]) -> bytes:
    return SIGNATURE + b"".join(chunk(*each) for each in chunks)


def _with_header(content: bytes, packed: bytes | None = None) -> bytes:
    packed = zlib.compress(scanlines(BYTES, 8)) if packed is None else packed
    return _png_of((b"IHDR", content), (b"IDAT", packed), (b"IEND", b""))


def _png() -> Iterator[Case]:
    good = struct.pack(">IIBBBBB", 20, 16, 8, 0, 0, 0, 0)
    raw = scanlines(BYTES, 8)
    packed = zlib.compress(raw)
    window = bytearray(packed)
    window[0] = 0xF8  # a window of 2**23 bytes, more than deflate has
    colours = b"\x10\x20\x30" * 4
    indexed = header(20, 16, 8, 3) + chunk(b"PLTE", colours)
    yield "png-zlib-window-too-large", _with_header(good, bytes(window)), UNREADABLE
    yield "png-zlib-preset-dictionary", _with_header(good, b"\x78\xbb" + packed[2:]), UNREADABLE
    yield "png-zlib-bad-huffman-table", _with_header(good, b"\x78\x9c\x05\xe0" + bytes(40)), UNREADABLE
    yield "png-zlib-bad-checksum", _with_header(good, packed[:-4] + bytes(4)), UNREADABLE
    yield "png-too-few-rows", _with_header(good, zlib.compress(raw[:-50])), TRUNCATED
    yield "png-bytes-without-end", _with_header(good, zlib.compress(raw + bytes(1 << 22))), UNREADABLE
    yield "png-filter-of-no-kind", _with_header(good, zlib.compress(b"\x09" + raw[1:])), UNREADABLE
    yield "png-no-pixels", _png_of((b"IHDR", good), (b"IEND", b"")), TRUNCATED
    yield "png-width-zero", _with_header(struct.pack(">IIBBBBB", 0, 16, 8, 0, 0, 0, 0)), UNREADABLE
    yield "png-negative-height", _with_header(struct.pack(">IiBBBBB", 20, -16, 8, 0, 0, 0, 0)), UNREADABLE
    yield "png-huge", _with_header(struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)), LARGE
    yield "png-one-row-of-2e9", _with_header(struct.pack(">IIBBBBB", 2**31 - 1, 1, 8, 0, 0, 0, 0)), LARGE
    yield "png-three-bits", _with_header(struct.pack(">IIBBBBB", 20, 16, 3, 0, 0, 0, 0)), UNREADABLE
    yield "png-colour-type-5", _with_header(struct.pack(">IIBBBBB", 20, 16, 8, 5, 0, 0, 0)), UNREADABLE
    yield (
        "png-interlaced-another-way",
        _with_header(struct.pack(">IIBBBBB", 20, 16, 8, 0, 0, 0, 9)),
        UNREADABLE,
    )
    yield "png-header-too-short", _with_header(good[:9]), UNREADABLE
    yield (
        "png-palette-overrun",
        SIGNATURE + indexed + chunk(b"IDAT", packed) + chunk(b"IEND", b""),
        UNREADABLE,
    )
    yield (
        "png-palette-of-two-bytes",
        _png_of(
            (b"IHDR", struct.pack(">IIBBBBB", 20, 16, 8, 3, 0, 0, 0)),
            (b"PLTE", b"ab"),
            (b"IDAT", packed),
            (b"IEND", b""),
        ),
        UNREADABLE,
    )
    bomb = zlib.compress(bytes(64 << 20))
    yield "png-profile-bomb", png(BYTES, before=[(b"iCCP", b"p\0\0" + bomb)]), None
    yield "png-text-bomb", png(BYTES, before=[(b"zTXt", b"t\0\0" + bomb)]), None
    yield "png-chunk-longer-than-file", png(BYTES)[:33] + b"\x7f\xff\xff\xffIDAT" + packed, TRUNCATED
    yield "png-animation-of-nothing", png(BYTES, before=[(b"acTL", struct.pack(">II", 2**31, 0))]), LARGE


def _jpeg() -> Iterator[Case]:
    whole = jpeg(BYTES)
    start = whole.index(b"\xff\xc0")
    tables, huffman = whole.index(b"\xff\xdb"), whole.index(b"\xff\xc4")
    scan = whole.index(b"\xff\xda")

    def sized(height: int, width: int) -> bytes:
        return whole[: start + 5] + struct.pack(">HH", height, width) + whole[start + 9 :]

    yield "jpeg-no-quantisation-table", whole[:tables] + whole[start:], UNREADABLE
    yield "jpeg-no-huffman-table", whole[:huffman] + whole[scan:], None
    yield "jpeg-bad-huffman-table", whole[: huffman + 5] + b"\xff" * 16 + whole[huffman + 21 :], UNREADABLE
    yield "jpeg-height-zero", sized(0, 20), UNREADABLE
    yield "jpeg-huge", sized(65_000, 65_000), LARGE
    # The decoder fills in gray, as it does in every program, and says nothing.
    yield "jpeg-larger-than-its-scan", sized(400, 400), None
    yield "jpeg-five-channels", whole[: start + 9] + b"\x05" + whole[start + 10 :], SHAPE
    yield "jpeg-sampling-of-zero", whole[: start + 11] + b"\x00" + whole[start + 12 :], UNREADABLE
    yield "jpeg-scan-of-no-channel", whole[: scan + 4] + b"\x00" + whole[scan + 5 :], UNREADABLE
    yield "jpeg-segment-beyond-the-end", whole[:2] + b"\xff\xe1\xff\xff" + whole[2:], TRUNCATED
    yield "jpeg-lossless", whole[: start + 1] + b"\xc3" + whole[start + 2 :], UNSUPPORTED
    yield (
        "jpeg-exif-in-a-ring",
        with_segments(
            whole, segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0")
        ),
        None,
    )
    yield "jpeg-portrait-of-nothing", google_portrait(jpeg(THREE), b"no picture"), UNREADABLE


def _webp() -> Iterator[Case]:
    def made(**options: Any) -> bytes:
        stream = BytesIO()
        Image.fromarray(THREE).save(stream, "WEBP", **options)
        return stream.getvalue()

    def riff(*chunks: tuple[bytes, bytes], length: int | None = None) -> bytes:
        body = b"WEBP" + b"".join(
            kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
            for kind, content in chunks
        )
        return b"RIFF" + struct.pack("<I", len(body) if length is None else length) + body

    lossless, lossy = made(lossless=True), made()
    yield (
        "webp-vp8x-lies-of-its-size",
        riff((b"VP8X", bytes(4) + b"\xff\xff\x00\xff\xff\x00"), (b"VP8L", lossless[20:])),
        LARGE,
    )
    yield (
        "webp-vp8x-of-another-size",
        riff((b"VP8X", bytes(4) + b"\x20\0\0\x20\0\0"), (b"VP8L", lossless[20:])),
        UNREADABLE,
    )
    yield "webp-huffman-of-ones", lossless[:26] + b"\xff" * (len(lossless) - 26), UNREADABLE
    yield "webp-partition-beyond-the-end", lossy[:23] + b"\xff\xff\xff" + lossy[26:], UNREADABLE
    yield "webp-no-picture", riff((b"VP8X", bytes(4) + b"\x13\0\0\x0f\0\0")), UNREADABLE
    yield "webp-shorter-than-it-says", lossless[: len(lossless) // 2], TRUNCATED
    yield "webp-length-of-4e9", b"RIFF\xff\xff\xff\xff" + lossless[8:], TRUNCATED
    yield (
        "webp-animation-of-no-frame",
        riff((b"VP8X", b"\x02\0\0\0\x13\0\0\x0f\0\0"), (b"ANIM", bytes(6))),
        UNREADABLE,
    )


def _tiff_tables() -> Iterator[Case]:
    yield "tiff-directory-beyond-the-end", b"II*\0\xff\xff\xff\x7f", TRUNCATED
    yield "tiff-directory-of-nothing", b"II*\0\x08\0\0\0\0\0\0\0\0\0", UNREADABLE
    ring = bytearray(tiff(WORDS))
    entries = struct.unpack_from("<H", ring, 8)[0]
    struct.pack_into("<I", ring, 10 + 12 * entries, 8)
    yield "tiff-directory-in-a-ring", bytes(ring), UNREADABLE
    yield "tiff-65535-entries", b"II*\0\x08\0\0\0\xff\xff" + bytes(100), LARGE
    yield "tiff-width-zero", tiff(WORDS, tags={256: (4, [0])}), UNREADABLE
    yield "tiff-width-of-2e9", tiff(WORDS, tags={256: (4, [2**31])}), LARGE
    yield "tiff-negative-size", tiff(WORDS, tags={256: (4, [2**32 - 20]), 257: (4, [2**32 - 16])}), LARGE
    yield "tiff-60000-samples", tiff(WORDS, tags={277: (3, [60_000])}), SHAPE
    yield "tiff-bits-of-zero", tiff(WORDS, tags={258: (3, [0])}), DTYPE
    yield "tiff-bits-of-65535", tiff(WORDS, tags={258: (3, [65_535])}), DTYPE
    yield "tiff-floats-of-24-bits", tiff(FLOATS, tags={258: (3, [24])}), DTYPE
    yield "tiff-predictor-9", tiff(WORDS, method=8, tags={317: (3, [9])}), UNSUPPORTED
    yield "tiff-method-of-no-kind", tiff(WORDS, tags={259: (3, [4711])}), UNSUPPORTED
    yield "tiff-old-jpeg", tiff(BYTES, tags={259: (3, [6])}), UNSUPPORTED
    yield "tiff-big-of-8-byte-counts", tiff(WORDS, big=True)[:20], TRUNCATED


def _tiff_pieces() -> Iterator[Case]:
    where, how_long = 273, 279
    yield "tiff-huge-strips", tiff(WORDS, tags={278: (4, [2**32 - 1])}), UNREADABLE
    yield "tiff-strips-of-no-rows", tiff(WORDS, tags={278: (4, [0])}), UNREADABLE
    yield "tiff-strip-beyond-the-end", tiff(WORDS, rows=16, tags={where: (4, [2**32 - 9])}), TRUNCATED
    yield "tiff-strip-of-4e9-bytes", tiff(WORDS, rows=16, tags={how_long: (4, [2**32 - 1])}), TRUNCATED
    yield "tiff-too-few-strips", tiff(WORDS, tags={where: (4, [8]), how_long: (4, [40])}), UNREADABLE
    yield "tiff-truncated-tile", tiff(WORDS, tile=(16, 32))[:-200], TRUNCATED
    yield "tiff-tile-of-zero", tiff(WORDS, tile=(16, 32), tags={322: (4, [0])}), UNREADABLE
    yield "tiff-tile-of-2e9", tiff(WORDS, tile=(16, 32), tags={322: (4, [2**31])}), UNREADABLE
    lzw = bytearray(tiff(WORDS, method=5, rows=16))
    lzw[-300:] = b"\xff" * 300
    yield "tiff-lzw-codes-beyond-the-table", bytes(lzw), UNREADABLE
    yield "tiff-lzw-without-clear", tiff(WORDS, rows=16, tags={259: (3, [5])}), UNREADABLE
    yield "tiff-deflate-of-no-deflate", tiff(WORDS, rows=16, tags={259: (3, [8])}), UNREADABLE
    # Runs may exceed their rows, as libtiff allows; what is beyond them is dropped.
    yield "tiff-packbits-overrun", tiff(WORDS * 0 + 0x8181, tags={259: (3, [32_773])}), None
    yield "tiff-packbits-of-nothing", tiff(WORDS * 0 + 0x8080, tags={259: (3, [32_773])}), UNREADABLE
    yield "tiff-jpeg-without-tables", tiff(BYTES, rows=16, tags={259: (3, [7])}), UNSUPPORTED
    yield "tiff-palette-without-colours", tiff(BYTES, tags={262: (3, [3])}), UNREADABLE
    yield "tiff-fax-overrun", tiff(BYTES, tags={259: (3, [4]), 258: (3, [1])}), DTYPE


def _exr() -> Iterator[Case]:
    whole = exr({"Z": FLOATS})
    yield "exr-offsets-beyond-the-end", _with_offsets(whole, 2**62), TRUNCATED
    yield "exr-offsets-negative", _with_offsets(whole, 2**64 - 8), TRUNCATED
    yield (
        "exr-attribute-of-negative-length",
        b"v/1\x01\x02\0\0\0channels\0chlist\0\xff\xff\xff\xff" + bytes(50),
        UNREADABLE,
    )
    yield (
        "exr-attribute-of-2e9-bytes",
        b"v/1\x01\x02\0\0\0channels\0chlist\0\xff\xff\xff\x7f" + bytes(50),
        TRUNCATED,
    )
    yield (
        "exr-window-inside-out",
        whole.replace(struct.pack("<iiii", 0, 0, 19, 15), struct.pack("<iiii", 19, 15, 0, 0)),
        UNREADABLE,
    )
    yield (
        "exr-window-of-all-numbers",
        whole.replace(
            struct.pack("<iiii", 0, 0, 19, 15), struct.pack("<iiii", -(2**31), -(2**31), 2**31 - 1, 2**31 - 1)
        ),
        LARGE,
    )
    yield "exr-channel-without-end", whole.replace(b"Z\0\x02\0\0\0", b"Z" * 6), UNREADABLE
    yield (
        "exr-compression-of-no-kind",
        exr({"Z": FLOATS}).replace(
            attribute("compression", "compression", b"\x03"), attribute("compression", "compression", b"\x63")
        ),
        UNSUPPORTED,
    )
    yield (
        "exr-sampling-of-zero",
        whole.replace(struct.pack("<iIii", 2, 0, 1, 1), struct.pack("<iIii", 2, 0, 0, 0)),
        UNREADABLE,
    )
    yield "exr-no-channels", exr({"Z": FLOATS})[:8] + b"\0", UNREADABLE
    yield "exr-version-99", b"v/1\x01\x63\0\0\0" + whole[8:], UNSUPPORTED
    yield "exr-all-nan", exr({"Z": np.full((16, 20), np.nan, np.float32)}), FINITE


def _with_offsets(whole: bytes, offset: int) -> bytes:
    # The table of one chunk lies right before that chunk.
    for k in range(8, len(whole) - 8):
        if struct.unpack_from("<Q", whole, k)[0] == k + 8:
            return whole[:k] + struct.pack("<Q", offset) + whole[k + 8 :]
    raise AssertionError("the table was not found")


def _arrays() -> Iterator[Case]:
    def headed(text: str, content: bytes = bytes(1280), version: bytes = b"\1\0") -> bytes:
        return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text.encode() + content

    def zipped(data: bytes, name: str = "depth.npy", method: int = zipfile.ZIP_DEFLATED) -> bytes:
        stream = BytesIO()
        with zipfile.ZipFile(stream, "w", method) as archive:
            archive.writestr(name, data)
        return stream.getvalue()

    kind = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n"
    yield "npy-header-of-code", headed("__import__('os').system('true')\n"), DTYPE
    yield "npy-header-nested", headed("(" * 5000 + "\n"), DTYPE
    yield "npy-header-beyond-the-end", b"\x93NUMPY\1\0\xff\xff{'descr'", TRUNCATED
    yield "npy-version-9", headed(kind % ("<f4", "(16, 20)"), version=b"\x09\0"), UNREADABLE
    yield "npy-negative-shape", headed(kind % ("<f4", "(-16, 20)")), TRUNCATED
    yield "npy-shape-of-2e62", headed(kind % ("<f4", f"({2**31}, {2**31})")), LARGE
    yield "npy-shape-of-reals", headed(kind % ("<f4", "(16.0, 20)")), UNREADABLE
    yield "npy-shape-of-truth", headed(kind % ("<f4", "(True, 20)")), UNREADABLE
    yield "npy-objects", headed(kind % ("|O", "(16, 20)")), DTYPE
    yield "npy-type-of-zero-bytes", headed(kind % ("<V0", "(16, 20)")), DTYPE
    yield "npy-too-short", npy(FLOATS)[:-8], TRUNCATED
    yield "npz-nothing-inside", zipped(b""), TRUNCATED
    yield "npz-directory-cut", zipped(npy(FLOATS))[:-30], TRUNCATED
    yield "npz-bomb", zipped(headed(kind % ("<f8", "(9000, 9000)"), bytes(1 << 20))), LARGE
    lying = bytearray(zipped(npy(FLOATS)))
    lying[40:60] = b"\xff" * 20
    yield "npz-bad-deflate", bytes(lying), UNREADABLE


def _pfm() -> Iterator[Case]:
    yield "pfm-negative-size", b"Pf\n-20 16\n-1.0\n" + bytes(1280), UNREADABLE
    yield "pfm-size-of-1e18", b"Pf\n1000000000 1000000000\n-1\n" + bytes(1280), LARGE
    yield "pfm-scale-of-nan", b"Pf\n20 16\nnan\n" + bytes(1280), UNREADABLE
    yield "pfm-digits-without-end", b"Pf\n" + b"1" * 100_000, UNREADABLE
    yield "pfm-too-short", b"Pf\n20 16\n-1.0\n" + bytes(1000), TRUNCATED


def _pgm() -> Iterator[Case]:
    yield "pgm-size-of-1e18", b"P5 1000000000 1000000000 65535\n" + bytes(640), LARGE
    yield "pgm-size-of-zero", b"P5 0 16 65535\n" + bytes(640), UNREADABLE
    yield "pgm-greatest-of-zero", b"P5 20 16 0\n" + bytes(320), UNREADABLE
    yield "pgm-greatest-of-1e9", b"P5 20 16 1000000000\n" + bytes(640), UNREADABLE
    yield "pgm-too-short", b"P5 20 16 65535\n" + bytes(639), TRUNCATED
    yield "pgm-comment-without-end", b"P5 #" + b"a" * 100_000, UNREADABLE
    yield "pgm-text-of-letters", b"P2 8 8 255\n" + b"a " * 64, UNREADABLE
    yield "pgm-text-too-short", b"P2 8 8 255\n" + b"1 " * 63, TRUNCATED
    yield "pgm-text-of-1e99", b"P2 8 8 255\n" + b"9" * 99 + b" 1" * 63, UNREADABLE
    yield "pgm-text-negative", b"P2 8 8 255\n" + b"-1 " * 64, UNREADABLE


def _colmap() -> Iterator[Case]:
    yield "colmap-size-of-1e16", b"100000000&100000000&1&" + bytes(64), LARGE
    yield "colmap-size-of-zero", b"0&16&1&" + bytes(64), UNREADABLE
    yield "colmap-normals", b"20&16&3&" + bytes(3840), SHAPE
    yield "colmap-too-short", b"20&16&1&" + bytes(1279), TRUNCATED
    yield "colmap-too-long", b"20&16&1&" + bytes(1281), UNREADABLE


def _others() -> Iterator[Case]:
    """What image libraries read under any name, with a defect of its own; none is read here."""
    size = struct.pack("<HH", 65_535, 65_535)
    yield (
        "gif-lzw-code-size-99",
        b"GIF89a" + size + b"\x80\0\0" + bytes(6) + b"," + bytes(4) + size + b"\0\x63",
        UNSUPPORTED,
    )
    yield (
        "gif-frame-beyond-the-screen",
        b"GIF87a\x08\0\x08\0\0\0\0," + b"\xff" * 8 + b"\0\x02\x00;",
        UNSUPPORTED,
    )
    yield "fli-chunk-of-zero", struct.pack("<IHHHH", 128, 0xAF11, 65_535, 320, 200) + bytes(150), UNSUPPORTED
    yield "ico-entry-beyond-the-end", b"\0\0\x01\0\x01\0" + b"\xff" * 16, UNSUPPORTED
    yield (
        "eps-bounding-box-of-1e9",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 999999999 999999999\n",
        UNSUPPORTED,
    )
    yield "eps-binary-header", b"\xc5\xd0\xd3\xc6" + b"\xff" * 28, UNSUPPORTED
    yield (
        "psd-56-channels",
        b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 56, 300_000, 300_000, 8, 3),
        UNSUPPORTED,
    )
    yield "jpeg2000-tiles-of-zero", b"\xffO\xffQ" + struct.pack(">HH", 47, 0) + bytes(45), UNSUPPORTED
    yield "jp2-box-of-zero-bytes", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), UNSUPPORTED
    yield (
        "bmp-runs-beyond-the-rows",
        b"BM" + struct.pack("<IIIIiiHHI", 60, 0, 54, 40, 20, -16, 1, 8, 1) + b"\xff" * 40,
        UNSUPPORTED,
    )
    yield "dds-mip-maps-of-2e9", b"DDS " + b"\xff" * 124, UNSUPPORTED
    yield "tga-run-length", bytes([0, 0, 10]) + b"\xff" * 40, UNSUPPORTED
    yield "pcx-of-65535", b"\x0a\x05\x01\x08" + b"\xff" * 124, UNSUPPORTED
    yield "sgi-rows-in-a-ring", b"\x01\xda\x01\x01\0\x03" + b"\xff" * 506, UNSUPPORTED
    yield "sun-raster", b"\x59\xa6\x6a\x95" + b"\xff" * 28, UNSUPPORTED
    yield "pnm-size-of-1e18", b"P6 999999999 999999999 255\n", UNSUPPORTED
    yield "heif-box-beyond-the-end", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\x7f\xff\xff\xffmeta", UNREADABLE
    yield "pickle-in-a-png", b"\x80\x04\x95" + bytes(8) + b"\x8c\x05posix\x94\x8c\x06system\x94\x93.", PICKLE
