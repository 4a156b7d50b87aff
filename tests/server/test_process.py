"""The server as a process with the built-in model: signals, kills, MCP hosts, other programs."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import Any, cast

import httpx
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from depthpaint.record.picture_file import read_record
from depthpaint.record.picture_source import pixels_of
from server.conftest import DEPTH
from server.process import Serving, serving

pytestmark = [
    pytest.mark.full,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(sys.platform == "win32", reason="signals"),
]
BODY: dict[str, Any] = {"depth": DEPTH, "prompt": "a red house", "seed": 7, "num_inference_steps": 8}
KILLS = int(os.environ.get("DEPTHPAINT_KILLS", "10"))


def wait_for(client: httpx.Client, name: str) -> dict[str, Any]:
    while True:
        job = client.get(f"/api/v1/jobs/{name}").json()
        if job["state"] not in ("queued", "generating"):
            return job
        sleep(0.05)


def test_sigterm_finishes_what_is_painted_and_a_restart_paints_what_waited(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with serving(out) as server, server.client() as client:
        names = [
            client.post("/api/v1/jobs", json={**BODY, "num_inference_steps": 100}).json()["id"]
            for _ in range(3)
        ]
        answers: list[int] = []

        def synchronous() -> None:
            body = {"prompt": "a", "depth_image": DEPTH}
            answers.append(
                httpx.post(f"{server.url}/v1/images/generations", json=body, timeout=60).status_code
            )

        thread = threading.Thread(target=synchronous)
        thread.start()
        sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        sleep(0.2)
        with suppress(httpx.HTTPError):  # if the first picture was done already
            assert client.get("/readyz").status_code == 503
            assert client.post("/api/v1/jobs", json=BODY).status_code == 503
        assert server.process.wait(60) == 0
        thread.join(30)
        assert answers == [503]
    with serving(out) as server, server.client() as client:
        assert [wait_for(client, name)["state"] for name in names] == ["completed"] * 3


def test_an_idle_server_ends_at_once_although_a_client_listens(tmp_path: Path) -> None:
    with serving(tmp_path / "out") as server:

        async def listen() -> int:
            async with (
                streamable_http_client(f"{server.url}/mcp") as streams,
                ClientSession(*streams[:2]) as session,
            ):
                await session.initialize()
                return await asyncio.to_thread(server.end)

        assert asyncio.run(listen()) == 0


def test_a_killed_server_loses_no_job_and_paints_none_twice(tmp_path: Path) -> None:
    out = tmp_path / "out"
    random.seed(1)
    names: list[str] = []
    for round_ in range(KILLS):
        with serving(out, "--max-queue", "9999") as server, server.client() as client:
            end = threading.Timer(random.uniform(0.05, 1.5), server.process.kill)
            end.start()
            with suppress(httpx.HTTPError, json.JSONDecodeError):
                for number in range(6):
                    body = {**BODY, "seed": round_ * 100 + number, "num_inference_steps": 4}
                    answer = client.post("/api/v1/jobs", json=body)
                    names.append(answer.json()["id"])
            end.join()
            server.process.wait(30)
    with serving(out, "--max-queue", "9999") as server, server.client() as client:
        jobs = [wait_for(client, name) for name in names]
        assert {job["state"] for job in jobs} == {"completed"}
        files = [each["file"] for job in jobs for each in job["pictures"]]
        assert len(files) == len(set(files)) == len(names)
        for job in jobs:
            (picture,) = job["pictures"]
            assert pixels_of(out / picture["file"]).shape[2] == 3
            assert read_record(out / picture["file"]).settings.seed == job["seeds"][0]
        # A job that was stored just before the kill has no id that its client knows.
        assert len(files) <= len(list(out.glob("*.png"))) <= len(files) + KILLS


async def tools_work(session: ClientSession) -> None:
    await session.initialize()
    listed = [tool.name for tool in (await session.list_tools()).tools]
    assert listed == [tool.name for tool in (await session.list_tools()).tools]
    assert {
        "generate_image",
        "inspect_depth",
        "verify_picture",
        "list_models",
        "get_job",
        "cancel_job",
    } <= set(listed)
    steps: list[float] = []

    async def progress(step: float, total: float | None, message: str | None) -> None:
        steps.append(step)

    asked = {"prompt": "a red house", "depth_base64": DEPTH, "seed": 7, "steps": 4}
    made: Any = await session.call_tool("generate_image", asked, progress_callback=cast(Any, progress))
    assert not made.is_error
    assert [each.type for each in made.content] == ["image", "text", "resource_link"]
    assert steps == sorted(set(steps))
    facts: Any = made.structured_content
    assert (facts["seed"], facts["model"]) == (7, "diorama")
    link: Any = made.content[2]
    read: Any = await session.read_resource(link.uri)
    assert read.contents[0].blob == made.content[0].data
    later: Any = (await session.call_tool("generate_image", {**asked, "wait": False})).structured_content
    while True:
        job = await session.call_tool("get_job", {"job_id": later["job_id"]})
        state: Any = job.structured_content
        if state["state"] == "completed":
            break
        await asyncio.sleep(0.1)
    verified: Any = await session.call_tool("verify_picture", {"picture_base64": read.contents[0].blob})
    assert "depth_agreement" in verified.content[0].text
    for bad, field in (
        ({}, "prompt"), ({"prompt": "a", "seed": "x"}, "seed"), ({"prompt": "a", "width": 64}, "width"),
        ({"prompt": "a", "depth_path": "/etc/passwd"}, "depth_path"), ({"prompt": "a", "steps": 0}, "steps"),
        ({"prompt": "a", "depth_base64": "https://127.0.0.1/"}, "depth_base64"),
    ):  # fmt: skip
        answer: Any = await session.call_tool("generate_image", bad)
        text: str = answer.content[0].text
        assert answer.is_error
        assert field in text
        assert "Traceback" not in text


def test_mcp_over_http_and_over_standard_input(tmp_path: Path) -> None:
    with serving(tmp_path / "out") as server:

        async def http() -> None:
            async with (
                streamable_http_client(f"{server.url}/mcp") as streams,
                ClientSession(*streams[:2]) as session,
            ):
                await tools_work(session)

        asyncio.run(http())

    async def stdio() -> None:
        how = StdioServerParameters(
            command=sys.executable, args=["-m", "depthpaint", "mcp", "--out", str(tmp_path / "mcp")],
            env=dict(os.environ), cwd=str(tmp_path),
        )  # fmt: skip
        async with stdio_client(how) as streams, ClientSession(*streams[:2]) as session:
            await tools_work(session)
            (tmp_path / "map.png").write_bytes(base64.b64decode(DEPTH))
            named = await session.call_tool("inspect_depth", {"depth_path": "map.png"})
            assert not named.is_error

    asyncio.run(stdio())


def test_a_cancelled_tool_stops_painting(tmp_path: Path) -> None:
    def running(server: Serving) -> bool:
        with server.client() as client:
            return "depthpaint_painting 1.0" in client.get("/metrics").text

    with serving(tmp_path / "out") as server:

        async def leave() -> None:
            async with (
                streamable_http_client(f"{server.url}/mcp") as streams,
                ClientSession(*streams[:2]) as session,
            ):
                await session.initialize()
                asked = {"prompt": "a", "depth_base64": DEPTH, "steps": 150}
                with suppress(TimeoutError):
                    await asyncio.wait_for(session.call_tool("generate_image", asked), 1)
                for _ in range(200):
                    if not running(server):
                        return
                    await asyncio.sleep(0.05)
                raise AssertionError("it still paints")

        asyncio.run(leave())
        assert not list((tmp_path / "out").glob("*.png"))


def test_a_public_address_needs_a_key_and_a_taken_port_is_named(tmp_path: Path) -> None:
    import subprocess

    def run(*options: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "depthpaint", "serve", "--out", str(tmp_path / "x"), *options],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stderr

    status, err = run("--host", "0.0.0.0", "--port", "0")
    assert (status, "API key" in err) == (2, True)
    with serving(tmp_path / "out") as server:
        port = server.url.rpartition(":")[2]
        status, err = run("--port", port)
        assert (status, f":{port}" in err, "Traceback" in err) == (8, True, False)
