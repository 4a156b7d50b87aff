"""A run's folder with a few worlds of each area."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from training.worlds import shards
from training.worlds.shards import LARGE, SMALL, make_shard, render_shard


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    (folder / "worlds").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "make_shard", partial(make_shard, count=8))
        for area in (SMALL, LARGE):
            render_shard(folder / "worlds", 0, area)
    return folder
