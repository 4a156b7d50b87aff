"""`depthpaint mcp`: the tools of the server for language models, over standard input and output."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from depthpaint.cli import completion, options, painting
from depthpaint.cli.serve import PACKAGES
from depthpaint.core.errors import require_packages
from depthpaint.models.painter import Runtime


@options.grouped
def mcp(
    out: Annotated[Path, typer.Option(help="Folder for pictures, depth maps and jobs.")] = Path(
        "output_images"
    ),
    root: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder in which depth maps may be named by a path. May be repeated. Default: this one."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Model of requests that name none.", autocompletion=completion.models)
    ] = "diorama",
    runtime: Runtime = options.RUNTIME,
) -> None:
    """Serve MCP over standard input and output: an MCP host starts this program.

    Example: depthpaint mcp --root /home/me/maps
    """
    require_packages(PACKAGES, "the server", "server")
    from depthpaint.server.logs import start_logging
    from depthpaint.server.mcp_tools import make_mcp
    from depthpaint.server.options import ServerOptions
    from depthpaint.server.queue import JobQueue
    from depthpaint.server.store import JobStore

    start_logging("auto", quiet=True)
    chosen = ServerOptions(out=out.resolve(), model=model)
    engine = painting.make_engine(runtime)

    async def run() -> None:
        store = JobStore(chosen.out)
        queue = JobQueue(engine, chosen, store)
        await queue.start()
        roots = (*(root or [Path.cwd()]), chosen.out)
        await make_mcp(engine, chosen, queue, roots).run_stdio_async()
        store.close()

    asyncio.run(run())
