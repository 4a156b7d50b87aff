"""The command in messages adds an extra to the installation at hand."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata, util
from pathlib import Path

import pytest

from depthpaint.core import installation
from depthpaint.core.errors import ModelError, not_installed
from depthpaint.core.installation import command_for, extras


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Before a test, and after it: later tests would find its installation."""
    for remembered in (installation._source, installation._needs):  # pyright: ignore[reportPrivateUsage]
        remembered.cache_clear()
    yield
    for remembered in (installation._source, installation._needs):  # pyright: ignore[reportPrivateUsage]
        remembered.cache_clear()


class Installed:
    """An installed package with this direct_url.json."""

    def __init__(self, text: str | None) -> None:
        self._text = text

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self._text


FOLDER: dict[str, object] = {"url": "file:///home/ann/my%20paint", "dir_info": {}}
EDITABLE: dict[str, object] = {"url": "file:///src/depthpaint", "dir_info": {"editable": True}}
COMMIT: dict[str, object] = {
    "url": "https://example.org/d.git",
    "vcs_info": {"vcs": "git", "commit_id": "abc"},
}
WHEEL: dict[str, object] = {"url": "file:///tmp/depthpaint-0.1.0-py3-none-any.whl", "archive_info": {}}


@pytest.mark.parametrize(
    ("origin", "made_by", "command"),
    [
        (None, "pip", "pip install 'depthpaint[exr]'"),
        (FOLDER, "pip", "pip install '/home/ann/my paint[exr]'"),
        ({"url": "file://localhost/my/paint", "dir_info": {}}, "pip", "pip install '/my/paint[exr]'"),
        (EDITABLE, "pip", "pip install -e '/src/depthpaint[exr]'"),
        (COMMIT, "pip", "pip install 'depthpaint[exr] @ git+https://example.org/d.git@abc'"),
        (WHEEL, "pip", f"pip install 'depthpaint[exr] @ {WHEEL['url']}'"),
        (None, "other pip", "PYTHON -m pip install 'depthpaint[exr]'"),
        (FOLDER, "uv", "uv pip install --python PYTHON '/home/ann/my paint[exr]'"),
        (None, "uv tool", "uv tool install --force 'depthpaint[exr,phone]'"),
        (FOLDER, "pipx", "pipx install --force '/home/ann/my paint[exr,phone]'"),
    ],
    ids=str,
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows quotes otherwise")
def test_the_command_of_each_kind_of_installation(
    origin: dict[str, object] | None,
    made_by: str,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = None if origin is None else json.dumps(origin)
    python = str(tmp_path / "bin/python")
    pip = tmp_path / ("bin/pip" if made_by == "pip" else "elsewhere/pip")

    def installed(name: str) -> Installed:
        return Installed(text)

    def found(name: str) -> str:
        return str(pip)

    def spec(name: str) -> object:
        return None if made_by == "uv" else name

    def version(name: str) -> str | None:
        return "1" if name == "pillow-heif" else None

    assert extras()  # what they need is known before the metadata is replaced
    monkeypatch.setattr(metadata, "distribution", installed)
    monkeypatch.setattr(shutil, "which", found)
    monkeypatch.setattr(util, "find_spec", spec)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "executable", python)
    monkeypatch.setattr(installation, "version_of", version)
    if made_by in ("uv tool", "pipx"):
        (tmp_path / {"uv tool": "uv-receipt.toml", "pipx": "pipx_metadata.json"}[made_by]).touch()
    assert command_for("exr") == command.replace("PYTHON", python)


def test_a_message_holds_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    error = not_installed(
        ModelError, ImportError("no", name="torch"), "Stable Diffusion", "sd", "use diorama"
    )
    assert error.message == "Stable Diffusion needs torch, which is not installed"
    assert error.remedy == f"install it with {command_for('sd')}, or use diorama"
    assert command_for("sd").endswith("[sd]'")


def test_every_extra_for_users_is_known() -> None:
    known = {extra.name: extra for extra in extras()}
    declared = metadata.metadata("depthpaint").get_all("Provides-Extra") or []
    assert set(known) == set(declared) - {"dev", "docs", "package"}
    assert all(extra.packages for extra in known.values())
    assert "torch" in known["sd"].packages


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "{}", "not json", '{"url":1}', '{"url":"file:///a","dir_info":null}',
        '{"url":"https://example.org/d.git","vcs_info":{"vcs":"git"}}',
    ],
)  # fmt: skip
def test_a_damaged_direct_url_counts_as_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(_: str) -> Installed:
        return Installed(text)

    monkeypatch.setattr(metadata, "distribution", damaged)
    assert "depthpaint[exr]" in command_for("exr")
