"""serve --ray: the same pictures and records, and an actor that is killed while it paints."""

from __future__ import annotations

import importlib.util
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep
from typing import Any

import psutil
import pytest

from depthpaint.record.picture_file import read_record
from server.conftest import DEPTH
from server.process import Serving, serving

pytestmark = [
    pytest.mark.full,
    pytest.mark.enable_socket,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray"),
]
BODY: dict[str, Any] = {"depth": DEPTH, "prompt": "a red house", "seed": 7, "num_inference_steps": 8}


def pictures_of(server: Serving, bodies: list[dict[str, Any]]) -> list[bytes]:
    with server.client() as client:
        names = [client.post("/api/v1/jobs", json=body).json()["id"] for body in bodies]
        found: list[bytes] = []
        for name in names:
            while (job := client.get(f"/api/v1/jobs/{name}").json())["state"] in ("queued", "generating"):
                sleep(0.05)
            assert job["state"] == "completed", job
            assert job["step"] in (0, 8)
            found += [client.get(each["url"]).content for each in job["pictures"]]
        return found


def actors_of(server: Serving) -> list[psutil.Process]:
    """The processes that paint, in the order in which they were started."""
    below = psutil.Process(server.process.pid).children(recursive=True)
    return [each for each in below if "PictureActor" in " ".join(each.cmdline())]


def test_pictures_are_those_of_one_process_also_when_an_actor_is_killed(tmp_path: Path) -> None:
    bodies = [{**BODY, "seed": seed, "count": 2} for seed in range(0, 12, 2)]
    with serving(tmp_path / "alone") as server:
        wanted = pictures_of(server, bodies)
    with serving(tmp_path / "ray", "--ray", "local", "--workers", "2") as server:
        assert pictures_of(server, bodies) == wanted
        for path in (tmp_path / "ray").glob("*.png"):
            assert read_record(path).settings.prompt == "a red house"
        with ThreadPoolExecutor(1) as pool:
            again = pool.submit(pictures_of, server, bodies)
            with server.client() as client:
                while "depthpaint_painting 2.0" not in client.get("/metrics").text:
                    sleep(0.01)
            os.kill(actors_of(server)[0].pid, signal.SIGKILL)
            assert again.result(300) == wanted
            assert len(actors_of(server)) == 2
        children = psutil.Process(server.process.pid).children(recursive=True)
        assert server.end() == 0
        _, left = psutil.wait_procs(children, 20)
        assert left == []


def test_a_job_on_ray_is_cancelled_and_the_actor_paints_on(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "out", "--ray", "local", "--workers", "1") as server,
        server.client() as client,
    ):
        long = {**BODY, "num_inference_steps": 150, "count": 20}
        name = client.post("/api/v1/jobs", json=long).json()["id"]
        while client.get(f"/api/v1/jobs/{name}").json()["step"] == 0:
            sleep(0.02)
        client.post(f"/api/v1/jobs/{name}/cancel")
        while (state := client.get(f"/api/v1/jobs/{name}").json()["state"]) == "generating":
            sleep(0.02)
        assert state == "cancelled"
        assert len(pictures_of(server, [BODY])) == 1
