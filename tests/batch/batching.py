"""A batch with a fake model, its manifests, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from depthpaint.batch.manifest import Manifest, Shard
from depthpaint.batch.painting import OnePainter, Painters
from depthpaint.batch.progress import Listener, Tally
from depthpaint.batch.run import Batch
from depthpaint.batch.survey import survey
from depthpaint.core.errors import DepthpaintError
from depthpaint.engine import Engine
from depthpaint.verification.choosing import Requirement
from fake_painter import FakeEstimator, FakePainter, offering


@dataclass
class Told:
    """What a listener was told."""

    pictures: list[str] = field(default_factory=list[str])
    failures: list[tuple[int, DepthpaintError]] = field(default_factory=list[tuple[int, DepthpaintError]])
    tally: Tally = field(default_factory=Tally)
    orphans: list[str] = field(default_factory=list[str])

    @property
    def counts(self) -> tuple[int, int, int]:
        """Painted, there before, failed."""
        return self.tally.painted, self.tally.there, self.tally.failed


Paint = Callable[..., Told]


def fake_engine() -> Engine:
    """An engine whose model has no weights."""
    return Engine(find=offering(FakePainter()), load_estimator=FakeEstimator)


def paint_all(
    manifest: Path | Manifest,
    out: str = "out",
    *,
    painters: Painters | None = None,
    defaults: Mapping[str, object] | None = None,
    overwrite: bool = False,
    required: Requirement | None = None,
) -> Told:
    """Survey and paint; what the listener was told."""
    rows = manifest if isinstance(manifest, Manifest) else Manifest(manifest)
    told, set_for_all = Told(), {"num_inference_steps": "2", **(defaults or {})}
    listener = Listener(
        lambda path, painted: told.pictures.append(path.name),
        lambda line, error: told.failures.append((line, error)),
        lambda tally, left: None,
    )
    batch = Batch(rows, set_for_all, Path(out), listener, overwrite=overwrite, required=required)
    told.tally = batch.tally
    batch.run(painters or OnePainter(fake_engine()), survey(rows, set_for_all, folder=Path(out)))
    told.orphans = list(batch.orphans())
    return told


def write_rows(path: str, rows: list[dict[str, object]]) -> Path:
    """A JSONL manifest of these rows."""
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return Path(path)


def some_rows(count: int) -> list[dict[str, object]]:
    """Rows of two maps that differ in their seeds."""
    return [
        {"depth": "ab"[k % 2] + ".npy", "prompt": f"ball {k}", "seed": k, "size": "16x24"}
        for k in range(count)
    ]


def content(folder: str | Path = "out") -> dict[str, bytes]:
    """Every file of a folder but the times, which no two runs have in common."""
    return {
        path.name: path.read_bytes() for path in Path(folder).iterdir() if not path.name.startswith("times")
    }


def in_shards(manifest: Path, of: int) -> list[Manifest]:
    """The manifest's shards."""
    return [Manifest(manifest, Shard(index + 1, of)) for index in range(of)]


def lines_of(name: str, folder: str | Path = "out") -> list[dict[str, Any]]:
    """The lines of a file that a batch keeps, behind its header."""
    path = Path(folder, f"{name}.jsonl")
    first, *lines = [json.loads(line) for line in path.read_text().splitlines()]
    kind = "ledger" if name.startswith("records") else name
    assert first == {"version": 2, "depthpaint": kind}
    return lines
