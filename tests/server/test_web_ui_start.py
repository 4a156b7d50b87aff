"""img2img of the web UI's interface, and `init` of the native one."""

from __future__ import annotations

import base64
import json
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from depthpaint.record.picture_file import read_record
from server.conftest import DEPTH, Running, Start

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.filterwarnings("ignore")]
UNIT = {"image": DEPTH, "module": "none", "model": "None"}


def encoded(image: Image.Image, kind: str = "PNG") -> str:
    buffer = BytesIO()
    image.save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


NOISY = Image.fromarray(np.random.default_rng(3).integers(0, 256, (48, 64, 3), dtype=np.uint8))
START, RED = encoded(NOISY), encoded(Image.new("RGB", (64, 48), "red"))
BODY: dict[str, Any] = {
    "prompt": "a red house", "seed": 7, "width": 64, "height": 48, "steps": 20, "cfg_scale": 7.0,
    "sampler_name": "Euler a", "init_images": [START], "denoising_strength": 0.5, "resize_mode": 0,
    "mask_blur": 4, "inpainting_fill": 0, "inpaint_full_res": True, "inpainting_mask_invert": 0,
    "initial_noise_multiplier": 1, "image_cfg_scale": 1.5, "mask": None, "include_init_images": False,
    "alwayson_scripts": {"ControlNet": {"args": [UNIT]}},
}  # fmt: skip


def pixels(images: list[str]) -> list[bytes]:
    return [Image.open(BytesIO(base64.b64decode(each))).tobytes() for each in images]


def painted(server: Running, **fields: object) -> dict[str, Any]:
    answer = server.post("/sdapi/v1/img2img", {**BODY, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_answer_is_what_clients_read(shared: Running) -> None:
    answer = shared.post("/sdapi/v1/img2img", {**BODY, "batch_size": 2})
    content = answer.json()
    assert set(content) == {"images", "parameters", "info"}
    assert content["parameters"] == {**BODY, "batch_size": 2, "init_images": None, "mask": None}
    info = json.loads(content["info"])
    assert info["denoising_strength"] == 0.5
    assert info["all_seeds"] == [7, 8]
    assert (info["width"], info["height"], info["steps"]) == (64, 48, 4)
    assert "steps 4 instead of 20" in answer.headers["x-depthpaint-changed"]
    assert "Denoising strength: 0.5" in info["infotexts"][0]
    assert "ControlNet 0" in info["infotexts"][0]
    alone = painted(shared, seed=8)["images"][0]
    assert content["images"][1] == alone, "the picture of its seed alone"


def test_picture_share_and_depth_decide(shared: Running) -> None:
    changes: list[dict[str, object]] = [
        {}, {"denoising_strength": 0.25}, {"denoising_strength": 1}, {"init_images": [RED]},
        {"alwayson_scripts": {}},
    ]  # fmt: skip
    images = [pixels(painted(shared, **change)["images"])[0] for change in changes]
    assert len(set(images)) == len(images)
    plain = shared.post("/sdapi/v1/txt2img", {**BODY, "steps": 4}).json()["images"]
    assert images[2] == pixels(plain)[0], "denoising_strength 1 is the picture without it"


def test_null_is_the_default(shared: Running) -> None:
    whole = painted(shared, denoising_strength=0.75, resize_mode=0)
    fields = {key: value for key, value in BODY.items() if key not in ("denoising_strength", "resize_mode")}
    answer = shared.post("/sdapi/v1/img2img", {**fields, "include_init_images": None}).json()
    assert answer["images"] == whole["images"]
    assert painted(shared, denoising_strength=None, resize_mode=None)["images"] == whole["images"]
    assert json.loads(answer["info"])["denoising_strength"] == 0.75


@pytest.mark.parametrize(
    "start",
    [
        f"data:image/png;base64,{START}", encoded(NOISY.convert("RGBA")), "\n".join([START[:40], START[40:]]),
    ],
)  # fmt: skip
def test_the_picture_may_be_written_as_clients_do(shared: Running, start: str) -> None:
    assert pixels(painted(shared, init_images=[start])["images"]) == pixels(painted(shared)["images"])


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_other_formats_are_read(shared: Running, kind: str) -> None:
    assert painted(shared, init_images=[encoded(NOISY, kind)])["images"]


def test_it_may_be_sent_back(shared: Running) -> None:
    parameters = painted(shared, include_init_images=True)["parameters"]
    assert parameters["init_images"] == [START]


def test_inputs_are_stored_once_and_named_by_the_record(server: Running) -> None:
    painted(server)
    painted(server, seed=9)
    assert len(list((server.out / "starts").iterdir())) == 1
    for path in server.out.glob("*.png"):
        settings = read_record(path).settings
        assert settings.init is not None
        assert (server.out / settings.init).read_bytes() == base64.b64decode(START)


@pytest.mark.parametrize(("mode", "fit"), [(0, "stretch"), (1, "crop"), (2, "crop"), (3, "stretch")])
def test_without_a_unit_the_mode_places_it(server: Running, mode: int, fit: str) -> None:
    wide = encoded(NOISY.resize((128, 48)))
    answer = server.post(
        "/sdapi/v1/img2img", {**BODY, "alwayson_scripts": {}, "init_images": [wide], "resize_mode": mode}
    )
    assert answer.status_code == 200
    changed = answer.headers["x-depthpaint-changed"]
    assert "painted without a depth map" in changed
    assert ("resize_mode 1" in changed) == (mode == 2)
    info = json.loads(answer.json()["info"])
    assert "ControlNet" not in info["infotexts"][0]
    (path,) = server.out.glob("*.png")
    assert read_record(path).settings.fit == fit
    cut = [text for text in info["extra_generation_params"]["warnings"] if "its middle part is used" in text]
    assert bool(cut) == (fit == "crop")


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"init_images": []}, 404, "Init image not found"),
        ({"init_images": None}, 404, "Init image not found"),
        ({"init_images": [START, START]}, 422, "init_images has 2 pictures"),
        ({"init_images": ["###"]}, 422, "init_images is not a file as base64"),
        ({"init_images": ["https://example.org/a.png"]}, 422, "init_images is not a file as base64"),
        ({"init_images": ["/etc/passwd"]}, 422, "init_images is not a file as base64"),
        ({"init_images": [base64.b64encode(b"no picture " * 20).decode()]}, 422, "init_images is"),
        ({"init_images": [START[: len(START) // 8 * 4]]}, 422, "init_images"),
        ({"init_images": [7]}, 422, "init_images"),
        ({"init_images": START}, 422, "init_images"),
        ({"mask": START}, 422, "mask: painting only in a mask is not supported"),
        ({"denoising_strength": 1.5}, 422, "denoising_strength"),
        ({"denoising_strength": -0.1}, 422, "denoising_strength"),
        ({"denoising_strength": "0.5"}, 422, "denoising_strength"),
        ({"resize_mode": 4}, 422, "resize_mode"),
        ({"script_name": "outpainting"}, 422, "script"),
    ],
)
def test_what_cannot_be_painted_from_is_refused(
    shared: Running, change: dict[str, object], status: int, words: str
) -> None:
    before = sorted(shared.out.rglob("*"))
    answer = shared.post("/sdapi/v1/img2img", {**BODY, **change})
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error", "detail", "body", "errors"}
    assert words in answer.text
    assert str(shared.out) not in answer.text
    assert [path for path in sorted(shared.out.rglob("*")) if path.suffix == ".png"] == [
        path for path in before if path.suffix == ".png"
    ], "nothing is stored"


def test_a_share_of_zero_is_one_step_and_told(shared: Running) -> None:
    answer = shared.post("/sdapi/v1/img2img", {**BODY, "denoising_strength": 0})
    assert answer.status_code == 200
    assert "one step instead of none" in answer.headers["x-depthpaint-changed"]


def test_the_route_of_the_extension_stays_closed(shared: Running) -> None:
    answer = shared.post("/controlnet/img2img", BODY)
    assert answer.status_code == 404
    assert "/sdapi/v1/txt2img" in answer.text


def job(server: Running, **fields: object) -> dict[str, Any]:
    answer = server.post(
        "/api/v1/jobs", {"depth": DEPTH, "prompt": "a red house", "size": [64, 48], **fields}
    )
    assert answer.status_code == 202, answer.text
    path = f"/api/v1/jobs/{answer.json()['id']}"
    server.until(lambda: server.get(path).json()["state"] in ("completed", "failed"))
    return server.get(path).json()


def test_the_native_interface_takes_it_as_base64(server: Running) -> None:
    done = job(server, init=START, denoise=0.5, num_inference_steps=4)
    assert (done["state"], done["steps"]) == ("completed", 2)
    record = read_record(server.out / done["pictures"][0]["file"])
    assert record.settings.init is not None and record.settings.init.startswith("starts/")
    plan = server.post("/api/v1/plan", {"depth": DEPTH, "prompt": "a", "init": START}).json()
    assert plan["settings"]["init"] == record.settings.init


@pytest.mark.parametrize(
    "init",
    ["/etc/passwd", "starts/x.png", "https://example.org/a.png", "", 7, base64.b64encode(bytes(99)).decode()],
)
def test_the_native_interface_opens_no_path(shared: Running, init: object) -> None:
    answer = shared.post("/api/v1/jobs", {"depth": DEPTH, "prompt": "a", "init": init})
    assert answer.status_code == 422, answer.text
    assert "init" in answer.json()["detail"]


def test_a_job_that_waits_keeps_its_picture_over_a_restart(start: Start) -> None:
    server = start()
    server.painter.free.clear()
    body = {"depth": DEPTH, "prompt": "a", "size": [64, 48], "init": START, "denoise": 0.5, "seed": 5}
    server.post("/api/v1/jobs", {**body, "init": None})
    name = server.post("/api/v1/jobs", body).json()["id"]
    server.until(lambda: len(server.queue.running) == 1)
    server.queue.running[0].stop.set()
    server.stop()
    again = start(out=server.out)
    path = f"/api/v1/jobs/{name}"
    again.until(lambda: again.get(path).json()["state"] == "completed")
    record = read_record(again.out / again.get(path).json()["pictures"][0]["file"])
    assert record.settings.init is not None
