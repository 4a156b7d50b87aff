"""The interface of AUTOMATIC1111's web UI: what its clients send, and what they need in the answer."""

from __future__ import annotations

import base64
import json
import threading
from io import BytesIO
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from depthpaint.record.picture_file import read_record
from made_png import png
from server.conftest import DEPTH, Running, Start

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.filterwarnings("ignore")]
UNIT = {"image": DEPTH, "module": "none", "model": "None"}
BODY: dict[str, Any] = {
        "prompt": "a red house", "seed": 7, "width": 64, "height": 48, "steps": 20, "cfg_scale": 7.0,
        "sampler_name": "Euler a", "batch_size": 1, "n_iter": 1, "enable_hr": False, "hr_upscaler": "Latent",
        "styles": [], "override_settings": {}, "script_name": None, "s_tmax": None, "eta": 1.0}  # fmt: skip


def body(*units: object, **fields: object) -> dict[str, Any]:
    return {**BODY, "alwayson_scripts": {"ControlNet": {"args": list(units or (UNIT,))}}, **fields}


def painted(server: Running, *units: object, **fields: object) -> dict[str, Any]:
    answer = server.post("/sdapi/v1/txt2img", body(*units, **fields))
    assert answer.status_code == 200, answer.text
    return answer.json()


def pixels(content: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(Image.open(BytesIO(base64.b64decode(content["images"][0]))))


def test_the_answer_is_what_clients_read(shared: Running) -> None:
    sent = body(batch_size=2)
    answer = shared.post("/sdapi/v1/txt2img", sent)
    content = answer.json()
    assert set(content) == {"images", "parameters", "info"}
    assert content["parameters"] == sent
    info = json.loads(content["info"])
    assert info["all_seeds"] == [7, 8]
    assert (info["seed"], info["width"], info["height"], info["steps"]) == (7, 64, 48, 2)
    assert "instead of 20" in answer.headers["x-depthpaint-changed"]
    first, second = (base64.b64decode(each) for each in content["images"])
    picture = Image.open(BytesIO(first))
    assert picture.size == (64, 48)
    assert picture.info["parameters"] == info["infotexts"][0]
    assert base64.b64decode(painted(shared, seed=8)["images"][0]) == second, "the picture of its seed alone"
    line = info["infotexts"][0].splitlines()[-1]
    assert line.startswith("Steps: 2, Sampler: ")
    places = [
        line.index(key) for key in ("CFG scale", "Seed", "Size", "Model hash", "Model:", "ControlNet 0")
    ]
    assert places == sorted(places)


def test_other_step_counts_are_obeyed(shared: Running) -> None:
    assert json.loads(painted(shared, steps=5)["info"])["steps"] == 5


@pytest.mark.parametrize(
    "unit",
    [
        {"input_image": DEPTH}, {"image": {"image": DEPTH, "mask": DEPTH}}, {"image": [DEPTH, DEPTH]},
        {"image": [{"image": DEPTH, "mask": None}]}, {"image": f"data:image/png;base64,{DEPTH}"},
        {"image": DEPTH, "control_mode": 0}, {"image": DEPTH, "control_mode": ["Balanced"]},
        {"image": DEPTH, "resize_mode": 1}, {"image": DEPTH, "resize_mode": "Crop and Resize"},
        {"image": DEPTH, "guidance": 0.5, "guidance_end": 1.0},
        {"image": DEPTH, "lowvram": True, "low_vram": False},
        {"image": DEPTH, "processor_res": 64, "threshold_a": 64, "mask": None, "guessmode": True},
        {"image": DEPTH, "module": "depth_anything_v2", "model": "depthpaint [depth]"},
    ],
)  # fmt: skip
def test_a_unit_may_be_written_as_every_client_does(shared: Running, unit: dict[str, object]) -> None:
    assert painted(shared, unit)["images"] == painted(shared)["images"]


@pytest.mark.parametrize(
    "units", [[], [False], [None], [{"enabled": False, "image": DEPTH}], [{"enabled": False}]]
)
def test_without_a_unit_it_is_painted_without_depth(shared: Running, units: list[object]) -> None:
    scripts = {"controlnet": {"args": units}}
    answer = shared.post("/sdapi/v1/txt2img", {**BODY, "alwayson_scripts": scripts})
    assert answer.status_code == 200
    assert "without a depth map" in answer.headers["x-depthpaint-changed"]
    assert answer.json()["images"] == shared.post("/sdapi/v1/txt2img", BODY).json()["images"]
    assert "ControlNet" not in json.loads(answer.json()["info"])["infotexts"][0]


def test_a_weight_of_zero_gives_the_depth_no_say(shared: Running) -> None:
    other = base64.b64encode(png(np.tile(np.arange(64, dtype=np.uint8)[::-1] * 3, (48, 1)), 8, 0)).decode()
    none = [pixels(painted(shared, {"image": each, "weight": 0})) for each in (DEPTH, other)]
    some = [pixels(painted(shared, {"image": each})) for each in (DEPTH, other)]
    assert np.array_equal(none[0], none[1])
    assert not np.array_equal(some[0], some[1])


def test_all_bits_of_a_depth_map_count(shared: Running) -> None:
    deep = np.tile(np.arange(64, dtype=np.uint16)[None] * 3 + 20_000, (48, 1))
    maps = [base64.b64encode(png(values, 16, 0)).decode() for values in (deep, deep[:, ::-1].copy())]
    first, second = (pixels(painted(shared, {"image": each})) for each in maps)
    assert not np.array_equal(first, second)


def test_white_is_near_unless_the_file_says_otherwise(shared: Running) -> None:
    ramp = base64.b64encode(png(np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1)), 8, 0)).decode()
    info = json.loads(painted(shared, {"image": ramp})["info"])
    assert info["extra_generation_params"]["depth"]["near"] == "white"
    buffer = BytesIO()
    metres = 1 + 20 * np.linspace(1, 0, 48, dtype=np.float32)[:, None] + np.zeros((48, 64), np.float32)
    metres[10:30, 20:40] = 2
    np.save(buffer, metres)
    found = json.loads(painted(shared, {"image": base64.b64encode(buffer.getvalue()).decode()})["info"])
    depth = found["extra_generation_params"]["depth"]
    assert (depth["kind"], depth["near"]) == ("distance", "black")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"steps": 0}, 422), ({"steps": 10**6}, 422), ({"cfg_scale": -1}, 422), ({"batch_size": 0}, 422),
        ({"n_iter": 1000}, 422), ({"seed": -2}, 422), ({"seed": 2**64}, 422), ({"seed": "7"}, 422),
        ({"width": 0}, 422), ({"width": 7}, 422), ({"width": -512}, 422), ({"width": 2**31}, 422),
        ({"width": "512"}, 422), ({"batch_size": 50, "n_iter": 50}, 422), ({"sampler_name": "Nothing"}, 404),
        ({"scheduler": "nothing"}, 404), ({"script_name": "x/y plot"}, 422),
        ({"override_settings": {"sd_model_checkpoint": "nothing"}}, 404), ({"prompt": "\ud800"}, 422),
        ({"alwayson_scripts": {"other": {"args": [True]}}}, 422),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused(shared: Running, change: dict[str, object], status: int) -> None:
    text = json.dumps({**body(), **change})
    answer = shared.client.post(
        "/sdapi/v1/txt2img", content=text, headers={"content-type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error", "detail", "body", "errors"}


@pytest.mark.parametrize(
    "text", ['{"cfg_scale": NaN}', '{"cfg_scale": 1e400}', "[" * 20_000, '{"prompt": "\xff', "{"]
)
def test_what_is_no_json_is_refused(shared: Running, text: str) -> None:
    data = text.encode("latin-1")
    answer = shared.client.post(
        "/sdapi/v1/txt2img", content=data, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 422), answer.text


@pytest.mark.parametrize(
    ("unit", "status"),
    [
        ({}, 200), ({"image": ""}, 422), ({"enabled": True}, 422), ({"image": None}, 422),
        ({**UNIT, "module": "canny"}, 422), ({**UNIT, "model": "nothing"}, 404), ({**UNIT, "weight": 3}, 422),
        ({**UNIT, "guidance_start": 0.9, "guidance_end": 0.1}, 422), ({**UNIT, "ipadapter_input": "x"}, 422),
        ({**UNIT, "image": "/etc/passwd"}, 422), ({**UNIT, "image": "file:///etc/passwd"}, 422),
        ({**UNIT, "control_mode": "x"}, 422), ({**UNIT, "resize_mode": "x"}, 422), (5, 422),
    ],
)  # fmt: skip
def test_a_bad_unit_is_refused(shared: Running, unit: object, status: int) -> None:
    assert shared.post("/sdapi/v1/txt2img", body(unit)).status_code == status
    if status == 200:
        assert shared.post("/sdapi/v1/txt2img", body(*[UNIT] * 1000)).status_code == 422


def test_samplers_and_schedules_are_understood_as_the_web_ui_names_them(server: Running) -> None:
    for name, ours, schedule in (
        ("DPM++ 2M Karras", "dpm++-2m", "karras"), ("k_euler_a", "euler-ancestral", None),
        ("heun", "heun", None), ("DPM++ 2M", "dpm++-2m", None), ("UniPC", "unipc", None),
    ):  # fmt: skip
        for path in server.out.glob("*.png"):
            path.unlink()
        painted(server, sampler_name=name, steps=4)
        (path,) = server.out.glob("*.png")
        settings = read_record(path).settings
        assert settings.sampler == ours
        assert schedule is None or settings.schedule == schedule
    assert painted(server, scheduler="automatic")["images"] == painted(server)["images"]


def test_foreign_scripts_that_are_off_are_ignored(shared: Running) -> None:
    scripts = {
        "controlnet": {"args": [UNIT]},
        "ADetailer": {"args": [{"ad_model": "None"}]},
        "x": {"args": [False]},
    }
    answer = shared.post("/sdapi/v1/txt2img", {**BODY, "alwayson_scripts": scripts})
    assert answer.json()["images"] == painted(shared)["images"]


def test_lists_are_json_and_name_what_can_be_asked_for(server: Running) -> None:
    options = server.get("/sdapi/v1/options").json()
    titles = [each["title"] for each in server.get("/sdapi/v1/sd-models").json()]
    assert options["sd_model_checkpoint"] in titles
    assert "controlnet m2m" in server.get("/sdapi/v1/scripts").json()["txt2img"]
    for title in (titles[0], titles[0].removesuffix(".safetensors")):
        assert painted(server, override_settings={"sd_model_checkpoint": title})["images"]
        assert (
            server.post("/sdapi/v1/options", {**options, "sd_model_checkpoint": title, "x": 1}).json() == {}
        )
    assert server.post("/sdapi/v1/options", {"sd_model_checkpoint": "nothing"}).status_code == 404
    for each in server.get("/sdapi/v1/samplers").json():
        assert painted(server, sampler_name=each["name"], steps=3)["images"]
    for each in server.get("/sdapi/v1/schedulers").json():
        assert painted(server, scheduler=each["name"], steps=3)["images"]
        assert painted(server, scheduler=each["label"], steps=3)["images"]
    for name in ("sd-vae", "loras", "upscalers", "latent-upscale-modes", "hypernetworks", "face-restorers",
                 "realesrgan-models", "prompt-styles", "script-info", "extensions"):  # fmt: skip
        assert server.get(f"/sdapi/v1/{name}").json() == []
    for name in ("embeddings", "memory", "cmd-flags"):
        assert isinstance(server.get(f"/sdapi/v1/{name}").json(), dict)
    assert server.get("/controlnet/version").json() == {"version": 2}
    model = server.get("/controlnet/model_list").json()["model_list"][0]
    assert painted(server, {**UNIT, "model": model})["images"]
    assert "Depth" in server.get("/controlnet/control_types").json()["control_types"]
    assert "/sdapi/v1/txt2img" in server.post("/controlnet/txt2img", {}).text


def test_a_depth_map_is_shown_as_it_is_understood(shared: Running) -> None:
    for field in ("controlnet_input_images", "controlnet_images"):
        answer = shared.post("/controlnet/detect", {"controlnet_module": "depth", field: [DEPTH]}).json()
        assert answer["info"] == "Success"
        assert Image.open(BytesIO(base64.b64decode(answer["images"][0]))).size == (64, 48)


def test_png_info_gives_back_the_infotext(shared: Running) -> None:
    content = painted(shared)
    found = shared.post("/sdapi/v1/png-info", {"image": content["images"][0]}).json()
    assert found["info"] == json.loads(content["info"])["infotexts"][0]
    assert found["parameters"]["Seed"] == "7"
    assert shared.post("/sdapi/v1/png-info", {"image": DEPTH}).json()["info"] == ""
    assert (
        shared.post("/sdapi/v1/png-info", {"image": base64.b64encode(bytes(99)).decode()}).status_code == 422
    )


@pytest.mark.parametrize("form", ["jpeg", "webp"])
def test_png_info_reads_the_infotext_of_other_formats(shared: Running, form: str) -> None:
    wanted = {"prompt": "a räd house", "depth_image": DEPTH, "size": "64x48", "output_format": form}
    data = shared.post("/v1/images/generations", wanted).json()["data"][0]["b64_json"]
    found = shared.post("/sdapi/v1/png-info", {"image": data}).json()
    assert found["info"].startswith("a räd house\nSteps: ")
    assert "Size: 64x48" in found["info"]
    assert found["parameters"]["Steps"]


def test_progress_and_interrupt(start: Start) -> None:
    server = start()
    idle = server.get("/sdapi/v1/progress?skip_current_image=true").json()
    assert (idle["progress"], idle["state"]["job_count"]) == (0, 0)
    server.painter.free.clear()
    answers: list[httpx.Response] = []
    thread = threading.Thread(
        target=lambda: answers.append(
            httpx.post(f"{server.url}/sdapi/v1/txt2img", json=body(steps=50), timeout=60)
        )
    )
    thread.start()
    server.until(lambda: server.painter.steps > 0)
    assert server.get("/sdapi/v1/progress").json()["state"]["sampling_steps"] == 50
    assert server.post("/sdapi/v1/interrupt").json() == {}
    server.painter.free.set()
    thread.join(30)
    assert answers[0].status_code == 499
    assert server.painter.steps < 10
    assert painted(server)["images"]


def test_progress_shows_the_picture_as_it_stands_if_it_is_wanted(start: Start) -> None:
    server = start()
    server.painter.free.clear()
    thread = threading.Thread(target=lambda: painted(server, steps=150, width=512, height=256))
    thread.start()
    server.until(lambda: server.painter.steps > 0)
    assert server.get("/sdapi/v1/progress?skip_current_image=true").json()["current_image"] is None
    assert not server.queue.running[0].wants_previews
    assert server.get("/sdapi/v1/progress").json()["current_image"] is None, "made from now on"
    server.painter.free.set()
    server.until(lambda: server.queue.running[0].preview is not None)
    server.painter.free.clear()
    shown = server.get("/sdapi/v1/progress").json()["current_image"]
    assert pixels({"images": [shown]}).shape == (256, 512, 3)
    server.painter.free.set()
    thread.join(30)


def test_a_picture_need_not_be_sent(server: Running) -> None:
    assert painted(server, send_images=False)["images"] == []
    assert len(list(server.out.glob("*.png"))) == 1
