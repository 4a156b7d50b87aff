"""JPEGs as phones write them: with a depth map hidden in each of the three ways, sound or spoiled."""

from __future__ import annotations

import base64
import struct
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GDEPTH = "http://ns.google.com/photos/1.0/depthmap/"
DYNAMIC = "http://ns.google.com/photos/dd/1.0/depthmap/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def jpeg(pixels: NDArray[Any], **options: Any) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=options.pop("quality", 95), **options)
    return stream.getvalue()


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segments(picture: bytes, *segments: bytes) -> bytes:
    return picture[:2] + b"".join(segments) + picture[2:]


def xmp(attributes: str, namespaces: str, inside: str = "") -> bytes:
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">'
        f'<rdf:Description rdf:about="" {namespaces} {attributes}>{inside}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def xmp_segment(packet: bytes) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


def extended_segments(packet: bytes, step: int = 300) -> list[bytes]:
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"0123456789ABCDEF0123456789ABCDEF"
    return [
        segment(0xE1, head + struct.pack(">II", len(packet), start) + packet[start : start + step])
        for start in range(0, len(packet), step)
    ]


def google_portrait(picture: bytes, depth: bytes, form: str = "RangeInverse", turned: bool = False) -> bytes:
    """GDepth: what the map is in the first packet, the map itself in the second, in parts of any order."""
    about = f'GDepth:Format="{form}" GDepth:Near="0.5" GDepth:Far="12.5" GDepth:Mime="image/png"'
    space = f'xmlns:GDepth="{GDEPTH}"'
    data = xmp(f'GDepth:Data="{base64.b64encode(depth).decode()}"', space)
    parts = extended_segments(data)
    return with_segments(picture, xmp_segment(xmp(about, space)), *(parts[::-1] if turned else parts))


def dynamic_portrait(
    picture: bytes, depth: bytes, form: str = "RangeLinear", length: str | None = None
) -> bytes:
    """Dynamic Depth: a directory of items, which lie behind the picture."""
    item = "http://ns.google.com/photos/dd/1.0/item/"
    other = b"something else at the end"
    rows = "".join(
        f'<rdf:li><Container:Item Item:Mime="{mime}" Item:Length="{size}" Item:DataURI="{place}"/></rdf:li>'
        for mime, size, place in (
            ("image/jpeg", "0", "primary_image"),
            ("image/jpeg", len(other), "android/depthconfidencemap"),
            ("image/jpeg", length or len(depth), "android/depthmap"),
            ("image/jpeg", len(other), "android/something"),
        )
    )
    space = (
        f'xmlns:DepthMap="{DYNAMIC}" xmlns:Item="{item}" '
        'xmlns:Container="http://ns.google.com/photos/dd/1.0/container/"'
    )
    about = f'DepthMap:Format="{form}" DepthMap:Near="1" DepthMap:Far="9" DepthMap:Units="m"'
    directory = f"<Container:Directory><rdf:Seq>{rows}</rdf:Seq></Container:Directory>"
    return with_segments(picture, xmp_segment(xmp(about, space, directory))) + other + depth + other


def apple_portrait(picture: bytes, depth: bytes, kind: str = "disparity") -> bytes:
    """A multi-picture file whose second picture's XMP says that it is disparity."""
    about = f'apdi:AuxiliaryImageType="{kind}"'
    depth = with_segments(
        depth, xmp_segment(xmp(about, 'xmlns:apdi="http://ns.apple.com/pixeldatainfo/1.0/"'))
    )

    def table(first: int, where: int) -> bytes:
        entries = struct.pack(">IIIHH", 0x20030000, first, 0, 0, 0) + struct.pack(
            ">IIIHH", 0, len(depth), where, 0, 0
        )
        rows = struct.pack(">HHI4s", 0xB000, 7, 4, b"0100") + struct.pack(">HHII", 0xB001, 4, 1, 2)
        rows += struct.pack(">HHII", 0xB002, 7, len(entries), 8 + 2 + 36 + 4)
        return b"MM\0*\0\0\0\x08" + struct.pack(">H", 3) + rows + bytes(4) + entries

    first = len(picture) + len(segment(0xE2, b"MPF\0" + table(0, 0)))
    # Places count from the table, which stands behind SOI, the marker, the length and "MPF\0".
    return with_segments(picture, segment(0xE2, b"MPF\0" + table(first, first - 10))) + depth


def photo(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    return (
        np.random.default_rng(9)
        .integers(0, 256, (height // 8, width // 8, 3), np.uint8)
        .repeat(8, 0)
        .repeat(8, 1)
    )
