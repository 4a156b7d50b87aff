"""Coverage-guided fuzzing of the depth gate with Atheris: `make fuzz`, or fuzz_depth.py FOLDER SECONDS.

It begins with sound files of every format, the named defects and corpus/, keeps what reaches new code in
FOLDER, and stops at the first exception that is not depthpaint's own, at a crash, and at an input that takes
10 s or 2 GB. The input is then left in FOLDER; keep it in corpus/, which the other tests replay.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

atheris: Any = import_module("atheris")
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]

with atheris.instrument_imports(include=["depthpaint"]):
    from depthpaint.core.errors import DepthpaintError
    from depthpaint.depth.depth_map import DepthReading
    from depthpaint.depth.understand import understand
    from depthpaint.formats.decode import decode

READING = DepthReading(near="white", allow_constant=True)
MOST_PIXELS = 1 << 20
LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=65536")


def read(data: bytes) -> None:
    """A map or a typed error, whatever the bytes are."""
    try:
        _, samples = decode("map", data, max_pixels=MOST_PIXELS)
        understand("map", samples, READING)
    except DepthpaintError:
        return


def seeds(folder: Path) -> None:
    """Write the inputs that the search begins with."""
    from made_defects import cases
    from test_mutants import CORPUS, sound

    folder.mkdir(parents=True, exist_ok=True)
    for kind, files in sound().items():
        for number, data in enumerate(files):
            (folder / f"sound-{kind}-{number}").write_bytes(data)
    for name, data, _ in cases():
        if len(data) < 1 << 16:
            (folder / name).write_bytes(data)
    for path in CORPUS.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())


def main() -> None:
    folder, seconds = Path(sys.argv[1]), int(sys.argv[2])
    seeds(folder)
    target = (*LIMITS, f"-max_total_time={seconds}", f"-artifact_prefix={folder}/", str(folder))
    atheris.Setup([sys.argv[0], *target], read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
