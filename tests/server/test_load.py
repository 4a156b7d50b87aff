"""Many clients at once, and many requests one after the other."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import httpx
import psutil
import pytest

from server.conftest import DEPTH, Start

pytestmark = [
    pytest.mark.full,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(sys.platform == "win32", reason="file descriptors"),
]
CLIENTS, QUEUE, REQUESTS = 1000, 8, 2000
BODY: dict[str, Any] = {"prompt": "a red house", "depth_image": DEPTH, "size": "64x48"}


def test_of_a_thousand_clients_exactly_nine_are_accepted(start: Start) -> None:
    server = start(max_queue=QUEUE)
    server.painter.free.clear()

    async def all_of_them() -> list[tuple[int, httpx.Headers]]:
        answered = 0

        async def one(client: httpx.AsyncClient, seed: int) -> tuple[int, httpx.Headers]:
            nonlocal answered
            answer = await client.post("/v1/images/generations", json={**BODY, "seed": seed})
            answered += 1
            if answered == CLIENTS - 1 - QUEUE:
                server.painter.free.set()
            return answer.status_code, answer.headers

        limits = httpx.Limits(max_connections=CLIENTS)
        async with httpx.AsyncClient(base_url=server.url, timeout=120, limits=limits) as client:
            return await asyncio.gather(*(one(client, seed) for seed in range(CLIENTS)))

    answers = asyncio.run(all_of_them())
    refused = [headers for status, headers in answers if status == 429]
    assert sum(status == 200 for status, _ in answers) == 1 + QUEUE
    assert len(refused) == CLIENTS - 1 - QUEUE
    assert all(1 <= int(headers["retry-after"]) <= 120 for headers in refused)
    assert len(list(server.out.glob("*.png"))) == 1 + QUEUE


def test_many_requests_leave_no_memory_and_no_files_open(start: Start) -> None:
    server = start()
    process = psutil.Process()
    measured: list[tuple[int, int]] = []
    for number in range(REQUESTS):
        assert server.post("/v1/images/generations", {**BODY, "seed": number % 7}).status_code == 200
        if number % (REQUESTS // 10) == REQUESTS // 10 - 1:
            measured.append((process.memory_info().rss >> 20, process.num_fds()))
            for path in server.out.glob("*.png"):
                path.unlink()
    memory, files = zip(*measured, strict=True)
    assert memory[-1] - memory[1] < 40, f"MB, each tenth: {memory}"
    assert max(files[1:]) <= files[1] + 4, files
