"""A hub on this machine: enough of the Hugging Face hub for downloads, and every kind of trouble."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from typing import Any

import pytest

from depthpaint.models import hub_download

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LONG = 300.0
"""Seconds of silence. A client that waits for their end is in `waited_out`."""


class Hub(BaseHTTPRequestHandler):
    """As much of a hub as a download needs. `trouble` is a status, an X-Error-Code, or a word of its own.

    `asked` lists what was asked for, `sent` how many bytes of each file went out; `passes` is after how many
    answers a trouble goes away. "cut" breaks the line in the middle of each weights file, "stall" says
    nothing for a while, "half, then silence" does so in the middle, "short" ends a file too early as if that
    were all, "other bytes" sends another file of the same length; `tokens` are what came as Authorization.
    `tag` and `commit` are what every answer names, `listed` further names in listings. `waited_out` lists
    what a client was silently kept waiting for until the end.
    """

    folder: Path
    asked: list[str]
    sent: dict[str, int]
    tokens: set[str]
    trouble: str
    passes: list[int]
    tag: str
    commit: str
    listed: list[str]
    ended: threading.Event
    waited_out: list[str]

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        self.asked.append(path)
        self.tokens.add(self.headers.get("Authorization", ""))
        trouble = self.trouble
        if trouble and self.passes:
            self.passes[0] -= 1
            if self.passes[0] < 0:
                trouble = type(self).trouble = ""
        if path == "/api/agent-harnesses" or trouble.isdigit():
            self._fail(int(trouble or 404), "")
            return
        if trouble.startswith("Repo") or trouble in ("GatedRepo", "RevisionNotFound"):
            self._fail(403 if trouble == "GatedRepo" else 404, trouble)
            return
        if trouble == "hang up":
            self.connection.close()
            return
        if trouble == "stall":
            self._say_nothing(path)
            return
        root = self._repository(path)
        names = sorted(str(f.relative_to(root)) for f in root.rglob("*") if f.is_file())
        names += ["pytorch_model.bin", *self.listed]
        if trouble == "endless text":
            self._endless(b"[" + b" " * 65_535)
            return
        if trouble == "endless error":
            self._endless(b"x" * 65_536, status=500)
            return
        if trouble == "no JSON":
            body = b"<html>please log in</html>"
        elif "/tree/" in path:
            listed = [
                {"type": "file", "path": n, "size": _size(root / n), "oid": self.tag or "0" * 40}
                for n in names
            ]
            body = json.dumps(listed).encode()
        elif path.startswith("/api/models/"):
            files = [{"rfilename": name, "size": _size(root / name)} for name in names]
            about = {"id": "x", "sha": self.commit, "siblings": files, "cardData": {"license": "mit"}}
            body = json.dumps(about).encode()
        else:
            self._file(root, path.partition("/resolve/")[2].partition("/")[2], with_body=with_body)
            return
        self._send(body, with_body=with_body)

    def _endless(self, piece: bytes, status: int = 200) -> None:
        """A body that does not end before its reader goes away; gigabytes are as good as that."""
        self.send_response(status)
        self.send_header("X-Repo-Commit", self.commit)
        self.end_headers()
        with suppress(OSError):
            for _ in range(100_000):
                self.wfile.write(piece)
                self.sent["endless"] = self.sent.get("endless", 0) + len(piece)
        self.close_connection = True

    def _repository(self, path: str) -> Path:
        """The folder below `folder` that is called like the repository, or `folder` itself."""
        parts = path.removeprefix("/api/models").split("/")
        named = self.folder / parts[2] if len(parts) > 2 else self.folder
        return named if named.is_dir() else self.folder

    def _file(self, root: Path, name: str, *, with_body: bool) -> None:
        body = (root / name).read_bytes()
        tag = self.tag or hashlib.sha256(body).hexdigest()
        start = 0
        if (asked := self.headers.get("Range", "")).startswith("bytes="):
            start = int(asked.removeprefix("bytes=").partition("-")[0])
        broken = self.trouble in ("cut", "half, then silence") and name.endswith(".safetensors") and with_body
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if self.trouble == "short" and with_body and name.endswith(".safetensors"):
            body = body[: start + (len(body) - start) // 2]
        self.send_header("Content-Length", str(len(body) - start))
        self.send_header("ETag", f'"{tag}"')
        self.send_header("X-Repo-Commit", self.commit)
        self.end_headers()
        if not with_body:
            return
        part = body[start : start + max(1, (len(body) - start) // 2)] if broken else body[start:]
        if self.trouble == "other bytes" and name.endswith(".safetensors"):
            part = bytes(len(part))
        self.wfile.write(part)
        self.wfile.flush()
        self.sent[name] = self.sent.get(name, 0) + len(part)
        if self.trouble == "half, then silence":
            self._say_nothing(name)
        if broken:
            self.connection.close()

    def _send(self, body: bytes, *, with_body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", self.commit)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _say_nothing(self, name: str) -> None:
        if not self.ended.wait(LONG):
            self.waited_out.append(name)

    def _fail(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def serving(folder: Path, wrap: Callable[[socket], socket] | None = None) -> Generator[tuple[type[Hub], str]]:
    """A hub whose every repository is `folder`, and its address; `wrap` makes its socket one of TLS."""
    state: dict[str, Any] = {
        "folder": folder,
        "asked": [],
        "sent": {},
        "tokens": set(),
        "trouble": "",
        "passes": [],
        "tag": "",
        "commit": COMMIT,
        "listed": [],
        "ended": threading.Event(),
        "waited_out": [],
    }
    handler = type("ThisHub", (Hub,), state)
    running = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if wrap is not None:
        running.socket = wrap(running.socket)
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield handler, f"http{'s' if wrap else ''}://127.0.0.1:{running.server_port}"
    finally:
        handler.ended.set()
        running.shutdown()
        running.server_close()


def empty_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; huggingface_hub read the environment when it was imported."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    # It would ask the real hub for a list of programs that call themselves agents.
    nobody = {"standardEnvVars": [], "harnesses": {}}
    monkeypatch.setattr("huggingface_hub.utils._detect_agent._registry", nobody, raising=False)
    monkeypatch.setattr(hub_download, "PAUSES", (0.01, 0.01))
    return folder


def connect_to(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HF_ENDPOINT would do; huggingface_hub read it when it was imported."""
    template = f"{endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 1
