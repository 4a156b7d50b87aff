"""The small routes of the web UI's interface: what clients list before they paint."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from io import BytesIO
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from depthpaint.core.errors import DepthpaintError, ErrorCode, ParameterError
from depthpaint.depth.read import require_certain
from depthpaint.models.registry import names
from depthpaint.record.encode import EXIF_POINTER, INFOTEXT_KEY, USER_COMMENT
from depthpaint.record.infotext import SAMPLER_NAMES, SCHEDULE_NAMES, parse_infotext
from depthpaint.request import reading_from
from depthpaint.server.checks import png_of
from depthpaint.server.inputs import bytes_of
from depthpaint.server.options import ServerOptions
from depthpaint.server.routes import Server, server_of
from depthpaint.server.web_ui_units import MODEL, MODULES

Known = Annotated[Server, Depends(server_of)]
_LISTS = ("sd-vae", "loras", "upscalers", "latent-upscale-modes", "hypernetworks", "face-restorers",
          "realesrgan-models", "prompt-styles", "script-info", "extensions")  # fmt: skip


def model_title(name: str) -> str:
    """The title of a model, as the web UI lists checkpoints."""
    return f"{name}.safetensors"


def models_by_title(options: ServerOptions) -> Mapping[str, str]:
    """Models by everything that clients call them: title, and name."""
    known = dict.fromkeys((options.model, *names("model")))
    return {**{model_title(name): name for name in known}, **{name: name for name in known}}


class PngInfo(BaseModel):
    """A picture as base64."""

    model_config = ConfigDict(extra="ignore", strict=True)
    image: str


class Detect(BaseModel):
    """Pictures whose depth is to be shown."""

    model_config = ConfigDict(extra="ignore", strict=True)
    controlnet_module: str | None = "none"
    controlnet_input_images: list[str] | None = Field(None, max_length=10)
    controlnet_images: list[str] | None = Field(None, max_length=10)


def add_lists(router: APIRouter, options: ServerOptions) -> None:
    """Add the routes."""
    prefix = "/sdapi/v1"
    titles = [name for name in models_by_title(options).values()]
    models = [
        {"title": model_title(name), "model_name": name, "hash": None, "sha256": None,
         "filename": model_title(name), "config": None, "name": model_title(name)}
        for name in dict.fromkeys(titles)
    ]  # fmt: skip
    samplers: list[dict[str, Any]] = [
        {"name": name, "aliases": [ours], "options": {}} for ours, name in SAMPLER_NAMES.items()
    ]
    schedules = [
        {"name": name.lower(), "label": name, "aliases": None, "default_rho": -1.0, "need_inner_model": False}
        for name in ("Automatic", *SCHEDULE_NAMES.values())
    ]
    settings = {"sd_model_checkpoint": model_title(options.model), "samples_format": "png", "sd_vae": "None",
                "CLIP_stop_at_last_layers": 1}  # fmt: skip
    fixed: dict[str, Any] = {
        # "controlnet m2m" tells webuiapi that there is a ControlNet; without it, that client repeats units.
        "scripts": {"txt2img": ["controlnet", "controlnet m2m"], "img2img": ["controlnet", "controlnet m2m"]},
        "options": settings,
        "sd-models": models,
        "samplers": samplers,
        "schedulers": schedules,
        "embeddings": {"loaded": {}, "skipped": {}},
        "memory": {"ram": {}, "cuda": {}},
        "cmd-flags": {"api": True},
        **{name: [] for name in _LISTS},
    }
    for name, content in fixed.items():
        _add(router, f"{prefix}/{name}", content)
    for name, content in _control(options).items():
        _add(router, f"/controlnet/{name}", content)
    _add_posts(router, options)


def _add(router: APIRouter, path: str, content: Any) -> None:
    async def get() -> Any:
        """A list of what there is."""
        return content

    router.add_api_route(path, get, methods=["GET"], name=path)


def _control(options: ServerOptions) -> dict[str, Any]:
    del options
    modules, found = list(MODULES), [MODEL]
    depth = {
        "module_list": modules,
        "model_list": ["None", *found],
        "default_option": "none",
        "default_model": MODEL,
    }
    return {
        "version": {"version": 2},
        "model_list": {"model_list": found},
        "module_list": {"module_list": modules, "module_detail": {}},
        "control_types": {"control_types": {"All": depth, "Depth": depth}},
        "settings": {"control_net_unit_count": 3},
    }  # fmt: skip


def _add_posts(router: APIRouter, options: ServerOptions) -> None:
    @router.post("/sdapi/v1/options")
    async def set_options(body: dict[str, Any]) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """Nothing can be changed; the model is that of each request. An unknown checkpoint is an error."""
        title = body.get("sd_model_checkpoint")
        if title is not None and title not in models_by_title(options):
            raise DepthpaintError(
                "there is no such checkpoint on this server", code=ErrorCode.MODEL_NOT_FOUND,
                remedy="GET /sdapi/v1/sd-models lists them",
            )  # fmt: skip
        return {}

    @router.post("/sdapi/v1/refresh-checkpoints")
    async def refresh() -> None:  # pyright: ignore[reportUnusedFunction]
        """Nothing to do: models are looked for when they are used."""

    @router.post("/sdapi/v1/png-info")
    async def png_info(body: PngInfo) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """The infotext in a picture."""
        texts = _texts_in(bytes_of(body.image, "image"))
        info = texts.get(INFOTEXT_KEY, "")
        return {
            "info": info,
            "items": texts,
            "parameters": dict(parse_infotext(info).parameters) if info else {},
        }

    @router.post("/controlnet/detect")
    async def detect(body: Detect, server: Known) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """Depth maps as they are understood: near is white."""
        if (body.controlnet_module or "none").lower() not in MODULES:
            raise DepthpaintError(
                "there is no such module", code=ErrorCode.MODULE_NOT_FOUND,
                remedy=f"choose one of {', '.join(MODULES)}",
            )  # fmt: skip
        images = body.controlnet_input_images or body.controlnet_images or []
        seen = [await server.queue.aside(lambda text=text: _detected(server, text)) for text in images]
        return {"info": "Success", "images": seen}

    @router.post("/controlnet/txt2img")
    @router.post("/controlnet/img2img")
    async def gone() -> None:  # pyright: ignore[reportUnusedFunction]
        """This old route is no more."""
        raise DepthpaintError(
            "this route was removed from ControlNet", code=ErrorCode.NOT_FOUND,
            remedy="use /sdapi/v1/txt2img with alwayson_scripts",
        )  # fmt: skip


def _texts_in(data: bytes) -> dict[str, str]:
    """The texts of a PNG, the infotext of a JPEG or WebP. Raises ParameterError for what is no picture."""
    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as picture:
            texts = {str(key): value for key, value in picture.info.items() if isinstance(value, str)}
            comment = picture.getexif().get_ifd(EXIF_POINTER).get(USER_COMMENT)
            if isinstance(comment, bytes) and comment.startswith(b"UNICODE\0"):
                texts.setdefault(INFOTEXT_KEY, comment[8:].decode("utf-16-be", "replace"))
            return texts
    except Exception as error:  # Pillow raises all kinds of exceptions for damaged files
        raise ParameterError(
            "image: it is no picture, or damaged", code=ErrorCode.INVALID_PARAMETER,
            remedy="send a PNG as base64", value=("image",),
        ) from error  # fmt: skip


def _detected(server: Server, text: str) -> str:
    data = bytes_of(text, "controlnet_input_images")
    try:
        depth = server.engine.read(data, reading_from({}))
        require_certain(depth.source)
    except DepthpaintError as error:
        if error.code is not ErrorCode.DEPTH_AMBIGUOUS:
            raise
        depth = server.engine.read(data, reading_from({"near": "white"}))
    return base64.b64encode(png_of(np.rint(depth.values * 255).astype(np.uint8))).decode()
