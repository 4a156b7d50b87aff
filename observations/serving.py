"""Measure the server: pictures a second and waiting for 1 to 8 clients, and its memory over many requests.

    python -m observations.serving FOLDER [--requests 10000]

Each client asks for its next picture when it has one, of mixed sizes. Servers that paint one after the
other and side by side, and `depthpaint batch`, paint the same pictures in turn, `REPEATS` times. Writes
serving.json and memory.png into FOLDER.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
import psutil

DEPTH = Path("examples/house-in-the-forest.png")
SIZES = ((512, 512), (768, 512), (512, 768), (384, 384))
CLIENTS, PICTURES, REPEATS = (1, 2, 4, 8), 24, 3
PROMPT = "a turquoise house with a brown roof in the forest, orange trees, in autumn"


def bodies(number: int) -> list[dict[str, Any]]:
    """Requests of the OpenAI interface: mixed sizes, each seed once."""
    depth = base64.b64encode(DEPTH.read_bytes()).decode()
    return [
        {
            "prompt": PROMPT,
            "depth_image": depth,
            "seed": seed,
            "size": "{}x{}".format(*SIZES[seed % len(SIZES)]),
        }
        for seed in range(number)
    ]


@contextmanager
def serving(out: Path, *options: str) -> Generator[tuple[httpx.Client, psutil.Process]]:
    """A server process on a free port."""
    command = [sys.executable, "-m", "depthpaint", "serve", "--port", "0", "--out", str(out), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None  # noqa: S101 - it is piped
        lines = iter(process.stderr.readline, "")
        address = next(found[1] for line in lines if (found := re.search(r"listening on (\S+)/", line)))
        threading.Thread(target=_emptied, args=(lines,), daemon=True).start()
        with httpx.Client(base_url=address, timeout=600) as client:
            yield client, psutil.Process(process.pid)
        process.terminate()


def _emptied(lines: Iterable[str]) -> None:
    """Read the server's log, so that it never waits for a reader."""
    with suppress(ValueError):  # the pipe is closed when the process has ended
        for _ in lines:
            pass


def asked(client: httpx.Client, wanted: list[dict[str, Any]], clients: int) -> dict[str, float]:
    """Pictures a second, and the seconds until a picture is there, with so many clients at the same time."""
    took: list[float] = []
    number = count()

    def one_after_the_other() -> None:
        while (mine := next(number)) < len(wanted):
            begun = perf_counter()
            client.post("/v1/images/generations", json=wanted[mine]).raise_for_status()
            took.append(perf_counter() - begun)

    begun = perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        for done in [pool.submit(one_after_the_other) for _ in range(clients)]:
            done.result()
    whole = perf_counter() - begun
    took.sort()
    return {
        "pictures_per_second": len(wanted) / whole,
        "median_seconds": statistics.median(took),
        "p95_seconds": took[round(0.95 * (len(took) - 1))],
    }


def batched(folder: Path, wanted: list[dict[str, Any]], number: int) -> dict[str, float]:
    """Pictures a second of `depthpaint batch`, starting included."""
    rows = [
        {"depth": str(DEPTH.resolve()), "prompt": each["prompt"], "seed": each["seed"], "size": each["size"]}
        for each in wanted
    ]
    manifest = folder / f"rows-{number}.jsonl"
    manifest.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    out = folder / f"batch-{number}"
    command = [sys.executable, "-m", "depthpaint", "batch", str(manifest), "--out", str(out), "-q"]
    begun = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return {"pictures_per_second": len(wanted) / (perf_counter() - begun)}


def throughput(folder: Path) -> dict[str, dict[str, list[float]]]:
    """All measurements, by what was measured."""
    found: dict[str, dict[str, list[float]]] = {}
    wanted = bodies(PICTURES)

    def note(name: str, figures: dict[str, float]) -> None:
        for key, value in figures.items():
            found.setdefault(name, {}).setdefault(key, []).append(value)

    with (
        serving(folder / "turn", "--parallel", "1") as (turn, _),
        serving(folder / "beside") as (beside, _),
    ):
        for client in (turn, beside):
            asked(client, wanted[:8], 8)  # load, in all numbers of threads
            asked(client, wanted[:2], 1)
        for repeat in range(REPEATS):
            note("batch", batched(folder, wanted, repeat))
            for clients in CLIENTS:
                note(f"one after the other, {clients}", asked(turn, wanted, clients))
                note(f"side by side, {clients}", asked(beside, wanted, clients))
    return found


def memory(folder: Path, requests: int) -> list[tuple[int, float, int]]:
    """Requests done, MiB of the process, and its open files, a hundred times."""
    measured: list[tuple[int, float, int]] = []
    body = {**bodies(1)[0], "size": "64x64", "steps": 1}
    with serving(folder / "many") as (client, process):
        for number in range(1, requests + 1):
            answer = client.post("/v1/images/generations", json={**body, "seed": number % 1000})
            answer.raise_for_status()
            if number % max(1, requests // 100) == 0:
                measured.append((number, process.memory_info().rss / 2**20, process.num_fds()))
                for path in (folder / "many").glob("*.png"):
                    path.unlink()
    return measured


def plot(measured: list[tuple[int, float, int]], path: Path) -> None:
    """Memory and open files over requests."""
    from matplotlib import pyplot

    plt: Any = pyplot

    numbers, mebibytes, files = zip(*measured, strict=True)
    figure, axes = plt.subplots(figsize=(7, 3))
    axes.plot(numbers, mebibytes)
    axes.set(xlabel="requests", ylabel="memory in MiB", ylim=(0, max(mebibytes) * 1.2))
    right = axes.twinx()
    right.plot(numbers, files, color="tab:orange")
    right.set(ylabel="open files", ylim=(0, max(files) * 2))
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--only", choices=("throughput", "memory"))
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as work:
        if arguments.only != "memory":
            found["throughput"] = throughput(Path(work))
        if arguments.only != "throughput":
            found["memory"] = memory(Path(work), arguments.requests)
            plot(found["memory"], folder / "memory.png")
    name = f"serving-{arguments.only}.json" if arguments.only else "serving.json"
    (folder / name).write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
