"""The observations say what their data says, and the maps they were made with are those that are kept."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

from depthpaint.depth.read import read_depth
from depthpaint.request import reading_from
from observations.aspect import Found, agreement, aspect_document, direction
from observations.latency import latency_document, levers_of
from observations.observe import FIRST_SEED, HERE, RATIOS, SEEDS, twins
from observations.write import as_markdown, documents, loaded


@pytest.mark.full
@pytest.mark.parametrize("name", ["aspect", "latency"])
def test_the_text_is_made_from_the_data_that_lies_beside_it(name: str) -> None:
    kept = (HERE / f"{name}.md").read_text(encoding="utf-8")
    assert as_markdown(documents()[name], name) == kept, "run python -m observations.write"


def test_every_map_was_painted_at_every_ratio_in_every_way_and_run() -> None:
    rows = loaded("aspect")["rows"]
    assert len(rows) == len(twins()) * len(RATIOS.split(",")) * 4 * SEEDS * len(FIRST_SEED)
    assert len({(row["run"], row["seed"]) for row in rows}) == SEEDS * len(FIRST_SEED), (
        "other seeds in each run"
    )


@pytest.mark.full
def test_a_planted_loss_is_said_and_a_planted_difference_between_runs_is_counted() -> None:
    data = deepcopy(loaded("aspect"))
    names = dict.fromkeys((twin["depth"] for twin in twins()), "")
    renders = dict.fromkeys(names, 0.5)
    for row in data["rows"]:
        row["depth_agreement"] = 0.1 if (row["ratio"], row["way"]) == ("3:1", "crop") else 0.8
    document = aspect_document(data, names, renders)
    assert document.summary[0] == "By crop: the depth is obeyed less at 3:1."
    assert document.summary[1] == "By pad: no difference from 1:1 is seen at any ratio."
    for row in data["rows"]:
        if row["run"] == 2 and (row["ratio"], row["way"]) == ("3:1", "crop"):
            row["depth_agreement"] = 0.9
    assert "overlap in 23, and 23 say the same" in document_text(aspect_document(data, names, renders))
    assert direction(Found(data["rows"]).of_run(2).apart(agreement, "3:1", "crop")) == 1


def test_a_lever_that_is_slower_saves_nothing() -> None:
    data = deepcopy(loaded("latency"))
    for row in data["rows"]:
        row["seconds"] = [1.0] if row["lever"] == "as it is" else [2.0]
    assert not any(lever.saves for lever in levers_of(data["rows"]))
    assert "No time worth speaking of" in latency_document(data).summary[-1]


def document_text(document: object) -> str:
    from depthpaint.report.document import Document

    assert isinstance(document, Document)
    return as_markdown(document, "aspect")


@pytest.mark.parametrize("twin", twins(), ids=lambda twin: twin["depth"])
def test_the_maps_are_understood_as_what_they_are(twin: dict[str, str]) -> None:
    reading = reading_from({"near": twin["near"]} if twin["near"] else {})
    depth = read_depth(Path(HERE, "twins", twin["depth"]), reading)
    height = depth.values.shape[0]
    assert (
        depth.values[height * 3 // 4 :].mean() > depth.values[: height // 4].mean()
        or twin["depth"] in NEAR_ABOVE
    )


NEAR_ABOVE = {"2_nocrop.png", "2.png", "4.png", "5.png"}
"""Rooms whose ceiling or side wall comes as near as the floor."""
