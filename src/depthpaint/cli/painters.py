"""Who paints many pictures: an engine here, or several on Ray."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from depthpaint.core.errors import ErrorCode, ParameterError

if TYPE_CHECKING:
    from collections.abc import Generator

    from depthpaint.batch.painting import Painters
    from depthpaint.engine import Engine


def require_ray_for(workers: int | None, ray: str | None) -> None:
    """Raise ParameterError for a number of workers who have nowhere to work."""
    if workers is not None and ray is None:
        raise ParameterError(
            "--workers without --ray has nobody to work",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="add --ray local",
        )


@contextmanager
def painters_of(ray: str | None, workers: int | None, engine: Engine) -> Generator[Painters]:
    """`engine`, or the painters that --ray and --workers name, which compute where it does.

    Raises ParameterError, and what Ray's own raise.
    """
    from depthpaint.batch.painting import OnePainter

    require_ray_for(workers, ray)
    if ray is None:
        yield OnePainter(engine)
        return
    from depthpaint.batch.ray_cluster import painters_on_ray

    with painters_on_ray(ray, engine.runtime, workers) as painters:
        yield painters
