"""What a file is, told from its content; names and extensions are not believed."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Verdict = Literal["png", "npy", "pickle", "empty", "cut", "damaged", "other"]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
NPY_MAGIC = b"\x93NUMPY"

_BY_PROGRAM = "convert it to a 16-bit gray PNG with any image program"
_BY_NUMPY = "load it in Python and save the depth array with numpy.save"
_NOT_A_MAP = "give a depth map as PNG or NPY"


class FileKind(NamedTuple):
    """A verdict, what the file looks like in words, and how to make a readable file of it."""

    verdict: Verdict
    looks_like: str
    remedy: str


# First bytes -> what they are. RIFF, ISO media and ZIP need a second look, below.
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\xff\xd8\xff", "a JPEG picture", f"JPEG damages depth: export PNG instead, or {_BY_PROGRAM}"),
    (b"GIF8", "a GIF picture", _BY_PROGRAM),
    (b"II*\0", "a TIFF picture", _BY_PROGRAM),
    (b"MM\0*", "a TIFF picture", _BY_PROGRAM),
    (b"II+\0", "a BigTIFF picture", _BY_PROGRAM),
    (b"MM\0+", "a BigTIFF picture", _BY_PROGRAM),
    (b"v/1\x01", "an OpenEXR picture", _BY_NUMPY),
    (b"PF\n", "a PFM picture", _BY_NUMPY),
    (b"Pf\n", "a PFM picture", _BY_NUMPY),
    (b"8BPS", "a Photoshop document", _BY_PROGRAM),
    (b"%PDF", "a PDF document", _BY_PROGRAM),
    (b"%!PS", "a PostScript document", _BY_PROGRAM),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document", _BY_PROGRAM),
    (b"BM", "a BMP picture", _BY_PROGRAM),
    (b"\0\0\x01\0", "an ICO picture", _BY_PROGRAM),
    (b"SIMPLE  =", "a FITS picture", _BY_NUMPY),
    (b"DDS ", "a DDS texture", _BY_PROGRAM),
    (b"BLP1", "a BLP texture", _BY_PROGRAM),
    (b"BLP2", "a BLP texture", _BY_PROGRAM),
    (b"\xd7\xcd\xc6\x9a", "a WMF drawing", _BY_PROGRAM),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture", _BY_PROGRAM),
    (b"\xffO\xffQ", "a JPEG 2000 picture", _BY_PROGRAM),
    (b"\xff\x0a", "a JPEG XL picture", _BY_PROGRAM),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture", _BY_PROGRAM),
    (b"qoif", "a QOI picture", _BY_PROGRAM),
    (b"#?RADIANCE", "a Radiance HDR picture", _BY_NUMPY),
    (b"\x89HDF", "an HDF5 file", _BY_NUMPY),
    (b"MATLAB 5.0", "a MATLAB file", _BY_NUMPY),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the file itself",
        "fetch the file with git lfs pull",
    ),
)
# Text protocols of pickle have no magic; these are their usual beginnings.
_TEXT_PICKLE = re.compile(rb"(c[\w.]+\n[\w.]+\n|\([dlit](p\d+\n|[.S])|\(i[\w.]+\n)")
_NETPBM = re.compile(rb"P[1-7]\s")


def file_kind(data: bytes) -> FileKind:
    """Tell what `data` is from its first bytes (and for TGA from its last ones)."""
    if not data:
        return FileKind("empty", "an empty file", _NOT_A_MAP)
    readable: tuple[tuple[Verdict, bytes], ...] = (("png", PNG_SIGNATURE), ("npy", NPY_MAGIC))
    for verdict, magic in readable:
        if data.startswith(magic):
            return FileKind(verdict, f"a {verdict.upper()} file", "")
        if magic.startswith(data):
            return FileKind("cut", f"the beginning of a {verdict.upper()} file", "copy or download it again")
    if data[:4] == b"\x89PNG" or data[:8].startswith((b"\x89PN", b"\xc2\x89PNG")):
        return FileKind(
            "damaged", "a PNG file damaged on its way, as by a text-mode transfer", "copy it again as binary"
        )
    if (data[0] == 0x80 and data[1:2] in (b"\x01", b"\x02", b"\x03", b"\x04", b"\x05")) or _TEXT_PICKLE.match(
        data
    ):
        return FileKind("pickle", "a Python pickle, which can run code when it is read", _BY_NUMPY)
    return FileKind("other", *_look(data))


def _look(data: bytes) -> tuple[str, str]:
    for magic, looks_like, remedy in _MAGIC:
        if data.startswith(magic):
            return looks_like, remedy
    if data[:4] == b"RIFF":
        return ("a WebP picture", _BY_PROGRAM) if data[8:12] == b"WEBP" else ("a RIFF file", _NOT_A_MAP)
    if data[4:8] == b"ftyp":
        still = data[8:12] in (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
        return ("an AVIF or HEIF picture", _BY_PROGRAM) if still else ("a video", _NOT_A_MAP)
    if data[:4] == b"PK\x03\x04":
        if b".npy" in data[:512]:
            return "an NPZ archive of arrays", _BY_NUMPY
        return "a ZIP archive", "unpack it first"
    if _NETPBM.match(data):
        return "a PNM picture", _BY_PROGRAM
    if data.rstrip(b"\0").endswith(b"TRUEVISION-XFILE."):
        return "a TGA picture", _BY_PROGRAM
    return _look_at_text(data)


def _look_at_text(data: bytes) -> tuple[str, str]:
    head = data[:1024]
    try:
        # A cut in the middle of a letter is no reason to call it binary.
        text = head.decode("utf-8") if len(data) <= len(head) else head.decode("utf-8", errors="ignore")
    except UnicodeDecodeError:
        return "an unknown format", _NOT_A_MAP
    if any(letter < " " and letter not in "\t\n\r\f\x1b" for letter in text):
        return "an unknown format", _NOT_A_MAP
    start = text.lstrip("\ufeff \t\r\n").lower()
    if start.startswith(("<!doctype html", "<html", "<head")):
        return "a web page", "download the file itself, not the page that shows it"
    if start.startswith("<svg") or (start.startswith("<?xml") and "<svg" in start):
        return "an SVG drawing", _BY_PROGRAM
    if start.startswith("<"):
        return "an XML document", _NOT_A_MAP
    if start.startswith(("{", "[")):
        return "a JSON document", _NOT_A_MAP
    if "/annex/objects/" in start:
        return "a git-annex pointer, not the file itself", "fetch the file with git annex get"
    return "plain text", _NOT_A_MAP
