"""An XMP packet as a flat list of what it says, read without building anything that a stranger could blow up.

Format: ISO 16684-1 (XMP), a small part of RDF in XML. Names are "namespace" + "local name", put together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

MAX_PACKET_BYTES = 64 << 20
MAX_ELEMENTS = 100_000


@dataclass(frozen=True, slots=True)
class Xmp:
    """`values` maps properties to their first values; `elements` are the attributes of each element."""

    values: dict[str, str] = field(default_factory=dict[str, str])
    elements: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


class _Refused(Exception):
    """Something that no XMP packet has."""


def read_xmp(packet: bytes) -> Xmp:
    """Read a packet; one that is damaged, or declares types or entities, says nothing.

    XML can be made to unfold to gigabytes through entities, so that a document type ends the reading.
    """
    found = Xmp()
    # The padding that packets end in, and a NUL that some writers add.
    text = packet.strip(b"\0 \t\r\n")
    if not text or len(text) > MAX_PACKET_BYTES:
        return found
    open_texts: list[list[str]] = []
    count = 0

    def start(_: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MAX_ELEMENTS:
            raise _Refused
        open_texts.append([])
        if attributes:
            found.elements.append(attributes)
            for key, value in attributes.items():
                found.values.setdefault(key, value)

    def end(name: str) -> None:
        content = "".join(open_texts.pop()).strip()
        if content:
            found.values.setdefault(name, content)

    def characters(content: str) -> None:
        if open_texts:
            open_texts[-1].append(content)

    def refuse(*_: object) -> None:
        raise _Refused

    parser = expat.ParserCreate(namespace_separator="")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, _Refused, ValueError, LookupError):
        return Xmp()
    return found
