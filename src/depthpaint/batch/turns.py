"""Lines of the ledger in the order of the manifest, whoever is done first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from depthpaint.batch.ledger import Ledger
from depthpaint.batch.ledger_lines import Entry
from depthpaint.record.png_text import read_record


@dataclass(slots=True)
class _Turn:
    file: str
    settled: bool = False
    entry: Entry | None = None
    record: str | None = None


class Turns:
    """Pictures are written as soon as they are painted; their lines wait here for those before them.

    What waits when a batch is killed is no loss: the next run finds the pictures and enters them.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: deque[_Turn] = deque()
        self._open: dict[str, _Turn] = {}

    def take(self, file: str) -> None:
        """A picture is begun, and this is its turn."""
        self._open[file] = _Turn(file)
        self._waiting.append(self._open[file])

    def fill(self, file: str, entry: Entry, record: str | None = None) -> None:
        """The picture is there. Without its `record` as JSON that is read from it. Raises DepthpaintError."""
        if file not in self._open:
            if self._ledger.knows(entry):
                return
            self.take(file)
        turn = self._open.pop(file)
        turn.settled, turn.entry, turn.record = True, entry, record
        self._advance()

    def drop(self, file: str) -> None:
        """There will be no picture."""
        self._open.pop(file).settled = True
        self._advance()

    def _advance(self) -> None:
        while self._waiting and self._waiting[0].settled:
            turn = self._waiting.popleft()
            if turn.entry is not None and not self._ledger.knows(turn.entry):
                record = turn.record or read_record(self._ledger.path.parent / turn.file).to_json()
                self._ledger.add(turn.entry, record)
