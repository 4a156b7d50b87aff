"""Clients that misbehave, machines that fail: numbers 99 to 127 of docs/explanation/reliability.md."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import socket
import sqlite3
import struct
import sys
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from io import BytesIO
from time import sleep
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.routing import APIRoute
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.server import run
from depthpaint.server.app import make_app
from depthpaint.server.gate import PAINTING
from depthpaint.server.logs import JsonLines, TextLines, log_event
from depthpaint.server.options import ServerOptions
from server.conftest import DEPTH, Running, Start

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.filterwarnings("ignore")]
BODY: dict[str, Any] = {"prompt": "a red house", "depth_image": DEPTH, "size": "64x48", "seed": 3}
GENERATIONS = "/v1/images/generations"


def raw(server: Running, data: bytes, seconds: float = 20.0) -> bytes:
    """What the server answers to these bytes until it closes the connection, or for some seconds."""
    answer = b""
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as connection:
        connection.settimeout(seconds)
        with suppress(OSError):
            connection.sendall(data)
        with suppress(OSError):
            while part := connection.recv(1 << 16):
                answer += part
                if b"Connection: close" not in answer and b"\r\n\r\n" in answer:
                    break
    return answer


def request(path: str, body: bytes, kind: str = "application/json", **headers: str) -> bytes:
    """A request with a body, and with further headers, whose names have _ for -."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {kind}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if "Content_Length" not in headers and "Transfer_Encoding" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def status(answer: bytes) -> int:
    match = re.match(rb"HTTP/1.1 (\d+)", answer)
    assert match is not None, answer[:200]
    return int(match[1])


def test_one_is_painted_one_waits_and_ten_are_refused(start: Start) -> None:
    server = start(max_queue=1)
    server.painter.free.clear()
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(server.post, GENERATIONS, {**BODY, "seed": seed}) for seed in range(12)]
        server.until(lambda: sum(each.done() for each in asked) == 10)
        server.painter.free.set()
        answers = [each.result() for each in asked]
    assert sorted(each.status_code for each in answers) == [200, 200] + [429] * 10


def test_a_client_that_goes_away_while_it_waits_frees_its_place(start: Start) -> None:
    server = start(max_queue=1)
    server.painter.free.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(server.post, GENERATIONS, BODY)
        server.until(lambda: len(server.queue.running) == 1)
        with suppress(httpx.TimeoutException):
            httpx.post(f"{server.url}{GENERATIONS}", json=BODY, timeout=0.5)
        server.until(lambda: server.queue.length == 0)
        server.painter.free.set()
        assert first.result().status_code == 200


def test_a_client_that_goes_away_while_its_picture_is_sent_is_no_error(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.sendall(request(GENERATIONS, json.dumps(BODY).encode()))
        assert connection.recv(20).startswith(b"HTTP/1.1 200")
    assert server.post(GENERATIONS, BODY).status_code == 200
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


@pytest.mark.full
def test_many_slow_clients_do_not_hinder_others(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "HEAD_SECONDS", 3)
    server = start()
    port = int(server.url.rpartition(":")[2])
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(250)]
    begun = b"POST /v1/images/generations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    for connection in slow:
        connection.sendall(begun)
    assert server.post(GENERATIONS, BODY).status_code == 200
    for connection in slow:
        connection.settimeout(20)
        with suppress(ConnectionError):
            assert connection.recv(10) == b"", "it is closed"
        connection.close()


@pytest.mark.full
def test_a_client_that_does_not_read_is_closed(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "UNREAD_SECONDS", 0.5)
    big = {"prompt": "a", "width": 2048, "height": 2048, "seed": 1}
    length = len(server.post("/sdapi/v1/txt2img", big).content)
    count = 2 + (8 << 20) // length  # more than the buffers of the system hold
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.connect(("127.0.0.1", int(server.url.rpartition(":")[2])))
        connection.settimeout(30)
        connection.sendall(request("/sdapi/v1/txt2img", json.dumps(big).encode()) * count)
        assert connection.recv(15).startswith(b"HTTP/1.1 200")
        server.until(lambda: not server.queue.running)
        sleep(3)
        received = 0
        with suppress(ConnectionError):
            while part := connection.recv(1 << 20):
                received += len(part)
    assert received < count * length


def test_bodies_whose_length_is_not_what_they_say(start: Start) -> None:
    server = start(max_body=100_000)
    body = json.dumps(BODY).encode()
    assert status(raw(server, request(GENERATIONS, b"", Content_Length="200000"))) == 413, "unread"
    assert status(raw(server, request(GENERATIONS, b"", Content_Length="9" * 30))) in (400, 413)
    assert status(raw(server, request(GENERATIONS, b"", Content_Length="-5"))) == 400
    assert status(raw(server, request(GENERATIONS, body, Content_Length=str(len(body) - 9)))) == 400
    chunk = b"%x\r\n%s\r\n" % (50_000, bytes(50_000))
    chunked = request(GENERATIONS, chunk * 3 + b"0\r\n\r\n", Transfer_Encoding="chunked")
    assert status(raw(server, chunked)) == 413
    expecting = request(GENERATIONS, b"", Content_Length="200000", Expect="100-continue")
    assert status(raw(server, expecting)) == 413, "the client is not told to send it"
    assert server.post(GENERATIONS, BODY).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"-" * 1_000_000,
        b"--x\r\n" * 100_000,
        b"--x\r\n" + b"A: b\r\n" * 10_000 + b"\r\n\r\n--x--\r\n",
        b"".join(b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % k for k in range(10_000))
        + b"--x--\r\n",
        b"preamble " * 100_000 + b"\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nno end',
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="../../x"\r\n\r\nno\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="' + b"n" * 500_000 + b'"\r\n\r\n1\r\n--x--\r\n',
    ],
    ids=["dashes", "boundaries", "headers", "parts", "preamble", "no end", "path", "long name"],
)
def test_forms_that_are_made_to_do_harm(shared: Running, body: bytes) -> None:
    kind = "multipart/form-data; boundary=x"
    assert 400 <= status(raw(shared, request("/v1/images/edits", body, kind))) < 500
    assert not list(shared.out.parent.rglob("x"))


def test_ten_thousand_ranges_are_not_sent(server: Running) -> None:
    job = server.post(
        "/api/v1/jobs", {"depth": DEPTH, "prompt": "a", "size": [64, 48], "num_inference_steps": 1}
    ).json()
    url = f"/api/v1/jobs/{job['id']}/pictures/0"
    server.until(lambda: server.get(url).status_code == 200)
    whole = server.get(url).content
    for ranges in ("0-," * 10_000, "0-9,20-29," * 500, "5-" * 1000):
        answer = server.get(url, headers={"Range": f"bytes={ranges}"})
        assert answer.status_code in (200, 206, 400, 416, 431)
        assert len(answer.content) < 2 * len(whole) + 200_000
    assert server.get(url, headers={"Range": "bytes=0-9"}).content == whole[:10]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "out_of_memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "out_of_memory"),
        (RuntimeError("the thread died"), "internal"),
    ],
)
def test_after_a_failure_in_the_model_the_next_request_is_painted(
    server: Running, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(server.painter, "predict", fails)
    answer = server.post(GENERATIONS, BODY)
    assert answer.json()["error"]["code"] == code
    assert answer.headers["x-should-retry"] == "false"
    monkeypatch.undo()
    assert server.post(GENERATIONS, BODY).status_code == 200


def test_a_model_that_gives_nan_is_an_error_and_no_black_picture(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = server.painter.decode
    monkeypatch.setattr(server.painter, "decode", lambda latents: decode(latents) * np.float32(np.nan))  # pyright: ignore
    answer = server.post(GENERATIONS, BODY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_incompatible")
    assert not list(server.out.glob("*.png"))


def test_a_picture_that_makes_no_progress_fails_and_the_process_asks_to_be_restarted(start: Start) -> None:
    server = start(stall=0.3, parallel=1)
    assert server.post(GENERATIONS, BODY).status_code == 200
    assert server.get("/healthz").status_code == 200
    server.painter.free.clear()
    waiting: dict[str, Any] = {"depth": DEPTH, "prompt": "a", "size": [64, 48]}
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(server.post, GENERATIONS, BODY)
        server.until(lambda: len(server.queue.running) == 1)
        name = server.post("/api/v1/jobs", waiting).json()["id"]
        answer = hanging.result()
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")
    assert server.get("/healthz").status_code == 504
    assert server.get("/readyz").status_code == 503
    assert server.get(f"/api/v1/jobs/{name}").json()["state"] == "queued", "it is painted after a restart"
    refused = server.post(GENERATIONS, BODY)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not_ready")


def test_a_model_that_is_being_loaded_does_not_keep_a_server_from_stopping(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start()
    loaded = threading.Event()
    engine = server.queue._scheduler.engine  # pyright: ignore[reportPrivateUsage]
    weights_of = engine.weights_of

    def slow(choice: Any) -> str:
        assert loaded.wait(60)
        return weights_of(choice)

    monkeypatch.setattr(engine, "weights_of", slow)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.post, GENERATIONS, BODY)
        server.until(lambda: len(server.queue.running) == 1)
        asyncio.run_coroutine_threadsafe(server.queue.drain(), server.loop()).result(10)
        assert asked.result().status_code == 503
    assert server.queue.abandoned
    loaded.set()


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/jobs/../../x", "/api/v1/jobs/%2e%2e/%2e%2e/etc/passwd", "/api/v1/jobs/%252e%252e",
        "/api/v1/jobs/..%5c..%5cx", "/api/v1/jobs/%00", "/v1/images/files/%2e%2e%2fjobs.sqlite3",
        "/v1/images/files//etc/passwd", f"/api/v1/jobs/{'0' * 32}/pictures/%2e%2e%2f0",
    ],
)  # fmt: skip
def test_no_path_leads_out(shared: Running, path: str) -> None:
    lines = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    assert status(raw(shared, lines.encode())) in (404, 405, 422)


@pytest.mark.parametrize("data", [b"<html><script>alert(1)</script></html>", b"<svg onload='alert(1)'/>"])
def test_pages_and_scripts_are_no_depth_maps_and_never_served(shared: Running, data: bytes) -> None:
    text = base64.b64encode(data + b" " * 200).decode()
    for path, body in (
        (GENERATIONS, {**BODY, "depth_image": text}),
        ("/api/v1/jobs", {"depth": text, "prompt": "a"}),
        ("/api/v1/inspect", {"depth": text}),
    ):
        answer = shared.post(path, body)
        assert answer.status_code in (400, 422)
        assert "html" not in answer.headers["content-type"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_every_route_needs_the_key(start: Start) -> None:
    """The routes are those that the application has."""
    server = start(api_key="secret-key")
    app, _ = make_app(server.queue._scheduler.engine, ServerOptions(out=server.out / "other"))  # pyright: ignore[reportPrivateUsage]
    inner: Any = app.__dict__["_app"]
    routes = [(route.path, method) for route in _routes(inner) for method in route.methods or ()]
    assert {path for path, _ in routes} >= set(PAINTING) - {"/sdapi/v1/img2img"}
    for path, method in routes:
        answer = server.client.request(method, re.sub(r"\{\w+\}", "0", path))
        assert (answer.status_code == 401) == (path not in ("/healthz", "/readyz")), path
        assert "secret-key" not in answer.text


def _routes(app: Any) -> list[APIRoute]:
    found: list[APIRoute] = []
    left = list(app.router.routes)
    while left:
        route = left.pop()
        if isinstance(route, APIRoute):
            found.append(route)
        else:
            left += list(getattr(getattr(route, "original_router", route), "routes", None) or [])
    return found


def test_a_foreign_page_cannot_listen(shared: Running) -> None:
    headers = {"Origin": "https://evil.example", "Accept": "text/event-stream"}
    assert shared.get("/mcp", headers=headers).status_code == 403
    job = shared.post("/api/v1/jobs", {"depth": DEPTH, "prompt": "a", "size": [64, 48]}).json()
    answer = shared.get(f"/api/v1/jobs/{job['id']}/events", headers=headers)
    assert "access-control-allow-origin" not in answer.headers, "a browser does not show it to the page"


def test_jobs_of_others_cannot_be_guessed(shared: Running) -> None:
    body = {"depth": DEPTH, "prompt": "a", "size": [64, 48]}
    names = {shared.post("/api/v1/jobs", body).json()["id"] for _ in range(3)}
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)
    assert len({name[:4] for name in names}) > 1
    assert shared.get(f"/api/v1/jobs/{'0' * 32}").status_code == 404
    assert shared.get("/api/v1/jobs").status_code == 405, "there is no list of them"


def test_a_line_of_the_log_is_one_line_whatever_a_client_sends(
    shared: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "depthpaint.server")
    evil = 'a\r\n{"level": "error"}\x1b[31m'
    shared.post(GENERATIONS, {**BODY, "prompt": evil})
    shared.get("/x%0d%0aINFO%20job%1b[31m")
    log_event("job", id=evil)
    records = [each for each in caplog.records if each.name == "depthpaint.server"]
    assert {each.getMessage() for each in records} >= {"job", "request"}
    for record in records:
        for line in (JsonLines().format(record), TextLines().format(record)):
            assert "\n" not in line
            assert "\r" not in line
            assert "\x1b" not in line
        content = json.loads(JsonLines().format(record))
        assert content["level"] == "info"
        assert "a red house" not in str(content)


def test_an_error_in_the_log_has_its_traceback() -> None:
    try:
        raise ValueError("x")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "x", 1, "job failed", (), sys.exc_info())
    assert "ValueError: x" in json.loads(JsonLines().format(record))["traceback"]
    assert TextLines().format(record).splitlines()[0].endswith("ERROR job failed")


@pytest.mark.parametrize(
    "text",
    [
        "a\nSteps: __import__('os').system('x'), Size: 1x1, Seed: 1",
        "a\nSteps: 20, Size: 99999999999999x9, Seed: -1e999",
        "a" + "\nSteps: " * 100_000,
        "(" * 300_000 + "\nNegative prompt: " + ")" * 300_000,
        'a\nSteps: 1, X: "' + "\\" * 500_000,
        ", ".join(f"K{k}: {k}" for k in range(50_000)),
    ],
    ids=["code", "numbers", "lines", "brackets", "quotes", "keys"],
)
def test_an_infotext_made_to_do_harm_is_read_as_text(shared: Running, text: str) -> None:
    info = PngInfo()
    info.add_text("parameters", text)
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=info)
    answer = shared.post("/sdapi/v1/png-info", {"image": base64.b64encode(buffer.getvalue()).decode()})
    assert answer.status_code in (200, 422)


def test_a_request_whose_depth_is_read_when_the_server_stops_is_refused(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start()
    begun, read = threading.Event(), threading.Event()
    engine = server.queue._scheduler.engine  # pyright: ignore[reportPrivateUsage]
    prepare = engine.prepare

    def slow(*arguments: Any, **named: Any) -> Any:
        begun.set()
        assert read.wait(60)
        return prepare(*arguments, **named)

    monkeypatch.setattr(engine, "prepare", slow)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.post, GENERATIONS, BODY)
        assert begun.wait(30)
        asyncio.run_coroutine_threadsafe(server.queue.drain(), server.loop()).result(10)
        read.set()
        assert asked.result(30).status_code == 503


def test_a_model_that_is_gone_after_a_restart_fails_its_own_jobs_only(start: Start) -> None:
    server = start(max_queue=9)
    server.painter.free.clear()
    body: dict[str, Any] = {"depth": DEPTH, "prompt": "a", "size": [64, 48]}
    names = [server.post("/api/v1/jobs", {**body, "seed": seed}).json()["id"] for seed in range(5)]
    asyncio.run_coroutine_threadsafe(_stopped(server), server.loop()).result(10)
    with sqlite3.connect(server.out / "jobs.sqlite3") as file:
        (request,) = file.execute("SELECT request FROM jobs WHERE id = ?", (names[3],)).fetchone()
        changed = json.dumps({**json.loads(request), "model": "gone-model"})
        file.execute("UPDATE jobs SET request = ?, state = 'queued' WHERE id = ?", (changed, names[3]))
    server.stop()
    again = start(out=server.out, max_queue=9)

    def states() -> list[str]:
        return [again.get(f"/api/v1/jobs/{name}").json()["state"] for name in names[1:]]

    again.until(lambda: not {"queued", "generating"} & set(states()))
    assert states()[2] == "failed"
    assert set(states()[:2] + states()[3:]) <= {"completed", "cancelled"}
    assert again.get(f"/api/v1/jobs/{names[3]}").json()["error"]["code"] == "model_not_found"


async def _stopped(server: Running) -> None:
    for job in server.queue.running:
        job.stop.set()
    server.queue._waiting.clear()  # pyright: ignore[reportPrivateUsage]


def test_a_file_of_jobs_that_cannot_be_written_delays_but_loses_nothing(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = server.queue._store  # pyright: ignore[reportPrivateUsage]
    update, broken = store.update, threading.Event()
    broken.set()

    def fails(*arguments: Any) -> None:
        if broken.is_set():
            raise OutputError("the file of jobs cannot be written", code=ErrorCode.OUTPUT_NOT_WRITABLE)
        update(*arguments)

    monkeypatch.setattr(store, "update", fails)
    body: dict[str, Any] = {"depth": DEPTH, "prompt": "a", "size": [64, 48]}
    first, second = (server.post("/api/v1/jobs", {**body, "seed": seed}).json()["id"] for seed in (1, 2))
    for name in (first, second):
        server.until(lambda name=name: server.get(f"/api/v1/jobs/{name}").json()["state"] == "completed")
    assert store.unfinished() != []
    broken.clear()
    third = server.post("/api/v1/jobs", {**body, "seed": 3}).json()["id"]
    server.until(lambda: server.get(f"/api/v1/jobs/{third}").json()["state"] == "completed")
    server.until(lambda: store.unfinished() == [])
    found = store.get(first)
    assert found is not None
    assert len(found.pictures) == 1


def test_another_program_that_keeps_the_file_of_jobs_is_told(server: Running) -> None:
    body: dict[str, Any] = {"depth": DEPTH, "prompt": "a", "size": [64, 48]}
    with closing(sqlite3.connect(server.out / "jobs.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = server.post("/api/v1/jobs", body)
        assert (answer.status_code, answer.json()["code"]) == (500, "output_not_writable")
        other.execute("ROLLBACK")
    assert server.post("/api/v1/jobs", body).status_code == 202


@pytest.mark.parametrize("field", ['"eta": NaN', '"styles": ["\\ud800"]', '"s_tmax": 1e999'])
def test_numbers_and_texts_that_are_none_are_refused_in_ignored_fields_too(
    shared: Running, field: str
) -> None:
    before = shared.painter.steps
    body = f'{{"prompt": "a", "width": 64, "height": 64, {field}}}'.encode()
    assert status(raw(shared, request("/sdapi/v1/txt2img", body))) == 422
    assert shared.painter.steps == before


def test_a_damaged_file_is_named_by_no_path(shared: Running) -> None:
    cut = base64.b64encode(base64.b64decode(DEPTH)[:-30]).decode()
    unit = {"alwayson_scripts": {"controlnet": {"args": [{"image": cut}]}}}
    colour = struct.pack(">I4s1sI", 1, b"tRNS", b"\0", zlib.crc32(b"tRNS\0"))
    plain = BytesIO()
    Image.new("RGB", (64, 64), (200, 30, 30)).save(plain, "PNG")
    data = plain.getvalue()
    spoiled = base64.b64encode(data[:33] + colour + data[33:]).decode()
    for path, body in (
        ("/sdapi/v1/txt2img", {"prompt": "a", **unit}),
        (GENERATIONS, {**BODY, "depth_image": cut}),
        ("/api/v1/jobs", {"prompt": "a", "depth": cut}),
        ("/sdapi/v1/img2img", {"prompt": "a", "init_images": [spoiled]}),
    ):
        answer = shared.post(path, body)
        assert answer.status_code in (400, 422), answer.text
        assert str(shared.out) not in answer.text
        assert shared.out.parent.name not in answer.text


def test_a_link_whose_picture_was_removed_is_not_found(server: Running) -> None:
    url = server.post(GENERATIONS, {**BODY, "response_format": "url"}).json()["data"][0]["url"]
    assert server.get(url).status_code == 200
    for path in server.out.glob("*.png"):
        path.unlink()
    assert server.get(url).status_code == 404
