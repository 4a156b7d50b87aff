"""Exported diorama is what the program loads: every file has a digest, and another file is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from depthpaint.core.errors import ModelError
from depthpaint.models.diorama.files import GRAPHS, SMALL_FILES, WEIGHTS, open_files, tokenizer_file
from training.export import export, load_export
from training.networks import build_networks

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("somewhere") / "diorama"
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(0)
        export(build_networks(), folder, {"trained_on": "nothing"})
    return folder


def read_all(folder: Path) -> None:
    """Open every file as painting does. Raises ModelError where one is not what was exported."""
    files = open_files(folder)
    assert all(files.graph(name).is_file() for name in GRAPHS)
    assert files.tokenizer == tokenizer_file(folder)


def test_the_program_opens_what_was_exported(exported: Path) -> None:
    read_all(exported)
    networks = build_networks()
    load_export(exported, networks)


@pytest.mark.parametrize("name", [*SMALL_FILES, WEIGHTS])
def test_a_file_that_changed_is_refused(exported: Path, name: str) -> None:
    file = exported / name
    content = file.read_bytes()
    spoiled = bytearray(content)
    spoiled[len(spoiled) // 2] ^= 1
    file.write_bytes(spoiled)
    try:
        with pytest.raises(ModelError, match="reinstall"):
            read_all(exported)
    finally:
        file.write_bytes(content)
