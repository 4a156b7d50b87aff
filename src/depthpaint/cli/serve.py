"""`depthpaint serve`: one server for the native, the AUTOMATIC1111 and the OpenAI interface."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Literal

import typer

from depthpaint.cli import completion, options, painting
from depthpaint.cli.terminal import inform
from depthpaint.core.errors import require_packages
from depthpaint.models.painter import MOST_THREADS, Runtime

PACKAGES = ("fastapi", "uvicorn", "sse_starlette", "prometheus_client", "python_multipart", "mcp")


@options.grouped
def serve(  # noqa: PLR0913 - one parameter a flag
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port. 0: any free one.")] = 7860,
    model: Annotated[
        str, typer.Option(help="Model of requests that name none.", autocompletion=completion.models)
    ] = "diorama",
    out: Annotated[Path, typer.Option(help="Folder for pictures, depth maps and jobs.")] = Path(
        "output_images"
    ),
    max_queue: Annotated[
        int | None,
        typer.Option(
            help="Requests that wait beside the one that is painted. Default 8, or DEPTHPAINT_MAX_QUEUE."
        ),
    ] = None,
    parallel: Annotated[
        int,
        typer.Option(
            min=0,
            max=MOST_THREADS,
            help="Pictures painted side by side when several requests wait. 0: one a core; 1: never.",
        ),
    ] = 0,
    max_side: Annotated[
        int | None, typer.Option(help="Longest side of a picture. Default 2048, or DEPTHPAINT_MAX_SIDE.")
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(help="Most steps of a picture. Default 150, or DEPTHPAINT_MAX_STEPS.")
    ] = None,
    max_wait: Annotated[
        float | None,
        typer.Option(min=1, help="Refuse requests that would wait longer, by an estimate in seconds."),
    ] = None,
    memory: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="GiB of weights that stay loaded; beyond, the longest unused models are unloaded.",
        ),
    ] = None,
    stall: Annotated[
        int,
        typer.Option(
            min=1,
            help="Seconds without a step after which a picture has failed, and /healthz says so.",
        ),
    ] = 900,
    api_key_file: Annotated[
        Path | None,
        typer.Option(
            help="File whose first line is the key that clients must send. Or set DEPTHPAINT_API_KEY."
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A further name of this server, behind a proxy. May be repeated.")
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="A web site whose pages may call, like https://example.org. May be repeated."),
    ] = None,
    ray: options.RayCluster = options.RAY,
    runtime: Runtime = options.RUNTIME,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    log_format: Annotated[
        Literal["auto", "text", "json"],
        typer.Option(
            metavar="auto|text|json",
            help="Lines of the log on stderr. auto: text on a terminal, JSON elsewhere.",
        ),
    ] = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Serve HTTP: jobs at /api/v1, AUTOMATIC1111's /sdapi/v1 and OpenAI's /v1, until Ctrl-C.

    \b
    Examples:
      depthpaint serve
      depthpaint serve --host 0.0.0.0 --api-key-file key.txt --allow-host pictures.example.org
    """  # fmt: skip
    require_packages(PACKAGES, "the server", "server")
    from depthpaint.server.logs import start_logging
    from depthpaint.server.options import QUEUE, SIDE, STEPS, ServerOptions, key_from, number_from
    from depthpaint.server.ray_pictures import pictures_on_ray
    from depthpaint.server.run import serve as run

    env = os.environ
    chosen = ServerOptions(
        out=out.resolve(), host=host, port=port, model=model,
        max_queue=number_from(env, QUEUE, 8) if max_queue is None else max_queue,
        max_side=number_from(env, SIDE, 2048) if max_side is None else max_side,
        max_steps=number_from(env, STEPS, 150) if max_steps is None else max_steps,
        parallel=parallel, stall=stall, max_wait=max_wait, api_key=key_from(env, api_key_file),
        allow_hosts=tuple(allow_host or ()), allow_origins=tuple(allow_origin or ()),
    )  # fmt: skip
    start_logging(log_format, quiet=quiet)

    def ready(address: str) -> None:
        inform(f"listening on {address}", quiet=quiet)
        if open_page:
            typer.launch(address)

    engine = painting.make_engine(runtime, None if memory is None else int(memory * (1 << 30)))
    with pictures_on_ray(ray.address, runtime, ray.workers) if ray.address else nullcontext() as remote:
        run(engine, chosen, ready, remote)
