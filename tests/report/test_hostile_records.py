"""Whatever a picture's record holds: reports end soon, and nothing but a typed error is raised."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from depthpaint.core.errors import DepthpaintError
from depthpaint.record.encode import RECORD_KEY, encode_png
from depthpaint.record.result import record_of
from depthpaint.record.run_record import RecordError, RunRecord
from depthpaint.record.sections import AgreementFacts
from depthpaint.report.account import account, gather
from depthpaint.report.document import as_html, as_pdf
from depthpaint.report.shown import shown
from painted import HOSTILE, result_of

NASTY: list[Any] = [
    0, -1, 1, 2**31, 2**63, 10**400, -(10**30), 0.5, -0.0, 1e308, -1e308, 5e-324, float("nan"),
    float("inf"), "NaN", "", "x", "x" * 10_000, "x" * 1_000_000, "\n" * 5000, "猫\u202e\x1b[2J", "$x^2$" * 50,
    None, True, [], [0, 0], [5, 0], [8192, 8192], [0.0, 1e308], ["inf"] * 5000, [[]] * 1000, {}, {"a": 1e308},
    {"x" * 5000: 1.0}, {str(k): 1.0 for k in range(3000)},
]  # fmt: skip


@lru_cache
def true_record() -> str:
    """A record in which every field is there."""
    made = record_of(result_of(also="canny", lora="style.safetensors"), 0)
    found = AgreementFacts(
        estimator="a judge", depth_agreement=0.5, mirrored_agreement=0.1, rank_correlation=0.5,
        detail_correlation=0.6, affine_rmse=0.1, abs_rel=0.2,
        delta_1_25=0.9, rmse_8bit=20.0, edge_f_score=0.5,
    )  # fmt: skip
    return made.model_copy(update={"agreement": found}).to_json()


def fields(value: Any, *before: str | int) -> Iterator[tuple[str | int, ...]]:
    """The way to every field, however deep."""
    items: Any = ()
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
    elif isinstance(value, list):
        items = enumerate(cast("list[Any]", value))
    for key, inner in items:
        yield (*before, key)
        yield from fields(inner, *before, key)


FIELDS = list(fields(json.loads(true_record())))


def changed(path: tuple[str | int, ...], value: Any) -> str:
    record = json.loads(true_record())
    place = record
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(record)


def told(folder: Path) -> tuple[str, bytes]:
    """The HTML and the PDF of a folder."""
    gathered = gather(folder)
    seen = [shown(one, one.path.name) for one in gathered.painted]
    document = account(gathered, [one for one in seen if one is not None], "Odd records")
    return as_html(document), as_pdf(document)


def save(path: Path, record: str) -> None:
    path.write_bytes(encode_png(result_of().pictures[0].pixels, {RECORD_KEY: record}))


@pytest.mark.parametrize("path", FIELDS, ids=lambda path: ".".join(map(str, path)))
def test_each_field_takes_any_value_or_is_refused(path: tuple[str | int, ...]) -> None:
    """What is read can be written, asked for again, and has the bounds of a request."""
    for value in NASTY:
        try:
            record = RunRecord.from_json(changed(path, value))
        except RecordError as error:
            assert len(str(error)) < 400
            assert str(error).isprintable()
            continue
        assert RunRecord.from_json(record.to_json()) == record
        assert max(record.settings.size) <= 32_768
        assert min(record.plan.output_size) >= 1
        assert len(record.plan.expanded_prompt or "") < 20_000
        try:
            record.request(Path("d.png"))
        except DepthpaintError as error:
            assert str(error).isprintable()


def test_nested_without_end_is_refused() -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    for path in FIELDS[:10]:
        with pytest.raises(RecordError):
            RunRecord.from_json(changed(path, deep))


@pytest.mark.full
def test_a_folder_of_odd_records_is_a_report(tmp_path: Path) -> None:
    """Every record that is read is shown, all others are named; neither page nor PDF grows without bound."""
    read = 0
    for number, path in enumerate(FIELDS):
        for place, value in enumerate(NASTY):
            text = changed(path, value)
            try:
                RunRecord.from_json(text)
            except RecordError:
                continue
            read += 1
            if read % 7 == 0:
                save(tmp_path / f"{number}-{place}.png", text)
    save(tmp_path / "zero.png", changed(("plan", "output_size"), [5, 0]))
    gathered = gather(tmp_path)
    assert len(gathered.painted) > 30
    assert [path.name for path, _ in gathered.left_out] == ["zero.png"]
    page, pdf = told(tmp_path)
    assert "zero.png" in page
    assert len(page) < 100_000 * len(gathered.painted)
    assert len(PdfReader(BytesIO(pdf)).pages) < 10 * len(gathered.painted)


@pytest.mark.full
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    prompt=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=300),
    seconds=st.floats(0, 1e9), agreement=st.floats(-1, 1), width=st.integers(1, 32_768),
    height=st.integers(1, 32_768), model=st.sampled_from(["m", "$m$", "x" * 4000, *HOSTILE]),
)  # fmt: skip
def test_any_legal_record_is_a_page(
    tmp_path_factory: pytest.TempPathFactory, prompt: str, seconds: float, agreement: float, width: int,
    height: int, model: str,
) -> None:  # fmt: skip
    record = json.loads(true_record())
    record["settings"] |= {"prompt": prompt, "size": [width, height], "model": model or "m"}
    record["plan"]["output_size"] = [width, height]
    record["seconds"]["picture"] = seconds
    record["agreement"] |= {"rank_correlation": agreement, "depth_agreement": agreement}
    folder = tmp_path_factory.mktemp("odd")
    save(folder / "a.png", json.dumps(record))
    save(folder / "b.png", true_record())
    gathered = gather(folder)
    assert [path for path, why in gathered.left_out if "settings" not in why] == []
    as_html(account(gathered, (), "Any"))


@pytest.mark.full
def test_long_texts_are_cut_and_say_so(tmp_path: Path) -> None:
    record = json.loads(true_record())
    record["settings"]["prompt"] = "word" * 2500
    record["warnings"] = ["warn " * 10_000]
    record["settings"]["model"] = "m" * 4000
    for number in range(12):
        save(tmp_path / f"{number}.png", json.dumps(record))
    page, pdf = told(tmp_path)
    text = "".join(sheet.extract_text() for sheet in PdfReader(BytesIO(pdf)).pages)
    plain = text.replace("\n", "")
    assert "(10,000 characters)" in plain
    assert "characters, which is in the HTML report (report --html)" in plain
    assert len(plain) < 12 * 4000
    assert page.count("word" * 2500) == 12, "the recipe is whole, for copying"
    assert page.count("warn ") < 12 * 300


def test_a_record_beyond_all_bounds_costs_no_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RecordError):
        RunRecord.from_json(changed(("plan", "timesteps"), [1.0] * 700_000))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000
