"""Parquet manifests: plain columns are read, everything else is refused before it can fill the memory."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from depthpaint.batch import manifest as parquet_rows
from depthpaint.batch import rows as row
from depthpaint.batch.manifest import Manifest
from depthpaint.core.errors import ParameterError

arrow: Any = pytest.importorskip("pyarrow")
parquet: Any = pytest.importorskip("pyarrow.parquet")
PATH = Path("m.parquet")


def write(columns: dict[str, Any], **options: Any) -> None:
    parquet.write_table(arrow.table(columns), PATH, **options)


def test_rows_with_their_types_and_without_nulls(maps: Path) -> None:
    write(
        {"depth": ["a.npy", "b.npy"], "prompt": ["x", None], "seed": [0, None], "guidance_scale": [0.5, 1.0]}
    )
    assert [(one.line, dict(one.values)) for one in Manifest(PATH).rows()] == [
        (1, {"depth": "a.npy", "prompt": "x", "seed": 0, "guidance_scale": 0.5}),
        (2, {"depth": "b.npy", "guidance_scale": 1.0}),
    ]
    assert Manifest(PATH).unit == "row"


def test_dictionaries_and_long_texts_are_texts(maps: Path) -> None:
    write({
        "depth": arrow.array(["a.npy"] * 3).dictionary_encode(),
        "prompt": arrow.array(["x"] * 3, arrow.large_string()),
    })  # fmt: skip
    assert [dict(one.values) for one in Manifest(PATH).rows()] == [{"depth": "a.npy", "prompt": "x"}] * 3


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"depth": ["a"], "also": [["canny"]]}, "'also' contains list"),
        ({"depth": [{"path": "a"}]}, "'depth' contains struct"),
        ({"depth": [b"a"]}, "'depth' contains binary"),
        ({"depth": ["a"], "seed": arrow.array([1], arrow.timestamp("s"))}, "'seed' contains timestamp"),
        (
            {"depth": arrow.array([b"0" * 16]).cast(arrow.binary(16)).cast(arrow.binary(16))},
            "'depth' contains",
        ),
        ({"file": ["a"]}, "no column 'depth'"),
    ],
    ids=["list", "struct", "bytes", "time", "fixed", "no depth"],
)
def test_columns_that_are_no_fields_are_refused(maps: Path, columns: dict[str, Any], says: str) -> None:
    write(columns)
    with pytest.raises(ParameterError, match=says):
        list(Manifest(PATH).rows())


def test_an_extension_type_is_refused(maps: Path) -> None:
    write(
        {"depth": arrow.ExtensionArray.from_storage(arrow.uuid(), arrow.array([b"0" * 16], arrow.binary(16)))}
    )
    with pytest.raises(ParameterError, match="'depth' contains extension"):
        list(Manifest(PATH).rows())


def test_damage_is_told_wherever_it_is(maps: Path) -> None:
    write({"depth": ["a.npy"] * 100, "prompt": [f"sentence {k}" for k in range(100)]})
    whole = PATH.read_bytes()
    footer = struct.unpack("<I", whole[-8:-4])[0]
    for data in (
        b"", b"PAR1", whole[:-1], whole[4:], whole[: len(whole) // 2],
        whole[:-8] + struct.pack("<I", 2**31) + b"PAR1",
        whole[: -8 - footer] + bytes(footer) + whole[-8:],
    ):  # fmt: skip
        PATH.write_bytes(data)
        with pytest.raises(ParameterError, match="not a complete Parquet file"):
            list(Manifest(PATH).rows())


def test_too_many_rows_and_too_large_groups_are_refused_unread(
    maps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({"depth": ["a.npy"] * 100})
    with monkeypatch.context() as patch:
        patch.setattr(parquet_rows, "MOST_ROWS", 99)
        with pytest.raises(ParameterError, match="declares 100 rows"):
            next(Manifest(PATH).rows())
    with monkeypatch.context() as patch:
        patch.setattr(parquet_rows, "LARGEST_GROUP", 10)
        with pytest.raises(ParameterError, match="row group"):
            next(Manifest(PATH).rows())
    assert row.MOST_ROWS < 10**9


@pytest.mark.parametrize("dictionary", [True, False])
def test_a_text_that_is_longer_than_any_field_is_refused(maps: Path, dictionary: bool) -> None:
    long = arrow.DictionaryArray.from_arrays(
        arrow.array([0] * 200, arrow.int32()), arrow.array(["x" * 900_000])
    )
    column = long if dictionary else ["x" * 100_000] * 20
    write({"depth": column}, compression="zstd", store_schema=False, use_dictionary=dictionary)
    before = arrow.total_allocated_bytes()
    reading = Manifest(PATH).rows()
    with pytest.raises(ParameterError, match="'depth' takes more than 65,536 bytes"):
        next(reading)
    assert arrow.total_allocated_bytes() - before < 64 << 20


def test_a_text_that_every_row_names_is_held_a_few_times(maps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "BYTES_AT_ONCE", 1 << 17)
    taken: list[int] = []
    values = parquet_rows._values  # pyright: ignore[reportPrivateUsage]

    def counting(path: Path, batch: Any, before: int) -> Any:
        taken.append(batch.num_rows)
        return values(path, batch, before)

    monkeypatch.setattr(parquet_rows, "_values", counting)
    write({"depth": [f"{k:060000}" for k in range(20)]}, compression="zstd", use_dictionary=False)
    assert [row.values["depth"] for row in Manifest(PATH).rows()] == [f"{k:060000}" for k in range(20)]
    assert max(taken) <= 3


def test_more_columns_than_any_manifest_has_are_refused(maps: Path) -> None:
    write({"depth": ["a"], **{f"c{k}": [k] for k in range(row.MOST_COLUMNS)}})
    with pytest.raises(ParameterError, match="1,001 columns"):
        list(Manifest(PATH).rows())


def test_a_file_that_lies_about_its_rows_is_refused(maps: Path) -> None:
    write({"depth": ["a.npy"] * 100})
    whole = PATH.read_bytes()
    footer = struct.unpack("<I", whole[-8:-4])[0]
    head, meta = whole[: -8 - footer], whole[-8 - footer : -8]
    # The number of rows in the footer's compact Thrift: field 3 of the file, an i64 as zigzag varint 200.
    at = meta.index(b"\x16\xc8\x01")
    meta = meta[:at] + b"\x16" + bytes([0x80, 0xA8, 0xD6, 0xB9, 0x07]) + meta[at + 3 :]  # 10 ** 9
    PATH.write_bytes(head + meta + struct.pack("<I", len(meta)) + b"PAR1")
    with pytest.raises(ParameterError):
        list(Manifest(PATH).rows())
