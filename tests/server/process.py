"""A server process, as people start it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

_ADDRESS = re.compile(r"listening on (http://\S+?)/?\s*$", re.MULTILINE)


@dataclass
class Serving:
    """The process, its address, and its folder."""

    process: subprocess.Popen[str]
    url: str
    out: Path

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and wait for the exit status."""
        self.process.send_signal(number)
        return self.process.wait(60)

    def client(self) -> httpx.Client:
        """A client of it."""
        return httpx.Client(base_url=self.url, timeout=120)


@contextmanager
def serving(out: Path, *options: str, **variables: str) -> Generator[Serving]:
    """Start `depthpaint serve` on a free port; it is killed at the end if it still runs."""
    log = (out.parent / f"{out.name}.log").open("w+", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "depthpaint", "serve", "--port", "0", "--out", str(out), *options],
        stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **variables},
    )  # fmt: skip
    try:
        address = None
        while address is None:
            assert process.poll() is None, Path(log.name).read_text(encoding="utf-8")
            address = _ADDRESS.search(Path(log.name).read_text(encoding="utf-8"))
        yield Serving(process, address[1], out)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)
        assert process.stdout is not None
        process.stdout.close()
        log.close()
