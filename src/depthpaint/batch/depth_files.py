"""The depth files of a manifest that lie where its pictures go: no picture may replace one."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from pathlib import Path

from depthpaint.batch.fingerprints import Fingerprints
from depthpaint.batch.manifest import Manifest
from depthpaint.core.errors import ParameterError


class DepthFiles:
    """Names in `folder` that depth files of any row have, links followed; the manifest is read on first use.

    Only fingerprints of these names are held, so a million rows whose maps lie elsewhere take no memory.
    """

    def __init__(self, manifest: Manifest, defaults: Mapping[str, object], folder: Path) -> None:
        self._manifest, self._defaults, self._folder = manifest, defaults, folder

    def __contains__(self, file: str) -> bool:
        return same_name(file) in self._names

    @cached_property
    def _names(self) -> Fingerprints:
        names, here = Fingerprints(), os.path.realpath(self._folder)
        # An error of the manifest ends the survey, too, which then reports it.
        with suppress(ParameterError):
            for depth in self._depths():
                for folder, name in _places(depth):
                    if folder == here:
                        names.add(same_name(name))
        return names

    def _depths(self) -> Iterator[Path]:
        for row in self._manifest.rows():
            depth = row.values.get("depth", self._defaults.get("depth"))
            if isinstance(depth, str) and "\0" not in depth:
                yield self._manifest.folder / depth


def same_name(file: str) -> str:
    """Equal for names that differ in case or in how an accent is written: some systems take them for one."""
    return unicodedata.normalize("NFC", file).casefold()


def _places(depth: Path) -> Iterator[tuple[str, str]]:
    """Folder and name of a depth file, and of what it leads to if it is a link."""
    # A name that no file can have, or too long, is an error of its row.
    with suppress(OSError, ValueError):
        yield _real_folder(depth.parent), depth.name
        if depth.is_symlink():
            real = Path(os.path.realpath(depth))
            yield str(real.parent), real.name


@lru_cache(256)
def _real_folder(folder: Path) -> str:
    return os.path.realpath(folder)
