"""JPEG and WebP hold the same record as PNG, and other programs find the infotext and the mark in them."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.core.geometry import Extent
from depthpaint.record.embedded import record_in_info, record_text
from depthpaint.record.encode import encode, encode_png
from depthpaint.record.file_format import FileFormat, FormatChoice
from depthpaint.record.infotext import infotext
from depthpaint.record.picture_file import encoded, read_record, texts_of
from depthpaint.record.picture_source import is_as_painted, pixels_of
from depthpaint.record.result import Result, record_of, save_picture
from depthpaint.record.run_record import RecordError, RunRecord
from depthpaint.request import MAX_OUTPUT_SIDE
from painted import HOSTILE, result_of
from painted import pixels_of as noise

LOSSY = [FormatChoice("jpeg").of(), FormatChoice("webp", 80).of()]
FORMATS = [*LOSSY, FormatChoice("webp").of(), FormatChoice("jpeg", 40).of()]
PIXELS = noise(1, Extent(33, 17))
LONG_PROMPT = "a 猫 & <b>кот</b> ]]> 👩‍👩‍👧 " * 400
SEGMENT = 0xFFFF


def record_of_prompt(prompt: str = "a red ball on a green floor", **fields: object) -> RunRecord:
    return record_of(result_of(prompt=prompt, **fields), 0)


def comment_of(file: bytes) -> str:
    """UserComment, as AUTOMATIC1111 reads it."""
    with Image.open(io.BytesIO(file)) as image:
        comment = image.getexif().get_ifd(0x8769).get(0x9286)
    assert isinstance(comment, bytes)
    assert comment[:8] == b"UNICODE\0"
    return comment[8:].decode("utf-16-be")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("prompt", HOSTILE)
def test_record_and_infotext_come_back(prompt: str, form: FileFormat, tmp_path: Path) -> None:
    saved = save_picture(result_of(prompt=prompt, size="40x30"), 0, tmp_path, form=form)
    assert saved.path.suffix == form.suffix
    assert read_record(saved.path) == saved.record
    assert comment_of(saved.path.read_bytes()) == infotext(saved.record)


@pytest.mark.parametrize("form", FORMATS)
def test_the_settings_are_those_of_a_png(form: FileFormat, tmp_path: Path) -> None:
    result = result_of(size="40x30")
    png = save_picture(result, 0, tmp_path)
    other = save_picture(result, 0, tmp_path, form=form)
    assert other.path.stem == png.path.stem
    assert other.record.model_copy(update={"compression": None}) == png.record == read_record(png.path)
    assert b"compression" not in png.path.read_bytes()
    found = read_record(other.path).compression
    assert found is not None
    assert (found.format, found.quality) == (form.name, form.quality)


@pytest.mark.parametrize("form", FORMATS)
def test_the_pixels_are_shown_by_other_programs(form: FileFormat, tmp_path: Path) -> None:
    smooth = np.linspace(0, 255, 64 * 48 * 3).reshape(48, 64, 3).astype(np.uint8)
    path = tmp_path / "p"
    path.write_bytes(encoded(record_of_prompt(), smooth, form)[0])
    with Image.open(path) as image:
        image.load()
        assert image.format is not None
        assert (image.format.lower(), image.mode) == (form.name, "RGB")
        shown = np.asarray(image)
    if form.quality is None:
        assert np.array_equal(shown, smooth)
    assert np.abs(shown.astype(int) - smooth).mean() < 4
    assert np.array_equal(pixels_of(path), shown)


def test_a_jpeg_has_its_colours_at_full_resolution() -> None:
    data = encode(PIXELS, {}, LOSSY[0])
    frame = data.index(b"\xff\xc0")
    assert [data[frame + 11 + 3 * component] for component in range(3)] == [0x11] * 3  # sampling factors


@pytest.mark.parametrize("form", [FileFormat(), *FORMATS])
def test_every_format_has_the_mark_of_synthetic_pictures(form: FileFormat) -> None:
    data = encoded(record_of_prompt(), PIXELS, form)[0]
    with Image.open(io.BytesIO(data)) as image:
        packet = image.info.get("xmp", image.info.get("XML:com.adobe.xmp"))
        assert "digitalsourcetype/trainedAlgorithmicMedia" in str(packet)


@pytest.mark.parametrize("form", FORMATS)
def test_equal_input_gives_equal_bytes(form: FileFormat) -> None:
    record = record_of_prompt()
    assert encoded(record, PIXELS, form) == encoded(record, PIXELS.copy(), form)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("size", [60_000, 200_000, 3_000_000])
def test_records_of_any_length_come_back(form: FileFormat, size: int, tmp_path: Path) -> None:
    record = record_of_prompt()
    while len(record.to_json()) < size:
        record = record.model_copy(update={"warnings": (*record.warnings, "'<&>\\\" é" * 4000)})
    data, record = encoded(record, PIXELS, form)
    (tmp_path / "p").write_bytes(data)
    assert read_record(tmp_path / "p") == record
    assert pixels_of(tmp_path / "p").shape == PIXELS.shape
    assert comment_of(data) == infotext(record)


def test_a_record_that_just_fits_into_a_segment_and_one_that_does_not() -> None:
    extended: list[bool] = []
    for length in [*range(64_000, SEGMENT, 5), *range(130_000, 131_000, 9)]:
        data = encode(PIXELS, {"depthpaint": "x" * length}, LOSSY[0])
        extended.append(b"HasExtendedXMP" in data)
        assert record_text("p", data) == "x" * length
    assert extended == sorted(extended)
    assert set(extended) == {False, True}


def test_long_prompts_of_any_script(tmp_path: Path) -> None:
    result = result_of(prompt=LONG_PROMPT[:10_000], negative_prompt="ж" * 10_000)
    for form in FORMATS:
        saved = save_picture(result, 0, tmp_path, form=form)
        assert read_record(saved.path).settings.prompt == LONG_PROMPT[:10_000]
        assert comment_of(saved.path.read_bytes()) == infotext(saved.record)


def test_an_infotext_that_no_jpeg_can_hold_is_left_out(tmp_path: Path) -> None:
    result = result_of(prompt="👩" * 10_000, negative_prompt="🏠" * 10_000)
    jpeg = save_picture(result, 0, tmp_path, form=FormatChoice("jpeg").of())
    webp = save_picture(result, 0, tmp_path, form=FormatChoice("webp").of())
    with Image.open(jpeg.path) as image:
        assert not image.getexif()
    assert comment_of(webp.path.read_bytes()) == infotext(webp.record)
    for saved in (jpeg, webp):
        assert read_record(saved.path).settings.negative_prompt == "🏠" * 10_000


def test_the_largest_picture_fits_into_every_format() -> None:
    assert MAX_OUTPUT_SIDE <= 16_383  # WebP's limit, and that of JPEG in libjpeg is 65,500


@pytest.mark.parametrize("form", FORMATS)
def test_a_truncated_file_is_refused_or_whole(form: FileFormat, tmp_path: Path) -> None:
    data, record = encoded(record_of_prompt(), PIXELS, form)
    path = tmp_path / "p"
    for end in [*range(0, len(data), 37), *range(len(data) - 40, len(data))]:
        path.write_bytes(data[:end])
        try:
            assert read_record(path) == record
        except RecordError as error:
            assert error.code in (
                ErrorCode.PICTURE_UNREADABLE, ErrorCode.RECORD_MISSING, ErrorCode.RECORD_DAMAGED,
            )  # fmt: skip
        else:
            assert form.name == "jpeg"
        try:
            pixels = pixels_of(path)
        except RecordError as error:
            assert error.code is ErrorCode.PICTURE_UNREADABLE
        else:
            assert not is_as_painted(path, record, pixels)


@pytest.mark.parametrize("form", FORMATS)
def test_a_flipped_bit_is_found(form: FileFormat, tmp_path: Path) -> None:
    data, record = encoded(record_of_prompt(), PIXELS, form)
    path, random = tmp_path / "p", np.random.default_rng(0)
    start = data.index(b'{"agreement"')
    places = [*random.integers(0, len(data), 250), *range(start, start + 150)]
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged)
        try:
            assert read_record(path) == record
        except RecordError:
            pass
        try:
            pixels_of(path)
        except RecordError:
            pass


@pytest.mark.parametrize("form", FORMATS)
def test_a_changed_seed_is_a_damaged_record(form: FileFormat, tmp_path: Path) -> None:
    data, _ = encoded(record_of_prompt(seed=12345), PIXELS, form)
    changed = data.replace(b'"seed":12345', b'"seed":12344')
    assert changed != data
    (tmp_path / "p").write_bytes(changed)
    with pytest.raises(RecordError, match="damaged") as refused:
        read_record(tmp_path / "p")
    assert refused.value.code is ErrorCode.RECORD_DAMAGED


@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_without_a_record_has_none(form: FileFormat, tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_bytes(encode(PIXELS, {"parameters": "Steps: 1"}, form))
    with pytest.raises(RecordError, match="was not painted") as refused:
        read_record(path)
    assert refused.value.code is ErrorCode.RECORD_MISSING
    Image.fromarray(PIXELS).save(path, form.name)
    with pytest.raises(RecordError, match="was not painted"):
        read_record(path)


def test_a_document_type_declaration_is_not_expanded(tmp_path: Path) -> None:
    data, _ = encoded(record_of_prompt(), PIXELS, FormatChoice("webp").of())
    at = data.index(b"<x:xmpmeta")
    bomb = b'<!DOCTYPE a [<!ENTITY b "cc">]>'
    head = bytearray(data[:at] + bomb + data[at:])
    length = struct.unpack_from("<I", head, 34)[0]
    struct.pack_into("<I", head, 34, length + len(bomb))
    struct.pack_into("<I", head, 4, len(head) - 8)
    (tmp_path / "p").write_bytes(head)
    with pytest.raises(RecordError):
        read_record(tmp_path / "p")


@pytest.mark.parametrize("form", FORMATS)
def test_an_edited_picture_is_not_as_painted(form: FileFormat, tmp_path: Path) -> None:
    saved = save_picture(result_of(size="40x30"), 0, tmp_path, form=form)
    assert is_as_painted(saved.path, saved.record, pixels_of(saved.path))
    other, _ = encoded(saved.record, noise(9, Extent(40, 30)), form)
    saved.path.write_bytes(other)
    assert not is_as_painted(saved.path, saved.record, pixels_of(saved.path))


@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_with_metadata_of_others_is_as_painted(form: FileFormat, tmp_path: Path) -> None:
    saved = save_picture(result_of(size="40x30"), 0, tmp_path, form=form)
    data = saved.path.read_bytes()
    if form.name == "jpeg":
        data = data[:2] + b"\xff\xfe\0\x06note" + data[2:]
    else:
        data = data[:4] + struct.pack("<I", len(data)) + data[8:] + b"NOTE\0\0\0\0"
    saved.path.write_bytes(data)
    assert read_record(saved.path) == saved.record
    assert is_as_painted(saved.path, saved.record, pixels_of(saved.path))


def test_a_picture_that_was_turned_by_its_metadata_is_not_as_painted(tmp_path: Path) -> None:
    saved = save_picture(result_of(size="40x30"), 0, tmp_path, form=LOSSY[0])
    turned = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHHI", 0x0112, 3, 1, 6, 0, 0)
    data = saved.path.read_bytes()
    saved.path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(turned) + 2) + turned + data[2:])
    pixels = pixels_of(saved.path)
    assert pixels.shape == (40, 30, 3)
    assert read_record(saved.path) == saved.record
    assert not is_as_painted(saved.path, saved.record, pixels)


def test_pillow_keeps_the_record_for_verify(tmp_path: Path) -> None:
    for form in FORMATS:
        saved = save_picture(result_of(size="40x30"), 0, tmp_path, form=form)
        with Image.open(saved.path) as image:
            assert record_in_info({**image.info}) == saved.record.to_json()


def test_a_transplanted_png_record_is_not_of_a_jpeg(tmp_path: Path) -> None:
    record = record_of(result_of(size="40x30"), 0)
    pixels = result_of(size="40x30").pictures[0].pixels
    path = tmp_path / "p.jpg"
    path.write_bytes(encode(pixels, texts_of(record), LOSSY[0]))
    assert not is_as_painted(path, record, pixels_of(path))


def test_png_is_written_as_before() -> None:
    record, pixels = record_of_prompt(), PIXELS
    data, same = encoded(record, pixels)
    assert same is record
    assert data == encode_png(pixels, texts_of(record)) == encode(pixels, texts_of(record))


@pytest.fixture
def result() -> Result:
    return result_of(size="40x30", count=2)


def test_python_saves_in_every_format(result: Result, tmp_path: Path) -> None:
    for form, suffix in (("png", "png"), ("jpeg", "jpg"), ("webp", "webp")):
        paths = result.save(tmp_path, format=form)  # pyright: ignore[reportArgumentType]
        assert [path.suffix for path in paths] == [f".{suffix}"] * 2
    assert [path.name for path in result.save(tmp_path, name="a.jpeg", quality=70)] == [
        "a-1.jpeg",
        "a-2.jpeg",
    ]
    found = read_record(tmp_path / "a-2.jpeg").compression
    assert found is not None
    assert found.quality == 70
    assert [path.name for path in result.save(tmp_path, name="b", format="webp")] == ["b-1.webp", "b-2.webp"]
    one = replace(result_of(size="40x30"))
    assert one.save(tmp_path, name="c.WEBP", sidecar=True) == [tmp_path / "c.WEBP"]
    assert RunRecord.from_json((tmp_path / "c.json").read_text()) == read_record(tmp_path / "c.WEBP")
    assert one.save(tmp_path, name="v1.2", format="jpeg") == [tmp_path / "v1.2.jpg"]
    assert one.save(tmp_path, name="v1.2") == [tmp_path / "v1.2.png"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"format": "gif"}, "no picture format 'gif'"),
        ({"format": "jpeg", "name": "a.webp"}, "like a webp file, but the format is jpeg"),
        ({"format": "png", "name": "a.jpg"}, "like a jpeg file"),
        ({"quality": 50}, "a PNG has no quality"),
        ({"quality": 50, "name": "a.png"}, "a PNG has no quality"),
        ({"format": "jpeg", "quality": 0}, "from 1 to 100"),
        ({"format": "webp", "quality": 101}, "from 1 to 100"),
        ({"format": "webp", "quality": 9.5}, "whole number"),
        ({"format": "webp", "quality": True}, "whole number"),
    ],
)
def test_python_refuses_what_no_file_can_be(
    result: Result, asked: dict[str, object], told: str, tmp_path: Path
) -> None:
    with pytest.raises(ParameterError, match=told) as refused:
        result.save(tmp_path, **asked)  # pyright: ignore[reportArgumentType]
    assert refused.value.remedy
    assert list(tmp_path.iterdir()) == []
