"""The generated part of docs/reference/manifest.md: the columns."""

from __future__ import annotations

from depthpaint.cli.batch_task import columns as columns_of
from reference_pages.layout import items, plain


def columns() -> str:
    """The columns, as `depthpaint batch --columns` lists them."""
    return items(f"`{name}`: {plain(text)}" for name, text in columns_of().items())
