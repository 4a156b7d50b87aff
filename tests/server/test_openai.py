"""OpenAI's images interface, used by its own client."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest
from openai import APIError, BadRequestError, NotFoundError, OpenAI
from openai.types import ImagesResponse
from PIL import Image

from depthpaint.record.infotext import infotext
from depthpaint.record.picture_file import read_record
from depthpaint.record.picture_source import is_as_painted, pixels_of
from server.conftest import DEPTH, Running, Start, depth_bytes

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def openai(server: Running) -> OpenAI:
    return client_of(server)


@pytest.fixture
def plain(shared: Running) -> OpenAI:
    return client_of(shared)


def client_of(server: Running, key: str = "none") -> OpenAI:
    return OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0, _strict_response_validation=True)


def first_of(answer: ImagesResponse) -> bytes:
    assert answer.data is not None
    return base64.b64decode(answer.data[0].b64_json or "")


def painted(openai: OpenAI, **fields: Any) -> bytes:
    extra = {"seed": 7, "depth_image": DEPTH, **fields.pop("extra", {})}
    answer = cast(ImagesResponse, openai.images.generate(prompt="a red house", extra_body=extra, **fields))
    return first_of(answer)


def test_an_edit_is_a_generation_with_that_depth(plain: OpenAI) -> None:
    for file in (depth_bytes(), [depth_bytes(), b"ignored"]):
        edited = plain.images.edit(image=file, prompt="a red house", extra_body={"seed": 7})
        assert first_of(edited) == painted(plain)


def test_models_are_listed_and_found(plain: OpenAI) -> None:
    names = [model.id for model in plain.models.list()]
    assert "diorama" in names
    assert plain.models.retrieve("diorama").object == "model"
    with pytest.raises(NotFoundError) as error:
        plain.models.retrieve("nothing/at-all")
    assert error.value.code == "model_not_found"


def test_the_answer_says_what_came_out(plain: OpenAI) -> None:
    answer = plain.images.generate(
        prompt="a house", size="64x48", n=2, extra_body={"seed": 5, "depth_image": DEPTH}
    )  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert (answer.size, answer.background, answer.output_format) == ("64x48", "opaque", "png")
    assert answer.quality in ("low", "medium", "high")
    assert answer.usage is not None
    first, second = (base64.b64decode(each.b64_json or "") for each in answer.data or ())
    assert [Image.open(BytesIO(data)).size for data in (first, second)] == [(64, 48)] * 2
    alone = plain.images.generate(
        prompt="a house", size="64x48", extra_body={"seed": 6, "depth_image": DEPTH}
    )  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert first_of(alone) == second, "seeds count up"


def test_a_stream_ends_with_the_picture_that_is_answered_without_one(plain: OpenAI) -> None:
    events: list[Any] = list(plain.images.generate(
        prompt="a red house", stream=True, partial_images=2,
        extra_body={"seed": 7, "depth_image": DEPTH, "steps": 4},
    ))  # fmt: skip
    assert [each.type for each in events] == ["image_generation.partial_image"] * 2 + [
        "image_generation.completed"
    ]
    assert [each.partial_image_index for each in events[:2]] == [0, 1]
    assert base64.b64decode(events[-1].b64_json) == painted(plain, extra={"steps": 4})
    edited: list[Any] = list(
        plain.images.edit(image=depth_bytes(), prompt="a red house", stream=True, extra_body={"seed": 7})
    )
    assert [each.type for each in edited] == ["image_edit.completed"]


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("compression", [None, 0, 80])
def test_the_format_is_the_requested_one_and_holds_the_record(
    plain: OpenAI, form: Any, compression: int | None, tmp_path: Path
) -> None:
    fields = {} if compression is None else {"output_compression": compression}
    (tmp_path / "p").write_bytes(painted(plain, output_format=form, **fields))
    assert (Image.open(tmp_path / "p").format or "").lower() == form
    record = read_record(tmp_path / "p")
    assert (record.settings.prompt, record.settings.seed) == ("a red house", 7)
    if form == "png":
        assert record.compression is None
        return
    assert record.compression is not None
    assert record.compression.quality == {None: 95 if form == "jpeg" else None, 0: 1, 80: 80}[compression]
    assert is_as_painted(tmp_path / "p", record, pixels_of(tmp_path / "p"))


def test_a_link_is_a_picture(openai: OpenAI, server: Running) -> None:
    answer = openai.images.generate(
        prompt="a house", response_format="url", extra_body={"depth_image": DEPTH}
    )
    url = (answer.data or [])[0].url or ""
    assert url.startswith(server.url)
    found = server.get(url)
    assert (found.status_code, found.headers["content-type"]) == (200, "image/png")
    assert server.get(url[:-1]).status_code == 404
    answer = openai.images.generate(
        prompt="a house", response_format="url", output_format="webp", extra_body={"depth_image": DEPTH}
    )
    found = server.get((answer.data or [])[0].url or "")
    assert found.headers["content-type"] == "image/webp"
    assert Image.open(BytesIO(found.content)).format == "WEBP"


def test_names_that_clients_send_by_themselves_mean_the_servers_model(plain: OpenAI) -> None:
    for name in ("dall-e-2", "dall-e-3", "gpt-image-1", "gpt-image-1.5"):
        assert painted(plain, model=name) == painted(plain)


def test_without_a_depth_map_the_record_says_so(openai: OpenAI, server: Running) -> None:
    openai.images.generate(prompt="a house", size="512x512")
    (path,) = server.out.glob("*.png")
    record = read_record(path)
    assert record.settings.control_strength == 0
    assert "ControlNet" not in infotext(record)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"size": "1x1"}, "size"), ({"size": "64"}, "size"), ({"size": "9000x64"}, "size"), ({"n": 0}, "n"),
        ({"n": 11}, "n"), ({"background": "transparent"}, "background"),
        ({"output_format": "gif"}, "output_format"),
        ({"extra": {"depth_image": "https://127.0.0.1/x.png"}}, "depth_image"),
        ({"extra": {"seed": 2**32}}, "seed"), ({"extra": {"guidance_scale": -1}}, "guidance_scale"),
        ({"extra": {"depth_image": base64.b64encode(b"GIF89a" + bytes(99)).decode()}}, None),
    ],
)  # fmt: skip
def test_a_bad_value_is_a_400_that_names_it(plain: OpenAI, fields: dict[str, Any], param: str | None) -> None:
    with pytest.raises(BadRequestError) as error:
        painted(plain, **fields)
    assert error.value.param == param, error.value.message
    if param is None:
        assert str(error.value.code).startswith("depth_")


def test_an_unknown_model_is_a_404(plain: OpenAI) -> None:
    with pytest.raises(NotFoundError) as error:
        painted(plain, model="nothing")
    assert (error.value.code, error.value.param) == ("model_not_found", "model")


def test_a_form_names_what_is_wrong_with_it(openai: OpenAI, server: Running) -> None:
    with pytest.raises(BadRequestError) as mask:
        openai.images.edit(image=depth_bytes(), mask=depth_bytes(), prompt="a house")
    assert mask.value.param == "mask"
    for fields, param in (({"prompt": "a"}, "image"), ({"prompt": "a", "n": "many"}, "n"), ({}, None)):
        files = {"image": depth_bytes()} if param != "image" else {"other": b"x"}
        answer = server.client.post("/v1/images/edits", data=fields, files=files)
        assert answer.status_code == 400
        assert param is None or answer.json()["error"]["param"] == param


def test_nulls_and_unknown_fields_are_as_absent(server: Running, openai: OpenAI) -> None:
    body = {"prompt": "a red house", "seed": 7, "depth_image": DEPTH, "n": None, "size": None,
            "style": "vivid", "user": "u", "quality": "hd", "svg": {"model": "x"}}  # fmt: skip
    data = server.post("/v1/images/generations?api-version=1", body).json()["data"][0]["b64_json"]
    assert base64.b64decode(data) == painted(openai)


def test_a_client_that_goes_away_frees_its_place(start: Start) -> None:
    server = start(max_queue=1)
    server.painter.free.clear()
    body = {"prompt": "a", "depth_image": DEPTH, "steps": 50}
    for stream in (False, True):
        import httpx

        with (
            httpx.Client(base_url=server.url, timeout=0.5) as impatient,
            pytest.raises(httpx.TimeoutException),
        ):
            impatient.post("/v1/images/generations", json={**body, "stream": stream})
        server.until(lambda: all(job.stop.is_set() for job in server.queue.running))
        server.painter.free.set()
        server.until(lambda: not server.queue.running)
        assert server.painter.steps < 50
        server.painter.free.clear()


def test_an_error_while_streaming_is_an_event(
    openai: OpenAI, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("x")

    monkeypatch.setattr(server.painter, "predict", fails)
    with pytest.raises(APIError):
        list(openai.images.generate(prompt="a", stream=True, extra_body={"depth_image": DEPTH}))
