"""The interface of AUTOMATIC1111's web UI, /sdapi/v1: txt2img and img2img, progress, interrupt."""

from __future__ import annotations

import base64
import json
import secrets
from time import localtime, strftime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from depthpaint import __version__
from depthpaint.core.errors import DepthpaintError, ErrorCode, ModelError, ParameterError
from depthpaint.core.geometry import Extent
from depthpaint.engine import Prepared
from depthpaint.model_choice import ModelChoice
from depthpaint.models.registry import find_model
from depthpaint.record.infotext import SAMPLER_NAMES
from depthpaint.server.checks import png_of
from depthpaint.server.inputs import checked_request, prepared_as_web_ui, stored_depth, without_depth
from depthpaint.server.jobs import Job
from depthpaint.server.options import ServerOptions
from depthpaint.server.routes import Server, finished, server_of
from depthpaint.server.web_ui_fields import SIDE, UNIVERSAL_STEPS, TextToImage, sampler_of, schedule_of
from depthpaint.server.web_ui_lists import add_lists, model_title, models_by_title
from depthpaint.server.web_ui_start import FEWEST_STEPS, ImageToImage, Start, start_of
from depthpaint.server.web_ui_units import Unit, unit_of

FEW = 8
"""A model that paints in so many steps or fewer was trained for a guidance of its own."""
NOTE_HEADER = "X-Depthpaint-Changed"
Known = Annotated[Server, Depends(server_of)]


def model_named(title: object, options: ServerOptions) -> str:
    """The model of a title, as `sd-models` lists it, or of its name. Raises ModelError."""
    if title is None or title == "":
        return options.model
    known = models_by_title(options)
    if not isinstance(title, str) or title not in known:
        raise ModelError(
            "there is no such checkpoint on this server", code=ErrorCode.MODEL_NOT_FOUND,
            remedy="GET /sdapi/v1/sd-models lists them", value=str(title)[:80],
        )  # fmt: skip
    return known[title]


def prepare(
    server: Server, body: TextToImage, unit: Unit | None, start: Start | None
) -> tuple[Prepared, list[str]]:
    """Plan what a client asked for, and what was changed. Raises DepthpaintError."""
    options, changed = server.options, list[str]()
    model = model_named((body.override_settings or {}).get("sd_model_checkpoint"), options)
    habits = find_model(ModelChoice(model=model)).habits
    steps, guidance = body.steps, body.cfg_scale
    if habits.num_inference_steps <= FEW:
        if steps == UNIVERSAL_STEPS:
            steps = max(habits.num_inference_steps, FEWEST_STEPS if start else 0)
            changed.append(f"steps {steps} instead of {UNIVERSAL_STEPS}, as {model} needs")
        if guidance is not None and guidance != habits.guidance_scale:
            changed.append(f"cfg_scale {habits.guidance_scale:g} instead of {guidance:g}, as {model} needs")
        guidance = None
    sampler, karras = sampler_of(body.sampler_name or body.sampler_index)
    if habits.num_inference_steps <= FEW and (body.sampler_name or "Euler a") == "Euler a":
        sampler = None  # what every client sends by default
    side = min(SIDE, options.max_side)
    size = Extent(body.width or side, body.height or side)
    values: dict[str, Any] = {
        "prompt": body.prompt or "",
        "negative_prompt": body.negative_prompt or None,
        "model": model,
        "seed": secrets.randbelow(2**32) if body.seed in (None, -1) else body.seed,
        "count": (body.batch_size or 1) * (body.n_iter or 1),
        "size": size,
        "num_inference_steps": steps,
        "guidance_scale": guidance,
        "sampler": sampler,
        "schedule": schedule_of(body.scheduler) or karras,
    }
    given = {key: value for key, value in values.items() if value is not None}
    if not (body.prompt or "").strip():
        given["prompt"] = "a picture"
    checked_request({**given, "depth": "depth"}, options)
    if start is not None:
        given |= start.settings(options.out)
    if unit is None:
        path, flat = without_depth(size, options.out)
        given |= flat | ({"fit": start.fit} if start else {})
        changed.append("painted without a depth map: no ControlNet unit has an image")
    else:
        path = stored_depth(unit.depth, options.out)
        given |= {"control_strength": unit.strength, "control_window": unit.window, "fit": unit.fit}
        if unit.strength == 0:
            given["finish"] = False  # edges would be drawn along the depth map's
    return prepared_as_web_ui(server.engine, checked_request({**given, "depth": path}, options)), changed


def router_of(options: ServerOptions) -> APIRouter:
    """The routes of /sdapi/v1 and /controlnet."""
    router = APIRouter(tags=["web UI"])

    @router.post("/sdapi/v1/txt2img")
    async def txt2img(body: TextToImage, server: Known, request: HttpRequest) -> Response:  # pyright: ignore[reportUnusedFunction]
        """Paint a prompt with the layout of the depth map in a ControlNet unit."""
        return await _painted(server, request, body, None, [])

    @router.post("/sdapi/v1/img2img")
    async def img2img(body: ImageToImage, server: Known, request: HttpRequest) -> Response:  # pyright: ignore[reportUnusedFunction]
        """Paint over a picture, with the layout of the depth map in a ControlNet unit, if there is one."""
        start, changed = start_of(body)
        return await _painted(server, request, body, start, changed)

    @router.get("/sdapi/v1/progress")
    async def progress(server: Known, skip_current_image: bool = False) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """How far the picture is that is being painted, and what it looks like.

        Previews are made from the first request for them, so the first answer has none.
        """
        job = next(iter(server.queue.running), None)
        preview = None
        if job is not None and not skip_current_image:
            job.wants_previews = True
            preview = None if job.preview is None else base64.b64encode(png_of(job.preview)).decode()
        return _progress(job, server) | {"current_image": preview}

    @router.post("/sdapi/v1/interrupt")
    async def interrupt(server: Known) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """Stop what is being painted, but for jobs of /api/v1."""
        _interrupt(server)
        return {}

    @router.post("/sdapi/v1/skip")
    async def skip(server: Known) -> None:  # pyright: ignore[reportUnusedFunction]
        """As interrupt."""
        _interrupt(server)

    add_lists(router, options)
    return router


def _interrupt(server: Server) -> None:
    """This interface names no picture: all that are painted are meant, but for jobs of the native one."""
    for job in server.queue.running:
        if not job.durable:
            server.queue.cancel(job)


async def _painted(
    server: Server, request: HttpRequest, body: TextToImage, start: Start | None, changed: list[str]
) -> Response:
    if body.script_name:
        raise DepthpaintError(
            f"the script '{body.script_name[:60]}' is not supported", code=ErrorCode.SCRIPT_NOT_FOUND,
            remedy="leave script_name out",
        )  # fmt: skip
    unit = unit_of(body.alwayson_scripts)

    def plan() -> Prepared:
        prepared, noted = prepare(server, body, unit, start)
        changed.extend(noted)
        return prepared

    sent = await request.json()
    try:
        json.dumps(sent, allow_nan=False, ensure_ascii=False).encode()
    except ValueError as error:  # in fields that are ignored, too, because the answer repeats them
        raise ParameterError(
            "the request holds NaN, Infinity or half a surrogate pair", code=ErrorCode.INVALID_PARAMETER,
            remedy="send finite numbers and valid Unicode",
        ) from error  # fmt: skip
    job = await finished(server.queue, request, plan)
    return _answer(job, body, sent, changed)


def _progress(job: Job | None, server: Server) -> dict[str, Any]:
    share = 0.0 if job is None else (len(job.pictures) + job.step / max(1, job.steps)) / len(job.seeds)
    left = None if job is None else server.queue.left(job)
    state = {
        "skipped": False, "interrupted": job is not None and job.stop.is_set(),
        "job": "" if job is None else job.id[:8], "job_count": 0 if job is None else len(job.seeds),
        "job_timestamp": strftime("%Y%m%d%H%M%S", localtime(0 if job is None else job.created)),
        "job_no": 0 if job is None else len(job.pictures),
        "sampling_step": 0 if job is None else job.step, "sampling_steps": 0 if job is None else job.steps,
    }  # fmt: skip
    return {
        "progress": min(1.0, share), "eta_relative": left or 0.0, "state": state, "textinfo": None,
        "current_task": None,
    }  # fmt: skip


def _answer(job: Job, body: TextToImage, sent: dict[str, Any], changed: list[str]) -> JSONResponse:
    images = [base64.b64encode(each.path.read_bytes()).decode() for each in job.pictures]
    info = _info(job, body, changed)
    content = {
        "images": images if body.send_images is not False else [],
        "parameters": body.shown(sent) if isinstance(body, ImageToImage) else sent,
        "info": json.dumps(info),
    }
    headers = {NOTE_HEADER: "; ".join(changed).encode("ascii", "replace").decode()} if changed else {}
    return JSONResponse(content, headers=headers)


def _info(job: Job, body: TextToImage, changed: list[str]) -> dict[str, Any]:
    first, count = job.pictures[0], len(job.pictures)
    settings = job.settings
    assert settings is not None  # noqa: S101 - a job that was submitted here has its settings
    prompt, negative = body.prompt or "", body.negative_prompt or ""
    return {
        "prompt": prompt, "all_prompts": [prompt] * count,
        "negative_prompt": negative, "all_negative_prompts": [negative] * count,
        "seed": first.seed, "all_seeds": [each.seed for each in job.pictures],
        "subseed": first.seed, "all_subseeds": [each.seed for each in job.pictures], "subseed_strength": 0,
        "width": first.width, "height": first.height,
        "sampler_name": SAMPLER_NAMES.get(settings.sampler, settings.sampler),
        "cfg_scale": settings.guidance_scale, "steps": settings.num_inference_steps,
        "batch_size": body.batch_size or 1, "restore_faces": False, "face_restoration_model": None,
        "sd_model_name": settings.model, "sd_model_hash": first.weights[:10], "sd_vae_name": None,
        "sd_vae_hash": None, "seed_resize_from_w": -1, "seed_resize_from_h": -1,
        "denoising_strength": None if settings.init is None else settings.denoise,
        "extra_generation_params": {
            "depth": job.understood, "warnings": list(first.warnings), "changed": changed,
        },
        "index_of_first_image": 0, "infotexts": [each.infotext for each in job.pictures], "styles": [],
        "job_timestamp": strftime("%Y%m%d%H%M%S", localtime(job.created)), "clip_skip": 1,
        "is_using_inpainting_conditioning": False, "version": f"depthpaint {__version__}",
        "sd_model_checkpoint": model_title(settings.model),
    }  # fmt: skip
