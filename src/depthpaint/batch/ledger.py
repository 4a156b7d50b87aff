"""The ledger beside the pictures: one line of JSON for each, added when the picture is there."""

from __future__ import annotations

from pathlib import Path

from depthpaint.batch.fingerprints import Fingerprints
from depthpaint.batch.folder_lock import lock, remove_leftovers
from depthpaint.batch.ledger_lines import Entry, entries, entry_line
from depthpaint.batch.manifest import Shard
from depthpaint.batch.own_file import Kind, OwnFile, own_path
from depthpaint.core.errors import DepthpaintError, OutputError
from depthpaint.core.files import output_error


class Ledger:
    """Lines are only ever added, each in one write that is on the disk before the next picture begins.

    As long as it is open, no other batch can work in the folder but other shards. Of a million
    pictures it remembers a fingerprint each.
    """

    def __init__(self, folder: Path, shard: Shard) -> None:
        self.path = own_path(folder, Kind.LEDGER, shard)
        self._known = Fingerprints()
        self._guards: list[OwnFile] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._open(folder, shard)
            for entry in entries(self.path):
                self._known.add(_told(entry))
        except DepthpaintError:
            self.close()
            raise
        except (OSError, ValueError) as error:
            self.close()
            raise output_error(self.path, error) from error

    def close(self) -> None:
        """Let others in."""
        while self._guards:
            self._guards.pop().close()

    def knows(self, entry: Entry) -> bool:
        """Whether there is a line for it."""
        return _told(entry) in self._known

    def add(self, entry: Entry, record: str) -> None:
        """Add a picture with its record as JSON, if it is not there."""
        if self.knows(entry):
            return
        self._file.add(entry_line(entry, record), durable=True)
        self._known.add(_told(entry))

    def _open(self, folder: Path, shard: Shard) -> OwnFile:
        whole = own_path(folder, Kind.LEDGER, Shard())
        file = self._guard(whole)
        if shard.of == 1:
            lock(file.descriptor, whole)
            remove_leftovers(folder)
        else:
            try:
                lock(file.descriptor, whole)
                # Nobody else is here, so that what lies around belongs to nobody.
                remove_leftovers(folder)
            except OutputError:
                pass
            lock(file.descriptor, whole, shared=True)
            # Made only now: where the folder is somebody else's, nothing is left in it.
            file = self._guard(self.path)
            lock(file.descriptor, self.path)
        file.begin()
        return file

    def _guard(self, path: Path) -> OwnFile:
        self._guards.append(OwnFile(path, Kind.LEDGER))
        return self._guards[-1]


def require_undamaged(folder: Path, shard: Shard) -> None:
    """Raise RecordError where the ledger of the shard is damaged. Nothing is changed."""
    path = own_path(folder, Kind.LEDGER, shard)
    try:
        for _ in entries(path):
            pass
    except FileNotFoundError:
        return
    except OSError as error:
        raise error if isinstance(error, DepthpaintError) else output_error(path, error) from error


def _told(entry: Entry) -> str:
    return f"{entry.file} {entry.job} {entry.weights}"
