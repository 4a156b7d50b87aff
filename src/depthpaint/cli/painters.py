"""Who paints many pictures: an engine here, or several on Ray."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from depthpaint.core.errors import ErrorCode, ParameterError

if TYPE_CHECKING:
    from collections.abc import Generator

    from depthpaint.batch.painting import Painters
    from depthpaint.models.runtime import Runtime


@contextmanager
def painters_of(ray: str | None, workers: int | None, runtime: Runtime) -> Generator[Painters]:
    """The painters that --ray and --workers name. Raises ParameterError, and what Ray's own raise."""
    from depthpaint.batch.painting import OnePainter
    from depthpaint.cli.painting import make_engine

    if ray is None:
        if workers is not None:
            raise ParameterError(
                "--workers without --ray has nobody to work",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="add --ray local",
            )
        yield OnePainter(make_engine(runtime))
        return
    from depthpaint.batch.ray_cluster import painters_on_ray

    with painters_on_ray(ray, runtime, workers) as painters:
        yield painters
