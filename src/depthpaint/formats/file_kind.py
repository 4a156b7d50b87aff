"""The type of a file, detected from its content; names and extensions are ignored."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from depthpaint.formats.samples import BY_NUMPY, BY_PROGRAM, FormatName

Verdict = Literal[FormatName, "pickle", "empty", "cut", "damaged", "other"]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
NPY_MAGIC = b"\x93NUMPY"

_NOT_A_MAP = "give a depth map as PNG, TIFF, EXR, PFM, PGM, NPY or NPZ"


class FileKind(NamedTuple):
    """The type, a description, and how to convert it to a supported file."""

    verdict: Verdict
    looks_like: str
    remedy: str


# Supported formats by first bytes. RIFF, ISO media and ZIP are examined further below.
_READABLE: tuple[tuple[FormatName, bytes], ...] = (
    ("png", PNG_SIGNATURE),
    ("npy", NPY_MAGIC),
    ("exr", b"v/1\x01"),
    ("tiff", b"II*\0"),
    ("tiff", b"MM\0*"),
    ("tiff", b"II+\0"),
    ("tiff", b"MM\0+"),
    ("jpeg", b"\xff\xd8\xff"),
)
# Unsupported formats by first bytes.
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"GIF8", "a GIF picture", BY_PROGRAM),
    (b"8BPS", "a Photoshop document", BY_PROGRAM),
    (b"%PDF", "a PDF document", BY_PROGRAM),
    (b"%!PS", "a PostScript document", BY_PROGRAM),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document", BY_PROGRAM),
    (b"BM", "a BMP picture", BY_PROGRAM),
    (b"\0\0\x01\0", "an ICO picture", BY_PROGRAM),
    (b"SIMPLE  =", "a FITS picture", BY_NUMPY),
    (b"DDS ", "a DDS texture", BY_PROGRAM),
    (b"BLP1", "a BLP texture", BY_PROGRAM),
    (b"BLP2", "a BLP texture", BY_PROGRAM),
    (b"\xd7\xcd\xc6\x9a", "a WMF drawing", BY_PROGRAM),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture", BY_PROGRAM),
    (b"\xffO\xffQ", "a JPEG 2000 picture", BY_PROGRAM),
    (b"\xff\x0a", "a JPEG XL picture", BY_PROGRAM),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture", BY_PROGRAM),
    (b"qoif", "a QOI picture", BY_PROGRAM),
    (b"#?RADIANCE", "a Radiance HDR picture", BY_NUMPY),
    (b"\x89HDF", "an HDF5 file", BY_NUMPY),
    (b"MATLAB 5.0", "a MATLAB file", BY_NUMPY),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the file itself",
        "fetch the file with git lfs pull",
    ),
)
# Blocks of LZFSE: compressed in two ways, by LZVN, and stored.
_LZFSE = (b"bvx1", b"bvx2", b"bvxn", b"bvx-")
_BY_LZFSE = (
    "unpack it in Python (pip install pyliblzfse): numpy.save('depth.npy', numpy.frombuffer("
    "liblzfse.decompress(open(FILE, 'rb').read()), 'float32').reshape(256, 192)), or reshape(640, 480) for "
    "the front camera"
)
# Text protocols of pickle have no magic number; these are the usual first bytes.
_TEXT_PICKLE = re.compile(rb"(c[\w.]+\n[\w.]+\n|\([dlit](p\d+\n|[.S])|\(i[\w.]+\n)")
_PFM = re.compile(rb"P[Ff]\s")
_PGM = re.compile(rb"P[25][\s#]")
_COLMAP = re.compile(rb"[0-9]{1,9}&[0-9]{1,9}&[0-9]{1,9}&")
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_NETPBM = re.compile(rb"P[13467]\s")


def file_kind(data: bytes) -> FileKind:
    """Detect the type of `data` from its first bytes (and for TGA from its last ones)."""
    if not data:
        return FileKind("empty", "an empty file", _NOT_A_MAP)
    for verdict, magic in _READABLE:
        if data.startswith(magic):
            return _readable(verdict)
        # One byte is not enough, except for the first two, which are unique here.
        if magic.startswith(data) and (len(data) > 1 or verdict in ("png", "npy")):
            return FileKind("cut", f"the beginning of a {verdict.upper()} file", "copy or download it again")
    if data[:4] == b"\x89PNG" or data[:8].startswith((b"\x89PN", b"\xc2\x89PNG")):
        return FileKind(
            "damaged", "a PNG file damaged in transfer, as by text mode", "copy it again as binary"
        )
    if _is_pickle(data):
        return FileKind("pickle", "a Python pickle, which can run code when it is read", BY_NUMPY)
    if data[:4] == b"PK\x03\x04" and b"/data.pkl" in data[:512]:
        return FileKind("pickle", "a PyTorch file, which can run code when it is read", BY_NUMPY)
    container = _container(data)
    return _readable(container) if container else FileKind("other", *_describe(data))


def _is_pickle(data: bytes) -> bool:
    binary = data[0] == 0x80 and data[1:2] in (b"\x01", b"\x02", b"\x03", b"\x04", b"\x05")
    return binary or _TEXT_PICKLE.match(data) is not None


def _readable(verdict: FormatName) -> FileKind:
    return FileKind(verdict, f"a {verdict.upper()} file", "")


def _container(data: bytes) -> FormatName | None:
    """Formats that share their first bytes with others."""
    if _PFM.match(data):
        return "pfm"
    if _PGM.match(data):
        return "pgm"
    if _COLMAP.match(data):
        return "colmap"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    # A ZIP archive has the names before each file and once more at its end.
    if data[:4] == b"PK\x03\x04" and (b".npy" in data[:512] or b".npy" in data[-4096:]):
        return "npz"
    if data[4:8] == b"ftyp":
        # An AVIF is also an ISO still picture, and only its further brands show it.
        brands = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
        return "heif" if data[8:12] in _HEIF_BRANDS and b"avi" not in brands else None
    return None


def _describe(data: bytes) -> tuple[str, str]:
    for magic, looks_like, remedy in _MAGIC:
        if data.startswith(magic):
            return looks_like, remedy
    if data.startswith(_LZFSE):
        return "a file compressed with LZFSE, such as Record3D's .depth", _BY_LZFSE
    if data[:4] == b"RIFF":
        return "a RIFF file", _NOT_A_MAP
    if data[4:8] == b"ftyp":
        still = b"avif" in data[8:64] or b"avis" in data[8:64]
        return ("an AVIF picture", BY_PROGRAM) if still else ("a video", _NOT_A_MAP)
    if data[:4] == b"PK\x03\x04":
        return "a ZIP archive", "unpack it first"
    if _NETPBM.match(data):
        return "a PNM picture", BY_PROGRAM
    if data.rstrip(b"\0").endswith(b"TRUEVISION-XFILE."):
        return "a TGA picture", BY_PROGRAM
    return _describe_text(data)


def _describe_text(data: bytes) -> tuple[str, str]:
    head = data[:1024]
    try:
        # The sample may end inside a character.
        text = head.decode("utf-8") if len(data) <= len(head) else head.decode("utf-8", errors="ignore")
    except UnicodeDecodeError:
        return _describe_numbers(data) or ("an unknown format", _NOT_A_MAP)
    if any(letter < " " and letter not in "\t\n\r\f\x1b" for letter in text):
        return _describe_numbers(data) or ("an unknown format", _NOT_A_MAP)
    start = text.lstrip("\ufeff \t\r\n").lower()
    if start.startswith(("<!doctype html", "<html", "<head")):
        return "a web page", "download the file itself, not the page that shows it"
    if start.startswith("<svg") or (start.startswith("<?xml") and "<svg" in start):
        return "an SVG drawing", BY_PROGRAM
    if start.startswith("<"):
        return "an XML document", _NOT_A_MAP
    if start.startswith(("{", "[")):
        return "a JSON document", _NOT_A_MAP
    if "/annex/objects/" in start:
        return "a git-annex pointer, not the file itself", "fetch the file with git annex get"
    return "plain text", _NOT_A_MAP


_DUMPS = (("<f4", "32-bit floats"), ("<f8", "64-bit floats"), ("<u2", "16-bit integers"))
_SAMPLED = 4_096
_SMOOTH = 0.25  # neighbours differ by less than this share of what any two numbers differ by
_USUAL = (1e-6, 1e7)  # floats of depth, in any unit
_SHAPES = (8, 4)  # the shortest side, and the largest ratio of the sides


def _describe_numbers(data: bytes) -> tuple[str, str] | None:
    """A map without any header: numbers that are like their neighbours for one width of the picture."""
    if _width(np.frombuffer(data, np.uint8))[1] < _SMOOTH:
        return None  # bytes, as in many kinds of picture
    for type_name, what in _DUMPS:
        dtype = np.dtype(type_name)
        if len(data) % dtype.itemsize:
            continue
        numbers = np.frombuffer(data, dtype)
        if dtype.kind == "f" and not _are_usual(numbers):
            continue
        width, difference = _width(numbers)
        if difference < _SMOOTH:
            height = len(numbers) // width
            return (
                f"no known format, but probably {what} without a header, {width} x {height} pixels",
                f"save it as NPY in Python: numpy.save('depth.npy', numpy.fromfile(FILE, '{type_name}')"
                f".reshape({height}, {width}))",
            )
    return None


def _are_usual(numbers: NDArray[Any]) -> bool:
    sampled = numbers[:: max(1, len(numbers) // _SAMPLED)]
    with np.errstate(all="ignore"):
        sizes = np.abs(sampled[np.isfinite(sampled)].astype(np.float64))
    usual = (sizes == 0) | ((sizes > _USUAL[0]) & (sizes < _USUAL[1]))
    return len(sizes) >= len(sampled) / 2 and float(usual.mean()) > 0.99 and bool(sizes.any())


def _width(numbers: NDArray[Any]) -> tuple[int, float]:
    """The width at which numbers are most like those below, and how much they differ from their neighbours.

    The difference is a share of that of two numbers anywhere: about 1 for noise, 1 if there is no width.
    """
    count, (least, ratio) = len(numbers), _SHAPES
    sides = [side for side in range(least, int(count**0.5) + 1) if count % side == 0]
    widths = sorted({width for side in sides for width in (side, count // side)})
    widths = [width for width in widths if count <= width * width * ratio and width * width <= count * ratio]
    if not widths:
        return 0, 1.0

    def apart(step: int) -> float:
        places = np.linspace(0, count - 1 - step, _SAMPLED).astype(np.int64)
        with np.errstate(all="ignore"):
            one, other = numbers[places].astype(np.float64), numbers[places + step].astype(np.float64)
            differences = np.abs(one - other)
        return (
            float(np.mean(differences[np.isfinite(differences)])) if np.isfinite(differences).any() else 0.0
        )

    # Steps that are hardly whole numbers of rows.
    anywhere = float(np.mean([apart(int(share * count)) for share in (0.157, 0.271, 0.382)]))
    if anywhere == 0:
        return 0, 1.0
    below = [apart(width) for width in widths]
    best = int(np.argmin(below))
    return widths[best], max(below[best], apart(1)) / anywhere
