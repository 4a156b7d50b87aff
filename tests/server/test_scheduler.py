"""Which jobs are painted at the same time, and that a picture is the same whatever is painted beside it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest

from depthpaint.engine import Engine
from depthpaint.model_choice import ModelChoice
from depthpaint.models.painter import ModelEntry, Runtime
from depthpaint.models.registry import find_model
from depthpaint.request import Request
from fake_painter import offering
from server.conftest import DEPTH, HeldPainter, Running, Start, depth_bytes

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.filterwarnings("ignore")]
BODY: dict[str, Any] = {"depth": DEPTH, "prompt": "a red house", "size": [64, 48], "num_inference_steps": 4}


def submitted(server: Running, count: int) -> list[str]:
    """The ids of jobs of the seeds 0, 1, ...; the first is being painted, and held."""
    server.painter.free.clear()
    names: list[str] = []
    for seed in range(count):
        answer = server.post("/api/v1/jobs", {**BODY, "seed": seed})
        assert answer.status_code == 202
        names.append(answer.json()["id"])
        server.until(lambda: len(server.queue.running) > 0)
    return names


def states(server: Running, names: list[str]) -> list[str]:
    return [server.get(f"/api/v1/jobs/{name}").json()["state"] for name in names]


def test_one_that_waits_is_painted_afterwards(start: Start) -> None:
    server = start(parallel=2)
    names = submitted(server, 2)
    assert states(server, names) == ["generating", "queued"]
    server.painter.free.set()
    server.until(lambda: states(server, names) == ["completed", "completed"])


def test_of_several_that_wait_as_many_are_painted_side_by_side_as_are_allowed(start: Start) -> None:
    server = start(parallel=3)
    names = submitted(server, 7)
    server.until(lambda: len(server.queue.running) == 3)
    server.until(lambda: server.painter.steps == 3)  # each in a thread of its own
    assert states(server, names) == ["generating"] * 3 + ["queued"] * 4
    assert server.get(f"/api/v1/jobs/{names[3]}").json()["queue_position"] == 3
    assert "depthpaint_painting 3.0" in server.get("/metrics").text
    server.painter.free.set()
    server.until(lambda: states(server, names) == ["completed"] * 7)


def test_pictures_painted_side_by_side_count_among_those_that_are_accepted(start: Start) -> None:
    server = start(parallel=2, max_queue=3)
    submitted(server, 4)
    assert server.post("/api/v1/jobs", BODY).status_code == 429
    server.painter.free.set()


def test_with_parallel_1_and_with_models_that_compute_one_at_a_time_one_is_painted(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, torch = start(parallel=1), start(parallel=2)

    def never(choice: ModelChoice) -> bool:
        return False

    engine = torch.queue._scheduler.engine  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(engine, "paints_side_by_side", never)
    for server in (alone, torch):
        names = submitted(server, 5)
        assert states(server, names) == ["generating"] + ["queued"] * 4
        server.painter.free.set()


def test_interrupting_from_the_web_ui_ends_all_but_native_jobs(start: Start) -> None:
    server = start(parallel=2)
    native = submitted(server, 1)
    with ThreadPoolExecutor(3) as pool:
        body = {"prompt": "a red house", "width": 64, "height": 64, "steps": 5}
        asked = [pool.submit(server.post, "/sdapi/v1/txt2img", body) for _ in range(3)]
        server.until(lambda: len(server.queue.running) == 2 and server.queue.length == 2)
        server.post("/sdapi/v1/interrupt")
        server.painter.free.set()
        assert sorted(each.result().status_code for each in asked) == [200, 200, 499]
    server.until(lambda: states(server, native) == ["completed"])


def test_a_server_that_stops_finishes_all_that_it_paints(start: Start) -> None:
    import asyncio

    server = start(parallel=2)
    names = submitted(server, 4)
    server.until(lambda: len(server.queue.running) == 2)
    with ThreadPoolExecutor(1) as pool:
        drained = pool.submit(
            lambda: asyncio.run_coroutine_threadsafe(server.queue.drain(), server.loop()).result(60)
        )
        server.until(lambda: server.get("/readyz").status_code == 503)
        server.painter.free.set()
        drained.result(60)
    assert states(server, names) == ["completed", "completed", "queued", "queued"]


def test_the_threads_are_shared_among_those_that_are_painted(tmp_path: Path) -> None:
    from depthpaint.server.options import ServerOptions
    from depthpaint.server.scheduler import Scheduler

    scheduler = Scheduler(Engine(runtime=Runtime(threads=12)), ServerOptions(out=tmp_path))
    threads = [
        scheduler._engine_for(together).runtime.threads  # pyright: ignore[reportPrivateUsage]
        for together in (1, 2, 3, 4, 12, 20)
    ]
    assert threads == [12, 6, 3, 3, 1, 1]


@pytest.mark.full
def test_pictures_are_the_same_side_by_side_with_any_number_of_threads(tmp_path: Path) -> None:
    depth = tmp_path / "depth.png"
    depth.write_bytes(depth_bytes())
    alone, beside = Engine(), Engine(runtime=Runtime(threads=1))
    request = Request(depth=depth, prompt="a red sphere on a table", num_inference_steps=2)
    prepared = [alone.with_seeds(alone.prepare(request), [seed]) for seed in range(6)]
    wanted = [alone.run(each).pictures[0].pixels for each in prepared]
    with ThreadPoolExecutor(4) as pool:
        found = [result.pictures[0].pixels for result in pool.map(beside.run, prepared)]
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_engine_paints_in_turn_what_is_not_painted_side_by_side(tmp_path: Path) -> None:
    depth = tmp_path / "depth.png"
    depth.write_bytes(depth_bytes())
    for side_by_side in (True, False):
        painter = HeldPainter()

        def entry(
            choice: ModelChoice, painter: HeldPainter = painter, beside: bool = side_by_side
        ) -> ModelEntry:
            found = offering(painter)(choice)
            return replace(find_model(choice), load=found.load, side_by_side=beside)

        engine = Engine(find=entry)
        prepared = engine.prepare(Request(depth=depth, prompt="a red house", num_inference_steps=2))
        engine.run(prepared)  # loads
        begun, painter.steps = painter.steps, 0
        painter.free.clear()
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(engine.run, prepared) for _ in range(2)]
            end = monotonic() + 30
            while painter.steps < (2 if side_by_side else 1) and monotonic() < end:
                sleep(0.01)
            sleep(0.1)
            assert painter.steps == (2 if side_by_side else 1)
            painter.free.set()
            for each in both:
                each.result(60)
        assert painter.steps == 2 * begun
