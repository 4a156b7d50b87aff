"""Weights files: whole ones are taken, all others are refused before anything is made of them."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from tiny_files import CANARY, pickled, safetensors_bytes, with_header, zipped

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.weights import refuse_pickle, require_whole, weight_files

WHOLE = safetensors_bytes()
HEADER = 8 + int.from_bytes(WHOLE[:8], "little")


def entry(start: int, end: int, dtype: str = "F32", shape: str = "[1]") -> str:
    return f'{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{start},{end}]}}'


BROKEN = {
    "nothing": b"",
    **{f"{length} bytes": WHOLE[:length] for length in (7, 8, HEADER - 1, HEADER + 1)},
    "half": WHOLE[: len(WHOLE) // 2],
    "one byte short": WHOLE[:-1],
    "one byte more": WHOLE + b"\0",
    "a header of 2^63": (2**63).to_bytes(8, "little") + WHOLE[8:],
    "a header of 101 MB": (101 << 20).to_bytes(8, "little") + WHOLE[8:],
    "overlap": with_header(f'{{"a":{entry(0, 4)},"b":{entry(2, 6)}}}', 6),
    "one name twice": with_header(f'{{"a":{entry(0, 4)},"a":{entry(4, 8)}}}', 8),
    "a hole": with_header(f'{{"a":{entry(0, 4)},"b":{entry(8, 12)}}}', 12),
    "unknown type": with_header(f'{{"a":{entry(0, 4, "X99")}}}', 4),
    "a shape too large": with_header(f'{{"a":{entry(0, 4, shape="[4294967296,4294967296]")}}}', 4),
    "not JSON": with_header("not json at all", 4),
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "part").mkdir()
    return tmp_path / "part"


def test_a_whole_file_is_taken(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(WHOLE)
    assert weight_files(folder) == [folder / "model.safetensors"]


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_refused_and_nothing_made_of_it(folder: Path, kind: str) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(BROKEN[kind])
    tracemalloc.start()
    with pytest.raises(ModelError, match=r"model\.safetensors") as refused:
        weight_files(folder)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    assert refused.value.code is ErrorCode.MODEL_TRUNCATED
    assert ("git lfs pull" in str(refused.value)) == (kind == "a Git LFS pointer")
    assert "\n" not in str(refused.value)


def test_of_a_pickle_and_its_twin_the_safetensors_are_taken(folder: Path, tmp_path: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(pickled(tmp_path))
    with pytest.raises(ModelError, match="convert them to safetensors") as refused:
        weight_files(folder)
    assert refused.value.code is ErrorCode.PICKLE_REFUSED
    (folder / "model.safetensors").write_bytes(WHOLE)
    assert weight_files(folder) == [folder / "model.safetensors"]
    assert not (tmp_path / CANARY).exists()


@pytest.mark.parametrize("name", ["x.ckpt", "x.pt", "x.pth", "x.bin", "x.pkl", "x.safetensors.bin", "x.CKPT"])
@pytest.mark.parametrize("kind", ["pickle", "zip", "safetensors"])
def test_what_is_called_like_a_pickle_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    content = {"pickle": pickled(tmp_path), "zip": zipped(tmp_path), "safetensors": WHOLE}[kind]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=r"convert.*torch\.load") as refused:
        refuse_pickle(tmp_path / name)
    assert refused.value.code is ErrorCode.PICKLE_REFUSED
    assert not (tmp_path / CANARY).exists()


@pytest.mark.parametrize("name", ["x.safetensors", "x.SafeTensors", "x.SAFETENSORS", "x"])
@pytest.mark.parametrize("kind", ["pickle", "zip", "tar"])
def test_a_pickle_is_refused_whatever_it_is_called(tmp_path: Path, name: str, kind: str) -> None:
    tar = bytes(257) + b"ustar" + bytes(250)
    content = {"pickle": pickled(tmp_path), "zip": zipped(tmp_path), "tar": tar}[kind]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match="pickled") as refused:
        refuse_pickle(tmp_path / name)
    assert refused.value.code is ErrorCode.PICKLE_REFUSED
    assert not (tmp_path / CANARY).exists()


def test_safetensors_with_a_pickle_behind_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(WHOLE + zipped(tmp_path))
    refuse_pickle(tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match="damaged"):
        require_whole(tmp_path / "x.safetensors")


def test_a_header_as_long_as_a_pickle_begins_is_no_pickle(tmp_path: Path) -> None:
    text = '{"__metadata__":{"a":"' + "b" * 99 + '"}}'
    content = with_header(text + " " * (0x80 - len(text)), 0)
    assert content[0] == 0x80
    (tmp_path / "x.safetensors").write_bytes(content)
    refuse_pickle(tmp_path / "x.safetensors")
    require_whole(tmp_path / "x.safetensors")
