"""OpenEXR pixels in scan lines: read (uncompressed, RLE, ZIPS, ZIP), and written as one channel "Z"."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from depthpaint.formats.exr_header import KIND, ROWS, ExrHeader, ExrPart
from depthpaint.formats.samples import damaged, too_many, truncated

NONE, RLE, ZIPS, ZIP = 0, 1, 2, 3
MAX_CHUNK_BYTES = 512 << 20  # 16 rows of a thousand channels of eight thousand pixels


def can_read(part: ExrPart) -> bool:
    """Whether a part can be read here, for any of its channels."""
    plain = all(channel.sampling == (1, 1) for channel in part.channels)
    return part.compression in (NONE, RLE, ZIPS, ZIP) and not part.tiled and plain


def read_rows(
    name: str, data: bytes, header: ExrHeader, index: int, wanted: list[str]
) -> list[NDArray[np.generic]]:
    """Return each wanted channel of part `index` as (H, W) over the data window; raises DepthError.

    The windows must have been checked. One chunk at a time is decompressed.
    """
    part = header.parts[index]
    width, height = part.data_window.size
    starts, row_bytes = _layout(part, width)
    if row_bytes * ROWS[part.compression] > MAX_CHUNK_BYTES:
        raise too_many(name, f"rows of {row_bytes:,} bytes", MAX_CHUNK_BYTES // ROWS[part.compression])
    planes = [np.zeros((height, width), part.channels[_place(part, channel)].type_name) for channel in wanted]
    rows = ROWS[part.compression]
    done = np.zeros(-(-height // rows), dtype=np.bool_)
    for first, packed in read_chunks(name, data, header, index):
        block, rest = divmod(first - part.data_window.top, rows)
        if rest or not 0 <= block < len(done) or done[block]:
            raise damaged(name, KIND, "its rows are out of order")
        done[block] = True
        top = block * rows
        count = min(rows, height - top)
        lines = np.frombuffer(_unpacked(name, packed, part, count * row_bytes), np.uint8)
        lines = lines.reshape(count, row_bytes)
        for plane, channel in zip(planes, wanted, strict=True):
            start = starts[_place(part, channel)]
            content = np.ascontiguousarray(lines[:, start : start + width * plane.itemsize])
            plane[top : top + count] = content.view(plane.dtype)
    # As many chunks as blocks of rows, and none twice: nothing is missing.
    return list(planes)


def _place(part: ExrPart, channel: str) -> int:
    return next(k for k, each in enumerate(part.channels) if each.name == channel)


def _layout(part: ExrPart, width: int) -> tuple[list[int], int]:
    """The position of each channel's numbers in a row, and the length of a row of all channels, in bytes."""
    starts: list[int] = []
    total = 0
    for channel in part.channels:
        starts.append(total)
        total += width * np.dtype(channel.type_name).itemsize
    return starts, total


def read_chunks(name: str, data: bytes, header: ExrHeader, index: int) -> list[tuple[int, bytes]]:
    """First row and packed bytes of each chunk of a part in scan lines; raises DepthError."""
    part = header.parts[index]
    before = sum(max(each.chunk_count, 0) for each in header.parts[:index])
    expected = -(-part.data_window.size.height // ROWS[part.compression])
    if part.chunk_count != expected:
        raise damaged(name, KIND, "its number of chunks is wrong")
    table = header.offset + 8 * before
    if table + 8 * expected > len(data):
        raise truncated(name, KIND, "it ends in its table of chunks")
    head = struct.Struct("<iii" if header.multi_part else "<ii")
    chunks: list[tuple[int, bytes]] = []
    total = 0
    for offset in struct.unpack_from(f"<{expected}Q", data, table):
        if offset == 0 or offset + head.size > len(data):
            raise truncated(name, KIND)
        *number, first, length = head.unpack_from(data, offset)
        start, end = offset + head.size, offset + head.size + length
        if length < 0 or number not in ([], [index]):
            raise damaged(name, KIND, "a chunk is invalid")
        if end > len(data):
            raise truncated(name, KIND)
        total += length
        # Overlapping chunks would expand a small file to a large one.
        if total > len(data):
            raise damaged(name, KIND, "its chunks overlap")
        chunks.append((first, data[start:end]))
    return chunks


def _unpacked(name: str, packed: bytes, part: ExrPart, length: int) -> bytes:
    # Data that compression would enlarge is stored uncompressed.
    if part.compression == NONE or len(packed) == length:
        content = packed
    else:
        try:
            mixed = (
                _runs(packed, length)
                if part.compression == RLE
                else zlib.decompressobj().decompress(packed, length)
            )
        except zlib.error as error:
            raise damaged(name, KIND, "its pixels cannot be decompressed") from error
        if len(mixed) != length:
            raise damaged(name, KIND, "its pixels cannot be decompressed")
        content = _put_together(mixed)
    if len(content) != length:
        raise damaged(name, KIND, "a chunk does not have the length of its rows")
    return content


def _put_together(mixed: bytes) -> bytes:
    """Undo the differences (each byte less the previous one, plus 128), then interleave both halves."""
    steps = np.frombuffer(mixed, np.uint8).copy()
    steps[1:] -= np.uint8(128)
    sums = np.add.accumulate(steps, dtype=np.uint8)
    half = len(sums) // 2  # even, because every number has two bytes or four
    content = np.empty_like(sums)
    content[0::2], content[1::2] = sums[:half], sums[half:]
    return content.tobytes()


def _runs(packed: bytes, length: int) -> bytes:
    """EXR's run lengths: negative counts precede literal bytes, others are one less than the repetitions."""
    out = bytearray()
    position = 0
    while position + 1 < len(packed) and len(out) <= length:
        count = packed[position]
        if count > 127:
            out += packed[position + 1 : position + 1 + 256 - count]
            position += 1 + 256 - count
        else:
            out += packed[position + 1 : position + 2] * (count + 1)
            position += 2
    return bytes(out)


_ROWS = 16
_FLOAT, _ZIP, _INCREASING_Y = 2, 3, 0


def write_exr_depth(values: NDArray[np.float32]) -> bytes:
    """Return an OpenEXR file with `values` (H, W) as the channel "Z", exactly; NaN and infinity are kept."""
    height, width = values.shape
    window = struct.pack("<iiii", 0, 0, width - 1, height - 1)
    channel = b"Z\0" + struct.pack("<iIii", _FLOAT, 0, 1, 1) + b"\0"
    header = b"v/1\x01" + struct.pack("<I", 2)
    header += b"".join([
        _attribute("channels", "chlist", channel),
        _attribute("compression", "compression", bytes([_ZIP])),
        _attribute("dataWindow", "box2i", window),
        _attribute("displayWindow", "box2i", window),
        _attribute("lineOrder", "lineOrder", bytes([_INCREASING_Y])),
        _attribute("pixelAspectRatio", "float", struct.pack("<f", 1)),
        _attribute("screenWindowCenter", "v2f", struct.pack("<ff", 0, 0)),
        _attribute("screenWindowWidth", "float", struct.pack("<f", 1)),
        b"\0",
    ])  # fmt: skip
    chunks = [_chunk(top, values[top : top + _ROWS]) for top in range(0, height, _ROWS)]
    offsets = len(header) + 8 * len(chunks) + np.cumsum([0, *map(len, chunks)])[:-1]
    return b"".join([header, offsets.astype("<u8").tobytes(), *chunks])


def _attribute(name: str, kind: str, content: bytes) -> bytes:
    return f"{name}\0{kind}\0".encode() + struct.pack("<i", len(content)) + content


def _chunk(top: int, rows: NDArray[np.float32]) -> bytes:
    raw = rows.astype("<f4").tobytes()
    # Even bytes first, then odd ones, so that similar bytes are adjacent; then the differences.
    single = np.frombuffer(raw, np.uint8)
    mixed = np.concatenate([single[0::2], single[1::2]])
    mixed[1:] = mixed[1:] - mixed[:-1] + np.uint8(128)
    packed = zlib.compress(mixed.tobytes())
    # Readers recognise uncompressed chunks by their length.
    content = packed if len(packed) < len(raw) else raw
    return struct.pack("<ii", top, len(content)) + content
