"""The generated files, and what makes the text of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from reference_pages import commands, documents, errors, keyword_types, manifest, python_names, settings
from reference_pages.layout import REFERENCE, with_generated

GENERATED: Mapping[Path, Callable[[], str]] = {
    REFERENCE / "cli.md": commands.page,
    REFERENCE / "settings.md": settings.page,
    REFERENCE / "json.md": documents.page,
    REFERENCE / "errors.md": errors.page,
    REFERENCE / "manifest.md": partial(with_generated, REFERENCE / "manifest.md", manifest.columns),
    REFERENCE / "python.md": partial(with_generated, REFERENCE / "python.md", python_names.names),
    keyword_types.FILE: keyword_types.text,
}
"""Files by path. Of a page with hand-written text only the part between its two marks is generated."""
