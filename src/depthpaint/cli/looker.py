"""What `depthpaint verify` finds of one picture after the other: its depth, and with a CLIP its sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from depthpaint.core.errors import ErrorCode
from depthpaint.record.picture_source import pixels_of, recorded_depth
from depthpaint.verify.pairs import FORMATS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from depthpaint.engine import Engine
    from depthpaint.models.judges.clip import ClipJudge
    from depthpaint.request import Request
    from depthpaint.verify.agreement import Agreement
    from depthpaint.verify.pairs import Pair

MAP_KEY = "depthpaint-verified"
"""The text of a map's PNG by which an earlier one is known."""


@dataclass
class Looker:
    """Looks at one picture after the other, with models that stay loaded; keeps the judges' `cautions`."""

    engine: Engine
    estimator: str
    clip: ClipJudge | None
    maps: Path | None
    cautions: set[str] = field(default_factory=set[str])
    max_pixels: int | None = None

    def row(self, pair: Pair, name: str) -> dict[str, object]:
        """What is found of a picture; its map is called `name`. Raises DepthpaintError."""
        from depthpaint.verify.agreement import agreement

        if pair.problem is not None:
            raise pair.problem
        pixels = pixels_of(pair.image, FORMATS)
        _require_sides(pair.image, pixels)
        request, sentence = _asked(pair, self.max_pixels)
        found = agreement(self.engine, request, pixels, self.estimator)
        if found.caution:
            self.cautions.add(f"seen by {found.estimator}, {found.caution}")
        row = _row(pair.image, found)
        if self.maps is not None:
            _draw(self.maps / name, found)
            row["map"] = str(self.maps / name)
        if self.clip is not None:
            judged = self.clip.scores(pixels, sentence)
            text = {} if judged.text is None else {"clip_score": round(judged.text, 3)}
            row |= {**text, "clip_iqa": round(judged.quality, 4), "clip": self.clip.name}
        return row


def clip_judge(name: str | None) -> ClipJudge | None:
    """The CLIP that --clip names; None without a name. Raises ModelError."""
    if name is None:
        return None
    try:
        # The door to torch, which only this needs.
        judge: ClipJudge = import_module("depthpaint.models.judges.clip").ClipJudge(name)
    except ModuleNotFoundError as error:
        from depthpaint.models.estimators.registry import needs_extra

        raise needs_extra(error) from error
    return judge


def _asked(pair: Pair, max_pixels: int | None) -> tuple[Request, str | None]:
    """What was asked for, and the sentence if a record says it."""
    from depthpaint.core.geometry import Fit
    from depthpaint.record.png_text import read_record
    from depthpaint.record.run_record import RecordError
    from depthpaint.request import request_from

    try:
        record = read_record(pair.image)
        source = recorded_depth(record, pair.image, pair.depth, max_pixels)
        request = record.request(source, {"max_pixels": max_pixels})
    except RecordError as error:
        if error.code is not ErrorCode.RECORD_MISSING or pair.depth is None:
            raise
        # A picture from elsewhere: the map is taken to cover it.
        limit = {} if max_pixels is None else {"max_pixels": max_pixels}
        return request_from({"depth": pair.depth, "prompt": "", "fit": Fit.STRETCH, **limit}), None
    return request, request.prompt


def _require_sides(image: Path, pixels: NDArray[np.uint8]) -> None:
    from depthpaint.inputs.size_limit import MIN_SIDE
    from depthpaint.record.run_record import RecordError

    height, width = pixels.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise RecordError(
            f"{image} is too small: {width}x{height} pixels, and each side needs at least {MIN_SIDE}",
            code=ErrorCode.PICTURE_UNREADABLE,
            value=f"{width}x{height}",
            limit=MIN_SIDE,
            remedy="give a larger picture",
        )


def _draw(target: Path, found: Agreement) -> None:
    from depthpaint.core.files import make_folder, replace_own
    from depthpaint.record.png_text import encode_png
    from depthpaint.verify.error_map import error_map

    make_folder(target.parent)
    data = encode_png(error_map(found), {MAP_KEY: "1"})
    replace_own(target, data, lambda proof: MAP_KEY.encode() in proof)


def _row(image: Path, found: Agreement) -> dict[str, object]:
    likeness = found.likeness
    return {
        "path": str(image),
        "rank_correlation": round(likeness.rank_correlation, 4),
        "detail_correlation": round(likeness.detail_correlation, 4),
        "affine_rmse": round(likeness.affine_rmse, 4),
        "abs_rel": round(likeness.abs_rel, 4),
        "delta_1_25": round(likeness.delta_1_25, 4),
        "rmse_8bit": round(likeness.rmse_8bit, 2),
        "edge_f_score": round(found.edge_f_score, 4),
        "estimator": found.estimator,
    }
