from __future__ import annotations

import io
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from depthpaint.core.geometry import Extent
from depthpaint.record.encode import INFOTEXT_KEY, RECORD_KEY, encode_png
from depthpaint.record.infotext import infotext
from depthpaint.record.picture_file import read_record
from depthpaint.record.result import record_of
from depthpaint.record.run_record import LONGEST_RECORD, RecordError
from painted import HOSTILE, pixels_of, result_of

PIXELS = pixels_of(1, Extent(9, 7))


def chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


def with_chunk(kind: bytes, content: bytes) -> bytes:
    plain = encode_png(PIXELS, {})
    return plain[:33] + chunk(kind, content) + plain[33:]


@pytest.mark.parametrize("prompt", HOSTILE)
def test_record_and_infotext_come_back(prompt: str, tmp_path: Path) -> None:
    record = record_of(result_of(prompt=prompt), 0)
    path = tmp_path / "p.png"
    path.write_bytes(encode_png(PIXELS, {RECORD_KEY: record.to_json(), INFOTEXT_KEY: infotext(record)}))
    assert read_record(path) == record
    with Image.open(path) as image:
        image.load()
        assert image.info[INFOTEXT_KEY] == infotext(record)
        assert np.array_equal(np.asarray(image), PIXELS)


def test_is_marked_as_made_by_a_model() -> None:
    with Image.open(io.BytesIO(encode_png(PIXELS, {}))) as image:
        mark = image.info["XML:com.adobe.xmp"]
    assert "digitalsourcetype/trainedAlgorithmicMedia" in mark


def test_equal_input_gives_equal_bytes() -> None:
    assert encode_png(PIXELS, {"a": "b"}) == encode_png(PIXELS.copy(), {"a": "b"})


@pytest.mark.parametrize("how", ["zTXt", "iTXt", "iTXt packed"])
def test_reads_what_other_programs_packed(how: str, tmp_path: Path) -> None:
    record = record_of(result_of(prompt="猫"), 0)
    info = PngInfo()
    if how == "zTXt":
        info.add_text(RECORD_KEY, record.to_json(), zip=True)
    else:
        info.add_itxt(RECORD_KEY, record.to_json(), zip=how.endswith("packed"))
    Image.fromarray(PIXELS).save(tmp_path / "p.png", pnginfo=info)
    assert read_record(tmp_path / "p.png") == record


def test_a_record_survives_a_picture_that_breaks_off(tmp_path: Path) -> None:
    record = record_of(result_of(), 0)
    data = encode_png(PIXELS, {RECORD_KEY: record.to_json()})
    (tmp_path / "p.png").write_bytes(data[:-40])
    assert read_record(tmp_path / "p.png") == record


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is not a PNG"),
        (b"\xff\xd8\xff\xe0 a JPEG", "JPEG"),
        (b"words", "is not a PNG, JPEG or WebP: it is plain text"),
        (b"\x89PNG\r\n\x1a\n", "ends in the middle of the picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 100, "ends in the middle of the picture"),
        (encode_png(PIXELS, {})[:-40], "ends in the middle of the picture"),
        (encode_png(PIXELS, {}), "was not painted"),
        (encode_png(PIXELS, {INFOTEXT_KEY: "Steps: 1"}), "was not painted"),
        (encode_png(PIXELS, {RECORD_KEY: "{}"}), "damaged"),
        (with_chunk(b"tEXt", b"depthpaint\0" + b" " * (LONGEST_RECORD + 1)), "damaged"),
        (with_chunk(b"tEXt", b"depthpaint"), "damaged"),
        (with_chunk(b"zTXt", b"depthpaint\0\0not packed"), "damaged"),
        (with_chunk(b"zTXt", b"depthpaint\0\0" + zlib.compress(b" " * 10**8)), "longer than any"),
        (with_chunk(b"iTXt", b"depthpaint\0\0"), "damaged"),
        (with_chunk(b"iTXt", b"depthpaint\0\0\0\0\0\xff\xfe"), "damaged"),
    ],
)  # fmt: skip
def test_refuses_with_a_reason(data: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(data)
    with pytest.raises(RecordError, match=told):
        read_record(tmp_path / "p.png")


def test_a_record_that_breaks_off_is_damaged(tmp_path: Path) -> None:
    data = encode_png(PIXELS, {RECORD_KEY: record_of(result_of(), 0).to_json()})
    (tmp_path / "p.png").write_bytes(data[: data.index(b'"prompt"')])
    with pytest.raises(RecordError, match="damaged"):
        read_record(tmp_path / "p.png")


def test_a_packed_bomb_is_not_unpacked(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(with_chunk(b"zTXt", b"depthpaint\0\0" + zlib.compress(b" " * 10**8)))
    tracemalloc.start()
    with pytest.raises(RecordError):
        read_record(tmp_path / "p.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6


def test_sees_a_flipped_bit(tmp_path: Path) -> None:
    data = encode_png(PIXELS, {RECORD_KEY: record_of(result_of(seed=12345), 0).to_json()})
    assert data.count(b'"seed":12345') == 1
    (tmp_path / "p.png").write_bytes(data.replace(b'"seed":12345', b'"seed":12344'))
    with pytest.raises(RecordError, match="damaged"):
        read_record(tmp_path / "p.png")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.png"):
        with pytest.raises(RecordError, match="cannot read"):
            read_record(path)
