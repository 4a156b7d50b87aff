"""Every file inside the package that pictures depend on: changed by one byte, or cut, it is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest

import depthpaint
from depthpaint.cli.main import run
from depthpaint.core.errors import DepthpaintError, ErrorCode, ModelError
from depthpaint.depth import colour_map
from depthpaint.models.diorama.files import FOLDER, open_files, tokenizer_file
from depthpaint.models.estimators.diorama_depth import DioramaDepth
from depthpaint.models.estimators.registry import DIORAMA_DEPTH, ESTIMATORS, ShippedEntry, load_estimator
from depthpaint.models.onnx_session import start_session

PACKAGE = Path(depthpaint.__file__).parent
ENTRY = cast("ShippedEntry", ESTIMATORS[DIORAMA_DEPTH])
DIORAMA = sorted(file.name for file in FOLDER.iterdir())
DEPTH = sorted(file.name for file in ENTRY.folder.iterdir())
TEXTS = {".py", ".typed", ".pyc", ".css", ".js", ".j2", ".typ"}
"""Source, as code is: no digest is kept of it."""

Spoil = Callable[[bytes], bytes]
CHANGES: dict[str, Spoil] = {
    "first byte": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "a byte in the middle": lambda data: _flipped(data, len(data) // 2),
    "last byte": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "one byte short": lambda data: data[:-2],
    "half": lambda data: data[: len(data) // 2],
    "empty": lambda _: b"",
    "one byte more": lambda data: data + b"x",
}
only_changes = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


def _flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of both folders; a test that changes a file puts it back."""
    folder = tmp_path_factory.mktemp("copies")
    shutil.copytree(FOLDER, folder / "diorama")
    shutil.copytree(ENTRY.folder, folder / "depth")
    return folder


def refusal(file: Path, change: Spoil, load: Callable[[], object]) -> DepthpaintError:
    whole = file.read_bytes()
    file.write_bytes(change(whole))
    try:
        with pytest.raises(ModelError) as refused:
            load()
    finally:
        file.write_bytes(whole)
    assert "\n" not in str(refused.value)
    return refused.value


def expected(name: str) -> set[ErrorCode]:
    # What is no JSON any more has no digest to compare.
    cut = {ErrorCode.MODEL_TRUNCATED} if name == "model.json" else set[ErrorCode]()
    return {ErrorCode.MODEL_HASH_MISMATCH} | cut


@only_changes
@pytest.mark.parametrize("name", DIORAMA)
def test_no_file_of_diorama_may_be_another(copies: Path, name: str, change: Spoil) -> None:
    folder = copies / "diorama"
    told = refusal(folder / name, change, lambda: open_files(folder))
    assert told.code in expected(name)
    assert (told.exit_status, name in str(told)) == (5, True)


@only_changes
@pytest.mark.parametrize("name", DEPTH)
def test_no_file_of_diorama_depth_may_be_another(copies: Path, name: str, change: Spoil) -> None:
    folder = copies / "depth"
    told = refusal(folder / name, change, lambda: DioramaDepth("tiny", folder))
    assert told.code in expected(name)
    assert (told.exit_status, name in str(told)) == (5, True)


def test_a_changed_setting_in_a_document_is_refused(copies: Path) -> None:
    for folder, old, new in (
        ("diorama", b'"eos_token_id": 1', b'"eos_token_id": 2'),
        ("depth", b'"steps": 1', b'"steps": 2'),
    ):

        def change(data: bytes, old: bytes = old, new: bytes = new) -> bytes:
            assert old in data
            return data.replace(old, new, 1)

        def load(where: Path = copies / folder) -> object:
            return open_files(where) if where.name == "diorama" else DioramaDepth("tiny", where)

        assert refusal(copies / folder / "model.json", change, load).code is ErrorCode.MODEL_HASH_MISMATCH


@only_changes
def test_the_colour_maps_may_not_be_others(
    tmp_path: Path, change: Spoil, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "colour_maps.png"
    shutil.copy(PACKAGE / "depth" / "colour_maps.png", file)
    monkeypatch.setattr(colour_map, "PICTURE", file)
    table = colour_map._table.__wrapped__  # pyright: ignore[reportPrivateUsage]
    assert np.shape(table()) == (len(colour_map.NAMES), 256, 3)
    assert refusal(file, change, table).code is ErrorCode.MODEL_HASH_MISMATCH


def test_no_file_of_the_package_is_without_a_digest() -> None:
    checked = {FOLDER / name for name in DIORAMA} | {ENTRY.folder / name for name in DEPTH}
    checked.add(colour_map.PICTURE)
    data = {file for file in PACKAGE.rglob("*") if file.is_file() and file.suffix not in TEXTS}
    assert data == checked


@pytest.mark.parametrize("name", ["unet.onnx", "tokenizer.json"])
def test_models_verify_and_show_notice_it(
    copies: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copies / "diorama"
    monkeypatch.setattr("depthpaint.models.diorama.files.open_files.__defaults__", (folder,))
    assert run(["models", "verify", "diorama"]) == 0
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(_flipped(whole, len(whole) // 2))
    try:
        assert run(["models", "verify", "diorama"]) == 5
        assert f"{name} has sha256" in capsys.readouterr().out
        if name == "tokenizer.json":
            monkeypatch.setattr(tokenizer_file, "__defaults__", (folder,))
            assert run(["models", "show", "diorama"]) == 5
    finally:
        (folder / name).write_bytes(whole)


@pytest.mark.parametrize("length", [0, 1, 5_000, -1])
def test_a_graph_that_onnx_runtime_cannot_read_is_one_line(copies: Path, length: int) -> None:
    """What passes the digest, as a graph of another version would, still gives a typed error."""
    graph = copies / "diorama" / "adapter.onnx"
    told = refusal(graph, lambda data: data[:length], lambda: start_session(graph))
    assert told.code is ErrorCode.MODEL_TRUNCATED
    assert "adapter.onnx" in str(told)


def test_a_run_that_fails_is_one_line() -> None:
    session = start_session(open_files().graph("adapter"))
    with pytest.raises(ModelError, match=r"cannot run the graph adapter\.onnx") as refused:
        session.run(None, {"nothing": np.zeros(1, np.float32)})
    assert refused.value.code is ErrorCode.MODEL_INCOMPATIBLE


def test_the_shipped_estimator_still_loads() -> None:
    assert load_estimator(DIORAMA_DEPTH).weights_sha256
