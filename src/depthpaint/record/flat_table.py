"""Records as a flat table in CSV, one line a picture, for spreadsheets and data frames."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from depthpaint.record.paths import path_from_text
from depthpaint.record.run_record import RunRecord
from depthpaint.record.sections import AgreementFacts

SETTINGS = (
    "prompt", "negative_prompt", "seed", "model", "num_inference_steps", "guidance_scale", "control_strength",
    "sampler", "schedule", "fit",
)  # fmt: skip
SCORES = tuple(name for name in AgreementFacts.model_fields if name not in ("first_seed", "least"))
COLUMNS = (
    "file", "depth", *SETTINGS, "width", "height", "expanded_prompt", "near", "kind", *SCORES, "seconds",
    "warnings", "sha256",
)  # fmt: skip
"""`file` is the picture, `depth` its depth map as the record names it, `seconds` what painting it took (empty
in a batch, which keeps times in times.jsonl), `warnings` their number, `sha256` the digest of the pixels."""


def csv_of(records: Iterable[tuple[str, RunRecord]]) -> bytes:
    """The table of pictures, each with the name of its file. UTF-8; unknown values are empty."""
    return csv_table(COLUMNS, (_row(file, record) for file, record in records))


def csv_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A table in CSV, UTF-8; None is an empty cell."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode(errors="backslashreplace")


def is_table(proof: bytes) -> bool:
    """Whether a file with this start is such a table."""
    return proof.startswith(",".join(COLUMNS[:6]).encode())


def _row(file: str, record: RunRecord) -> list[object]:
    settings, agreement = record.settings.model_dump(mode="json"), record.agreement
    scores = {} if agreement is None else agreement.model_dump(mode="json")
    width, height = record.plan.output_size
    return [
        file, path_from_text(record.depth.file), *(settings[name] for name in SETTINGS), width, height,
        record.plan.expanded_prompt, record.depth.near, record.depth.kind,
        *(scores.get(name) for name in SCORES), record.seconds.get("picture"), len(record.warnings),
        record.digests.picture,
    ]  # fmt: skip
