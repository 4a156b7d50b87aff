"""Who is served at all: host, origin, key, size and type of a request, in this order."""

from __future__ import annotations

import base64
import socket
from pathlib import Path

import pytest

from depthpaint.server.options import ServerOptions
from depthpaint.server.run import listening
from server.conftest import DEPTH, Running, Start

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.filterwarnings("ignore")]
PATHS = ("/healthz", "/v1/models", "/sdapi/v1/options", "/api/v1/models", "/nothing")


def test_every_answer_has_a_number_and_no_sniffing(shared: Running) -> None:
    numbers: set[str] = set()
    for path in PATHS:
        answer = shared.get(path)
        numbers.add(answer.headers["x-request-id"])
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers
    assert len(numbers) == len(PATHS)
    assert min(map(len, numbers)) >= 8


@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_host_is_refused_first(start: Start, path: str) -> None:
    server = start(api_key="secret", allow_hosts=("pictures.example",))
    for host in ("evil.example", "127.0.0.1.evil.example", "user@localhost", ""):
        answer = server.get(path, headers={"host": host})
        assert answer.status_code == 403
        assert "host_not_allowed" in answer.text
    for host in ("localhost:1", "LOCALHOST", "[::1]:80", "pictures.example"):
        assert server.get(path, headers={"host": host}).status_code != 403


def test_a_page_of_another_site_may_not_post(start: Start) -> None:
    server = start(allow_origins=("https://friend.example",))
    own = server.url
    for headers in (
        {"origin": "https://evil.example"}, {"origin": "null"}, {"origin": own.replace("http", "ftp")},
        {"origin": "http://127.0.0.1:1"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
    ):  # fmt: skip
        for path in ("/sdapi/v1/interrupt", "/v1/images/generations", "/api/v1/jobs"):
            answer = server.post(path, {}, headers=headers)
            assert (answer.status_code, "origin_not_allowed" in answer.text) == (403, True), headers
        assert server.get("/sdapi/v1/options", headers=headers).status_code == 200
        assert server.get("/mcp", headers=headers).status_code == 403
    for headers in ({"origin": own}, {"sec-fetch-mode": "cors"}, {"sec-fetch-site": "same-origin"}, {}):
        assert server.post("/sdapi/v1/interrupt", {}, headers=headers).status_code == 200
    friendly = server.post("/sdapi/v1/interrupt", {}, headers={"origin": "https://friend.example"})
    assert friendly.status_code == 200
    assert friendly.headers["access-control-allow-origin"] == "https://friend.example"


def test_with_a_key_nothing_but_health_is_served_without(start: Start) -> None:
    server = start(api_key="secret")
    for path in ("/healthz", "/readyz"):
        assert server.get(path).status_code == 200
    for path in ("/", "/openapi.json", "/nothing", "/v1/models", "/sdapi/v1/options", "/metrics", "/mcp"):
        answer = server.get(path)
        assert answer.status_code == 401
        basic = not path.startswith(("/v1", "/mcp"))
        assert answer.headers["www-authenticate"].startswith("Basic" if basic else "Bearer")
        assert server.client.options(path).status_code == 401
    for value in ("Bearer wrong", "Bearer", "Basic secret", "secret", f"Basic {_basic('a:wrong')}", ""):
        assert server.get("/v1/models", headers={"authorization": value}).status_code == 401
    assert server.get("/v1/models?api_key=secret").status_code == 401
    for value in ("Bearer secret", "bearer secret", f"Basic {_basic('anyone:secret')}"):
        assert server.get("/v1/models", headers={"authorization": value}).status_code == 200


def test_an_empty_authorization_is_served_without_a_key(shared: Running) -> None:
    assert shared.get("/v1/models", headers={"authorization": ""}).status_code == 200


def _basic(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_what_is_too_large_is_refused_by_its_head_or_when_it_passes(start: Start) -> None:
    server = start(max_body=10_000)
    large = b'{"prompt": "' + b"x" * 20_000 + b'"}'
    head = {"content-type": "application/json"}
    assert server.client.post("/api/v1/jobs", content=large, headers=head).status_code == 413
    chunked = server.client.post("/api/v1/jobs", content=iter([large[:9000], large[9000:]]), headers=head)
    assert chunked.status_code == 413
    assert chunked.json()["code"] == "body_too_large"
    openai = server.client.post("/v1/images/generations", content=large, headers=head)
    assert openai.json()["error"]["code"] == "body_too_large"


def test_only_json_is_taken_and_forms_where_they_belong(shared: Running) -> None:
    for path, kind, status in (
        ("/api/v1/jobs", "text/plain", 415),
        ("/api/v1/jobs", "application/x-www-form-urlencoded", 415),
        ("/api/v1/jobs", "multipart/form-data; boundary=x", 415),
        ("/v1/images/edits", "application/json", 415),
        ("/api/v1/jobs", "application/json; charset=utf-8", 422),
    ):
        answer = shared.client.post(path, content=b"{}", headers={"content-type": kind})
        assert answer.status_code == status, (path, kind, answer.text)
    for path in ("interrupt", "skip", "refresh-checkpoints"):
        assert shared.client.post(f"/sdapi/v1/{path}").status_code == 200
        typed = shared.client.post(f"/sdapi/v1/{path}", headers={"content-type": "application/json"})
        assert typed.json() in (
            {}, None,
        )  # fmt: skip


def test_answers_are_sent_at_once() -> None:
    """asyncio sets TCP_NODELAY only on connections of a port whose protocol is named."""
    port = listening(ServerOptions(out=Path(), port=0))
    assert port.proto == socket.IPPROTO_TCP
    port.close()


def test_a_request_that_never_ends_is_closed(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("depthpaint.server.gate.BODY_SECONDS", 0.3)
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as half:
        half.sendall(
            b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        half.settimeout(10)
        assert b" 408 " in half.recv(4096)


def test_a_head_that_never_ends_is_closed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("depthpaint.server.run.HEAD_SECONDS", 0.5)
    server = start()
    host, port = server.url.removeprefix("http://").split(":")
    whole = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for sent in (b"", b"GET /healthz HTTP/1.1\r\nHost: loc", whole + b"GET /healthz HTTP/1.1\r\nHo"):
        with socket.create_connection((host, int(port)), 10) as half:
            half.sendall(sent)
            half.settimeout(10)
            received = b""
            while more := half.recv(4096):
                received += more
            assert (b" 200 OK" in received) == sent.startswith(whole)


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/v1/nothing", {"error"}),
        ("/sdapi/v1/nothing", {"error", "detail", "body", "errors"}),
        ("/nothing", {"type", "title", "status", "detail", "code"}),
    ],
)
def test_each_family_has_its_own_errors(shared: Running, path: str, keys: set[str]) -> None:
    answer = shared.get(path)
    assert answer.status_code == 404
    assert set(answer.json()) == keys


def test_a_wrong_method_names_all_right_ones(shared: Running) -> None:
    assert shared.client.put("/sdapi/v1/options").headers["allow"] == "GET, POST"
    assert shared.client.delete("/api/v1/jobs").headers["allow"] == "POST"
    assert shared.client.delete("/sdapi/v1/txt2img").json()["error"] == "method_not_allowed"


def test_no_path_and_no_key_in_an_answer(start: Start) -> None:
    server = start(api_key="secret")
    head = {"authorization": "Bearer secret"}
    for body in ({"depth": DEPTH, "prompt": "a", "model": "/etc/passwd"}, {"depth": "AAAA", "prompt": "a"}):
        text = server.post("/api/v1/jobs", body, headers=head).text
        assert str(server.out) not in text
        assert "secret" not in text
        assert "Traceback" not in text
