"""Rows as they are written by people and by programs: CSV, JSONL, a folder of pairs."""

from __future__ import annotations

import codecs
import tracemalloc
from pathlib import Path

import pytest

from depthpaint.batch import rows as csv_rows
from depthpaint.batch import rows as text_lines
from depthpaint.batch.manifest import Manifest
from depthpaint.core.errors import ParameterError

HEADER = "depth,prompt,seed\n"


def rows(path: Path, text: str | bytes) -> list[tuple[int, dict[str, object] | str]]:
    """What is read: the line, and the values or the problem."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return [(row.line, row.problem or dict(row.values)) for row in Manifest(path).rows()]


@pytest.mark.parametrize(
    "data",
    [
        b"depth,prompt,seed\na.png,hi,3\n",
        codecs.BOM_UTF8 + b"depth,prompt,seed\na.png,hi,3\n",
        b"depth,prompt,seed\r\na.png,hi,3\r\n",
        b"depth,prompt,seed,\r\na.png,hi,3,\r\n",
        b"depth;prompt;seed\na.png;hi;3",
        b"depth\tprompt\tseed\na.png\thi\t3\n\n\n",
        b'"depth", prompt ,seed\n"a.png","hi",3,,\n',
        "depth,prompt,seed\na.png,hi,3\n".encode("utf-16"),
    ],
    ids=["plain", "bom", "crlf", "trailing comma", "semicolons", "tabs", "quotes", "utf-16"],
)
def test_a_csv_as_programs_write_it(tmp_path: Path, data: bytes) -> None:
    assert rows(tmp_path / "m.csv", data) == [(2, {"depth": "a.png", "prompt": "hi", "seed": "3"})]


def test_a_csv_keeps_sentences_whole_and_counts_their_lines(tmp_path: Path) -> None:
    text = HEADER + 'a.png,"one, ""two""\nthree",\nb.png,,4\n'
    assert rows(tmp_path / "m.csv", text) == [
        (2, {"depth": "a.png", "prompt": 'one, "two"\nthree'}),
        (4, {"depth": "b.png", "seed": "4"}),
    ]


def test_bad_rows_are_told_by_their_lines_and_the_others_are_read(tmp_path: Path) -> None:
    found = rows(tmp_path / "m.csv", HEADER.encode() + b"a.png,hi\nb.png,hi,1,2\nc.png,\xff,1\nd.png,ok,1\n")
    assert [line for line, _ in found] == [2, 3, 4, 5]
    assert "2 cells" in str(found[0][1])
    assert "4 cells" in str(found[1][1])
    assert "UTF-8" in str(found[2][1])
    assert isinstance(found[3][1], dict)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("m.csv", "", "column 'depth'"),
        ("m.csv", HEADER, "no rows"),
        ("m.csv", "prompt,seed\nx,1\n", "column 'depth'"),
        ("m.csv", "depth,depth\nx,1\n", "a column twice"),
        ("m.csv", "depth," + ",".join(map(str, range(1000))) + "\n", "1,001 columns"),
        ("m.csv", HEADER + 'a.png,"never closed,1\nb.png,x,2\n', "line 2"),
        ("m.csv", HEADER + "a.png," + "x" * 3_000_000, "line 2"),
        ("m.jsonl", "", "no rows"),
        ("m.jsonl", "\n \n", "no rows"),
        ("m.txt", "x", "no known ending"),
    ],
)
def test_a_manifest_that_cannot_be_read_says_where(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        rows(tmp_path / name, text)


def test_a_missing_manifest_is_told(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="does not exist"):
        list(Manifest(tmp_path / "nope.csv").rows())


@pytest.mark.parametrize("name", ["m.jsonl", "m.csv"])
def test_a_line_of_a_gigabyte_is_refused_before_it_is_held(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(1 << 30)  # sparse: zeros, and no line end
    tracemalloc.start()
    try:
        with pytest.raises(ParameterError, match=f"{text_lines.LONGEST_LINE:,}"):
            list(Manifest(path).rows())
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_jsonl_keeps_types_and_tells_what_is_no_object(tmp_path: Path) -> None:
    text = (
        '{"depth": "a.png", "seed": 3, "also": ["canny"], "size": null}\n[1]\n\n{"a": 1, "a": 2}\n{"depth"\n'
    )
    found = rows(tmp_path / "m.jsonl", text + "[" * 100_000 + "\n")
    assert found[0] == (1, {"depth": "a.png", "seed": 3, "also": ["canny"]})
    assert [(line, type(told)) for line, told in found[1:]] == [(2, str), (4, str), (5, str), (6, str)]
    assert "twice" in str(found[2][1])


def test_a_folder_of_pairs(tmp_path: Path) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    for name in ("b.png", "a.npy", "two.png", "two.npy", "lone.exr", "sentence.txt", "two.txt", "README.md"):
        (folder / name).write_text("x")
    (folder / "a.txt").write_bytes(codecs.BOM_UTF8 + "ein Hügel\n".encode())
    (folder / "b.txt").write_bytes(b"\xff\xfe")
    found = list(Manifest(folder).rows())
    assert dict(found[0].values) == {"depth": "a.npy", "prompt": "ein Hügel", "name": "a"}
    assert [row.line for row in found] == [1, 2, 3, 4, 5]
    problems = [row.problem for row in found[1:]]
    assert "UTF-8" in problems[0]
    assert "lone.exr" in problems[1]
    assert "sentence.txt" in problems[2]
    assert "two.npy, two.png, two.txt" in problems[3]


def test_the_reader_of_csv_takes_no_column_for_another(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("depth_file,prompt\na,b\n")
    with pytest.raises(ParameterError, match="depth_file, prompt"):
        list(csv_rows.csv_rows(path))


JSON = '{"depth": "a.png", "prompt": "hügel"}\n{"depth": "b.png"}\n'


@pytest.mark.parametrize(
    "data",
    [
        JSON.encode(),
        codecs.BOM_UTF8 + JSON.encode(),
        JSON.replace("\n", "\r\n").encode(),
        codecs.BOM_UTF8 + JSON.replace("\n", "\r\n").encode(),
        JSON.encode("utf-16"),
        codecs.BOM_UTF16_BE + JSON.encode("utf-16-be"),
    ],
    ids=["plain", "bom", "crlf", "bom and crlf", "utf-16", "utf-16, big end first"],
)
def test_a_jsonl_as_programs_write_it(tmp_path: Path, data: bytes) -> None:
    found = rows(tmp_path / "m.jsonl", data)
    assert found == [(1, {"depth": "a.png", "prompt": "hügel"}), (2, {"depth": "b.png"})]
