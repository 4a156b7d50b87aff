"""How this depthpaint was installed, which optional packages it has, and the command that adds more."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import metadata, util
from pathlib import Path

PURPOSES = {
    "sd": "Stable Diffusion and depth estimators with torch, and the model hub",
    "exr": "EXR files with compressions or parts that the built-in reader does not decode",
    "phone": "depth in HEIC photos of phones",
    "parquet": "Parquet manifests",
    "ray": "batches and studies on several machines",
    "report": "reports as HTML and PDF, with plots",
    "server": "the HTTP server",
}
"""The optional parts (extras of the package) and what they are for."""
_NEED = re.compile(r"""^([\w.-]+).*;.*extra\s*==\s*['"]([\w-]+)['"]""")


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional part: what it is for, its packages, and those that are not installed."""

    name: str
    purpose: str
    packages: tuple[str, ...]
    missing: tuple[str, ...]


def extras() -> list[Extra]:
    """Every optional part of depthpaint."""
    needs = _needs()
    return [
        Extra(
            name, purpose, needs.get(name, ()),
            tuple(package for package in needs.get(name, ()) if version_of(package) is None),
        )
        for name, purpose in PURPOSES.items()
    ]  # fmt: skip


def version_of(package: str) -> str | None:
    """The installed version of a package; None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def command_for(extra: str) -> str:
    """The shell command that adds the optional part (empty: none) to this installation."""
    source, editable = _source()
    installer, replaces = _installer(Path(sys.prefix), sys.executable)
    # A tool that makes the environment anew would drop the parts that are there.
    kept = [each.name for each in extras() if not each.missing] if replaces else []
    names = ",".join(sorted({*kept, extra} - {""}))
    part = f"[{names}]" if names else ""
    wanted = f"depthpaint{part}" if source is None else f"{source}{part}"
    if source is not None and "://" in source:
        wanted = f"depthpaint{part} @ {source}"
    return " ".join(map(_quoted, [*installer, *(["-e"] if editable else []), wanted]))


def _installer(prefix: Path, python: str) -> tuple[list[str], bool]:
    """The start of the command, by the tool that made this environment; and whether it makes a new one."""
    if (prefix / "uv-receipt.toml").is_file():
        return ["uv", "tool", "install", "--force"], True
    if (prefix / "pipx_metadata.json").is_file():
        return ["pipx", "install", "--force"], True
    if util.find_spec("pip") is None:
        return ["uv", "pip", "install", "--python", python], False
    beside = shutil.which("pip")
    if beside is not None and Path(beside).parent == Path(python).parent:
        return ["pip", "install"], False
    return [python, "-m", "pip", "install"], False


@cache
def _source() -> tuple[str | None, bool]:
    """Where the package came from: a folder or URL, None for a package index; and whether it is editable."""
    try:
        text = metadata.distribution("depthpaint").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return str(_checkout()) if _checkout() else None, True
    except (OSError, UnicodeError):
        return None, False
    if text is None:
        return None, False
    try:
        return _source_of(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):  # damaged, or of an unknown form
        return None, False


def _source_of(origin: dict[str, dict[str, str]]) -> tuple[str, bool]:
    """As `_source`, of the content of a direct_url.json. Raises KeyError, TypeError, AttributeError."""
    url: object = origin["url"]
    if not isinstance(url, str):
        raise TypeError("the URL is no text")
    if "dir_info" in origin:
        return _folder_of(url), bool(origin["dir_info"].get("editable"))
    if version_control := origin.get("vcs_info"):
        return f"{version_control['vcs']}+{url}@{version_control['commit_id']}", False
    return url, False


def _folder_of(url: str) -> str:
    from urllib.request import url2pathname

    return url2pathname(url.removeprefix("file://").removeprefix("localhost"))


def _checkout() -> Path | None:
    """The folder of the source code, if the package is run from there without having been installed."""
    folder = Path(__file__).resolve().parents[3]
    return folder if (folder / "pyproject.toml").is_file() else None


@cache
def _needs() -> dict[str, tuple[str, ...]]:
    """The packages of each extra."""
    needs: dict[str, list[str]] = {}
    try:
        listed = metadata.requires("depthpaint") or []
    except metadata.PackageNotFoundError:
        listed = _needs_of_checkout()
    for line in listed:
        if match := _NEED.match(line):
            needs.setdefault(match[2], []).append(match[1])
    return {extra: tuple(packages) for extra, packages in needs.items()}


def _needs_of_checkout() -> list[str]:
    folder = _checkout()
    if folder is None:
        return []
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional: dict[str, list[str]] = project["optional-dependencies"]
    return [f'{need}; extra == "{extra}"' for extra, needs in optional.items() for need in needs]


def _quoted(word: str) -> str:
    if os.name == "nt":
        return f'"{word}"' if re.search(r"[^\w.:\\/+=@-]", word) else word
    return shlex.quote(word)
