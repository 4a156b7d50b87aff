"""The native interface: jobs, their queue, their end, and what a restart keeps."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from depthpaint.core.errors import DepthpaintError
from depthpaint.record.picture_file import read_record
from depthpaint.record.picture_source import recorded_depth
from server.conftest import DEPTH, Running, Start, depth_bytes

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.filterwarnings("ignore")]
BODY: dict[str, Any] = {
    "depth": DEPTH,
    "prompt": "a red house",
    "seed": 7,
    "size": [64, 48],
    "num_inference_steps": 4,
}


def ended(server: Running, name: str) -> dict[str, Any]:
    server.until(
        lambda: server.get(f"/api/v1/jobs/{name}").json()["state"] in ("completed", "failed", "cancelled")
    )
    return server.get(f"/api/v1/jobs/{name}").json()


def test_a_job_becomes_pictures_with_records_that_find_their_depth(server: Running) -> None:
    answer = server.post("/api/v1/jobs", {**BODY, "count": 2})
    assert answer.status_code == 202
    job = answer.json()
    assert job["seeds"] == [7, 8]
    assert job["depth"]["near"] == "white"
    done = ended(server, job["id"])
    assert [each["seed"] for each in done["pictures"]] == [7, 8]
    for each in done["pictures"]:
        data = server.get(each["url"]).content
        path = server.out / each["file"]
        assert path.read_bytes() == data
        record = read_record(path)
        assert recorded_depth(record, path).read_bytes() == depth_bytes()
        assert record.settings.seed == each["seed"]
    assert server.get(f"/api/v1/jobs/{job['id']}/pictures/2").status_code == 404


def test_a_picture_is_given_in_every_format_with_its_record(server: Running, tmp_path: Path) -> None:
    job = ended(server, server.post("/api/v1/jobs", BODY).json()["id"])
    (picture,) = job["pictures"]
    png = read_record(server.out / picture["file"])
    url = picture["url"]
    for query, kind, quality in (
        ("?format=webp", "webp", None), ("?format=jpeg", "jpeg", 95), ("?format=webp&quality=60", "webp", 60),
    ):  # fmt: skip
        answer = server.get(f"{url}{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"image/{kind}")
        (tmp_path / "p").write_bytes(answer.content)
        record = read_record(tmp_path / "p")
        assert record.model_copy(update={"compression": None}) == png
        assert record.compression is not None
        assert (record.compression.format, record.compression.quality) == (kind, quality)
        sent = {"picture": base64.b64encode(answer.content).decode()}
        assert server.post("/api/v1/verify", sent).status_code == 200
    for query in ("?format=gif", "?quality=50", "?format=jpeg&quality=0", "?format=jpeg&quality=x"):
        assert server.get(f"{url}{query}").status_code == 422
    assert [path.suffix for path in server.out.iterdir() if path.name == picture["file"]] == [".png"]


def test_equal_requests_give_equal_bytes(shared: Running) -> None:
    names = [shared.post("/api/v1/jobs", BODY).json()["id"] for _ in range(2)]
    first, second = (shared.get(ended(shared, name)["pictures"][0]["url"]).content for name in names)
    assert first == second


def test_events_tell_each_step_and_end(server: Running) -> None:
    server.painter.free.clear()
    name = server.post("/api/v1/jobs", BODY).json()["id"]
    kinds: list[str] = []
    previews = 0
    with server.client.stream("GET", f"/api/v1/jobs/{name}/events?previews=true") as events:
        for line in events.iter_lines():
            server.painter.free.set()
            if line.startswith("event: "):
                kinds.append(line.removeprefix("event: "))
            if line.startswith("data: "):
                previews += "preview" in json.loads(line.removeprefix("data: "))
    assert kinds[0] == kinds[-1] == "state"
    assert kinds.count("step") == 4
    assert kinds.count("picture") == 1
    assert previews > 0
    with server.client.stream("GET", f"/api/v1/jobs/{name}/events") as events:
        assert [line for line in events.iter_lines() if line.startswith("event")] == ["event: state"]


def test_one_paints_n_wait_and_all_others_are_told_to_come_again(start: Start) -> None:
    server = start(max_queue=3)
    server.painter.free.clear()
    first = server.post("/api/v1/jobs", BODY)
    server.until(lambda: server.painter.steps > 0)
    with ThreadPoolExecutor(20) as pool:
        bodies: list[dict[str, Any]] = [{**BODY, "seed": seed} for seed in range(20)]
        answers = list(pool.map(partial(server.post, "/api/v1/jobs"), bodies))
    accepted = [each for each in answers if each.status_code == 202]
    refused = [each for each in answers if each.status_code == 429]
    assert (len(accepted), len(refused)) == (3, 17)
    for each in refused:
        assert 1 <= int(each.headers["retry-after"]) <= 120
        assert each.json()["code"] == "queue_full"
    assert sorted(each.json()["queue_position"] for each in accepted) == [1, 2, 3]
    server.painter.free.set()
    for each in (first, *accepted):
        assert ended(server, each.json()["id"])["state"] == "completed"
    assert "depthpaint_refused_total 17.0" in server.get("/metrics").text


def test_a_request_that_is_refused_takes_no_place(start: Start) -> None:
    server = start(max_queue=0)
    for _ in range(3):
        assert server.post("/api/v1/jobs", {**BODY, "depth": "AAAA"}).status_code == 422
    assert ended(server, server.post("/api/v1/jobs", BODY).json()["id"])["state"] == "completed"


def test_a_waiting_job_is_cancelled_at_once_and_a_painted_one_within_two_steps(start: Start) -> None:
    server = start(max_queue=3)
    server.painter.free.clear()
    long = {**BODY, "num_inference_steps": 50}
    painted, waiting = (server.post("/api/v1/jobs", long).json()["id"] for _ in range(2))
    server.until(lambda: server.painter.steps > 0)
    assert server.post(f"/api/v1/jobs/{waiting}/cancel").json()["state"] == "cancelled"
    before = server.painter.steps
    server.post(f"/api/v1/jobs/{painted}/cancel")
    server.painter.free.set()
    done = ended(server, painted)
    assert (done["state"], done["error"]["code"]) == ("cancelled", "cancelled")
    assert server.painter.steps - before <= 2
    assert server.post(f"/api/v1/jobs/{painted}/cancel").json()["state"] == "cancelled", "it stays"
    assert not list(server.out.glob("*.png"))


def test_the_same_key_and_request_give_the_same_job(start: Start) -> None:
    server = start()
    head = {"idempotency-key": "one"}
    first = server.post("/api/v1/jobs", BODY, headers=head).json()["id"]
    assert server.post("/api/v1/jobs", BODY, headers=head).json()["id"] == first
    other = server.post("/api/v1/jobs", {**BODY, "seed": 8}, headers=head)
    assert (other.status_code, "Idempotency-Key" in other.text) == (422, True)
    assert server.post("/api/v1/jobs", BODY, headers={"idempotency-key": "two"}).json()["id"] != first
    with ThreadPoolExecutor(4) as pool:
        three = [
            pool.submit(server.post, "/api/v1/jobs", BODY, headers={"idempotency-key": "3"}) for _ in range(4)
        ]
    assert len({each.result().json()["id"] for each in three}) == 1
    ended(server, first)
    server.stop()
    again = start(out=server.out)
    assert again.post("/api/v1/jobs", BODY, headers=head).json()["id"] == first


def test_a_restart_keeps_what_is_finished_and_paints_what_waited(start: Start) -> None:
    server = start(max_queue=5)
    done = server.post("/api/v1/jobs", BODY).json()["id"]
    url = ended(server, done)["pictures"][0]["url"]
    picture = server.get(url).content
    server.painter.free.clear()
    waiting = [server.post("/api/v1/jobs", {**BODY, "seed": seed}).json()["id"] for seed in range(3)]
    # The process is killed: its file of jobs is as it is now.
    copy = server.out.parent / "copy"
    copy.mkdir()
    for path in [*server.out.glob("*.*"), *server.out.glob("depths/*")]:
        place = copy / path.relative_to(server.out)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(path.read_bytes())
    again = start(out=copy, max_queue=5)
    assert again.get(url).content == picture
    for name in waiting:
        assert ended(again, name)["state"] == "completed"
    assert len(list(copy.glob("*.png"))) == 4


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"depth": None}, 422, "depth_missing"),
        ({"depth": "/etc/passwd"}, 422, "invalid_parameter"),
        ({"depth": "https://127.0.0.1:1/x.png"}, 422, "invalid_parameter"),
        ({"depth": "data:image/png;base64,https://127.0.0.1/"}, 422, "invalid_parameter"),
        ({"depth": base64.b64encode(b"GIF89a" + bytes(100)).decode()}, 422, "depth_unsupported_format"),
        ({"prompt": " "}, 422, "invalid_parameter"),
        ({"seed": "7"}, 422, "invalid_parameter"),
        ({"seed": True}, 422, "invalid_parameter"),
        ({"seed": -1}, 422, "invalid_parameter"),
        ({"seed": 2**32}, 422, "invalid_parameter"),
        ({"size": [5000, 8]}, 422, "invalid_parameter"),
        ({"size": [0, 8]}, 422, "invalid_parameter"),
        ({"num_inference_steps": 500}, 422, "invalid_parameter"),
        ({"count": 101}, 422, "invalid_parameter"),
        ({"model": "../secret"}, 404, "model_not_found"),
        ({"model": "owner/name"}, 404, "model_not_found"),
        ({"vae": "/etc"}, 422, "invalid_parameter"),
        ({"lora": [{"file": "../x"}]}, 422, "invalid_parameter"),
        ({"prompt": "a <lora:../../x:1> house"}, 422, "invalid_parameter"),
        ({"from_photo": "diorama-depth"}, 422, "invalid_parameter"),
        ({"max_pixels": 5}, 422, "invalid_parameter"),
        ({"unknown": 5}, 422, "invalid_parameter"),
    ],
)
def test_a_bad_value_is_refused_and_named(
    shared: Running, change: dict[str, object], status: int, code: str
) -> None:
    before = set(shared.out.glob("*.png"))
    body = {key: value for key, value in {**BODY, **change}.items() if value is not None}
    answer = shared.post("/api/v1/jobs", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert set(shared.out.glob("*.png")) == before


def test_an_existing_path_and_an_absent_one_are_answered_alike(shared: Running) -> None:
    answers = [
        shared.post("/api/v1/jobs", {**BODY, "depth": path}).json()
        for path in ("/etc/passwd", "/etc/nothing")
    ]
    assert answers[0] == answers[1]


def test_what_is_no_job_is_not_found(shared: Running) -> None:
    for name in ("0" * 32, "f" * 32):
        for path in (
            f"/api/v1/jobs/{name}",
            f"/api/v1/jobs/{name}/events",
            f"/api/v1/jobs/{name}/pictures/0",
        ):
            assert shared.get(path).status_code == 404
    assert shared.get("/api/v1/jobs/..%2f..%2fx").status_code in (404, 422)


def test_inspect_plan_and_verify(shared: Running) -> None:
    found = shared.post("/api/v1/inspect", {"depth": DEPTH}).json()
    assert (found["near"], found["width"], found["height"]) == ("white", 64, 48)
    assert base64.b64decode(found["preview"]).startswith(b"\x89PNG")
    assert shared.post("/api/v1/inspect", {"depth": DEPTH, "near": "black"}).json()["near"] == "black"
    plan = shared.post("/api/v1/plan", BODY).json()
    assert plan["settings"]["num_inference_steps"] == 4
    picture = shared.get(
        ended(shared, shared.post("/api/v1/jobs", BODY).json()["id"])["pictures"][0]["url"]
    ).content
    text = base64.b64encode(picture).decode()
    alone = shared.post("/api/v1/verify", {"picture": text}).json()
    beside = shared.post("/api/v1/verify", {"picture": text, "depth": DEPTH}).json()
    assert alone["depth_agreement"] == beside["depth_agreement"]
    assert shared.post("/api/v1/verify", {"picture": DEPTH}).status_code == 422


def test_a_draining_server_takes_nothing_and_finishes_what_it_paints(start: Start) -> None:
    import asyncio

    server = start()
    server.painter.free.clear()
    painted, waiting = (server.post("/api/v1/jobs", BODY).json()["id"] for _ in range(2))
    server.until(lambda: server.painter.steps > 0)
    with ThreadPoolExecutor(1) as pool:
        drained = pool.submit(
            lambda: asyncio.run_coroutine_threadsafe(server.queue.drain(), server.loop()).result(60)
        )
        server.until(lambda: server.get("/readyz").status_code == 503)
        assert server.get("/healthz").status_code == 200
        refused = server.post("/api/v1/jobs", BODY)
        assert (refused.status_code, refused.json()["code"]) == (503, "draining")
        assert "retry-after" in refused.headers
        server.painter.free.set()
        drained.result(60)
    assert ended(server, painted)["state"] == "completed"
    assert server.get(f"/api/v1/jobs/{waiting}").json()["state"] == "queued", "it is painted after a restart"
    server.stop()
    again = start(out=server.out)
    assert ended(again, waiting)["state"] == "completed"


def test_an_unexpected_error_is_one_jobs_alone(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(server.painter, "predict", fails)
    done = ended(server, server.post("/api/v1/jobs", BODY).json()["id"])
    assert (done["state"], done["error"]["code"]) == ("failed", "internal")
    assert "secret" not in json.dumps(done)
    monkeypatch.undo()
    assert ended(server, server.post("/api/v1/jobs", BODY).json()["id"])["state"] == "completed"


def test_a_full_disk_fails_the_job(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    from depthpaint.core.errors import ErrorCode

    def full(*_: object, **__: object) -> None:
        raise DepthpaintError("the disk is full", code=ErrorCode.DISK_FULL)

    monkeypatch.setattr("depthpaint.server.scheduler.write_atomic", full)
    done = ended(server, server.post("/api/v1/jobs", BODY).json()["id"])
    assert done["error"]["code"] == "disk_full"
