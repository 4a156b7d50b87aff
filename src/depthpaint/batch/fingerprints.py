"""A bag of eight-byte fingerprints: who is in it, for 16 to 32 bytes a member."""

from __future__ import annotations

import hashlib
from array import array

_FREE = 0


class Fingerprints:
    """Texts that can be told from those that never were added, though none of them is held.

    Two of a million texts have one fingerprint by chance once in 40 million such bags.
    """

    def __init__(self) -> None:
        # Open addressing in a power of two, at most half full: a set of Python's takes three times as much.
        self._table = array("Q", bytes(8 * 1024))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, text: str) -> bool:
        return self._table[self._place(_fingerprint(text))] != _FREE

    def add(self, text: str) -> bool:
        """Add a text; whether it was not there before."""
        found = _fingerprint(text)
        place = self._place(found)
        if self._table[place] != _FREE:
            return False
        self._table[place] = found
        self._count += 1
        if 2 * self._count > len(self._table):
            self._grow()
        return True

    def _place(self, found: int) -> int:
        last = len(self._table) - 1
        place = found & last
        while self._table[place] not in (_FREE, found):
            place = (place + 1) & last
        return place

    def _grow(self) -> None:
        old, self._table = self._table, array("Q", bytes(2 * 8 * len(self._table)))
        for found in old:
            if found != _FREE:
                self._table[self._place(found)] = found


def _fingerprint(text: str) -> int:
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) or 1
