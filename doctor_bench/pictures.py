"""How many pictures that are no depth are taken for depth: `python -m doctor_bench.pictures FOLDER...`.

Give folders of photos, drawings and screenshots, colour and gray in folders of their own: a gray picture of 8
bits may be a depth map as far as anything in it shows.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.table import Table

import depthpaint

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"})
MOST_PROCESSES = 2


@dataclass(frozen=True)
class Verdict:
    """What was made of one picture: "refused", "asked" or "taken" (then as which map), and how surely."""

    path: str
    outcome: str
    colour_map: str = ""
    confidence: float = 0.0
    near: float = 0.0


def pictures_in(folders: Sequence[Path]) -> Iterator[Path]:
    """The pictures in `folders`, each content once."""
    known = set[bytes]()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() not in ENDINGS or not path.is_file():
                continue
            digest = hashlib.sha256(path.read_bytes()).digest()
            if digest not in known:
                known.add(digest)
                yield path


def judged(path: Path) -> Verdict:
    """Read `path` as `generate` does. The confidence of a gray picture's colours is 1."""
    try:
        source = depthpaint.read_depth(path).source
    except depthpaint.DepthpaintError as error:
        asked = error.code == depthpaint.ErrorCode.DEPTH_AMBIGUOUS
        return Verdict(str(path), "asked" if asked else "refused")
    near, colours = source.finding("near"), source.finding("colour_map")
    sure = 1.0 if near is None else near.confidence
    on_map = 1.0 if colours is None else colours.confidence
    return Verdict(str(path), "taken", source.colour_map, on_map, sure)


def table_of(verdicts: Sequence[Verdict], folders: Sequence[Path]) -> Table:
    """A line for each folder: how many were refused, asked about, and taken, and as what."""
    table = Table(title="pictures that are no depth")
    for name in ("folder", "pictures", "refused", "asked", "taken", "share", "taken as"):
        table.add_column(name, justify="left" if name in ("folder", "taken as") else "right")
    for folder in (*folders, None):
        some = [each for each in verdicts if folder is None or Path(each.path).is_relative_to(folder)]
        counts = Counter(each.outcome for each in some)
        names = Counter(each.colour_map for each in some if each.outcome == "taken")
        table.add_row(
            "all" if folder is None else folder.name, str(len(some)),
            *(str(counts[outcome]) for outcome in ("refused", "asked", "taken")),
            f"{counts['taken'] / max(1, len(some)):.2%}",
            ", ".join(f"{name} {count}" for name, count in names.most_common()),
        )  # fmt: skip
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and with --list the pictures that were taken."""
    parser = argparse.ArgumentParser(prog="python -m doctor_bench.pictures", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--list", action="store_true", help="name what was taken for depth")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all verdicts")
    options = parser.parse_args(arguments)
    folders: list[Path] = options.folders
    with ProcessPoolExecutor(MOST_PROCESSES, mp_context=get_context("spawn")) as pool:
        verdicts = list(pool.map(judged, pictures_in(folders), chunksize=8))
    console = Console(width=None if Console().is_terminal else 140)
    console.print(table_of(verdicts, folders))
    if options.list:
        for each in verdicts:
            if each.outcome == "taken":
                console.print(
                    f"{each.path}: {each.colour_map} {each.confidence:.2f}, near {each.near:.2f}",
                    soft_wrap=True,
                )
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(each) for each in verdicts], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
