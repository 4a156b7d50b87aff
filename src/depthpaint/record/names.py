"""File names of pictures: readable, safe on every file system, and none of them twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

from depthpaint.core.files import safe_stem

SUFFIX = ".png"


def picture_names(prompt: str, seeds: Sequence[int], taken: Callable[[str], bool]) -> list[str]:
    """One name for each seed, such as "a-red-ball-on-a-green-floor-12345.png".

    `taken` says whether a name is in use; a name in use, or used earlier in this list, gets -2, -3 and so on.
    """
    words = safe_stem(prompt)
    names: list[str] = []
    for seed in seeds:
        # Compared without case: "A.png" and "a.png" are one file on macOS and Windows.
        used = {name.casefold() for name in names}
        candidates = (f"{words}-{seed}{'' if k == 1 else f'-{k}'}{SUFFIX}" for k in count(1))
        names.append(next(name for name in candidates if name.casefold() not in used and not taken(name)))
    return names
