"""`generate` with --verify, --min-agreement, --best-of: other seeds are tried, bounded, the best is kept.

The fakes' agreement depends on the seed's noise alone, so every seed's own is measured first.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from depthpaint.models.diorama.family import expanded
from depthpaint.record.picture_file import read_record
from depthpaint.verification import choosing
from fake_painter import FakePainter

Run = Callable[..., tuple[int, str, str]]

JUDGED = ("--verify-with", "fake", "--json", "--strength", "0.3")


def generated(cli: Run, *arguments: object, status: int = 0) -> list[dict[str, Any]]:
    found, out, err = cli("generate", "depth.npy", "a room", *JUDGED, *arguments)
    assert found == status, err
    return json.loads(out)["images"]


@pytest.fixture
def alone(cli: Run) -> dict[int, float]:
    """Each seed's agreement when it is painted alone."""
    return {
        seed: generated(cli, "--seed", seed, "--out", "alone")[0]["agreement"]["depth_agreement"]
        for seed in range(12)
    }


def test_the_agreement_is_told_and_kept_in_the_record(cli: Run) -> None:
    status, out, err = cli("generate", "depth.npy", "a room", "--verify-with", "fake")
    assert status == 0
    path = Path(out.strip())
    found = read_record(path).agreement
    assert found is not None
    assert found.estimator == "fake"
    assert f"{path.name}: depth agreement {found.depth_agreement:.3f} (a wrong map: below " in err
    assert f"mirrored: {found.mirrored_agreement:.3f})" in err
    _, out, _ = cli("verify", path, "--estimator", "fake", "--json")
    (again,) = json.loads(out)["images"]
    for score in ("depth_agreement", "mirrored_agreement", "edge_f_score", "rank_correlation"):
        assert again[score] == pytest.approx(getattr(found, score), abs=1e-4)
    assert "bit-equal" in cli("replay", path)[1]


def test_nobody_looks_unasked(cli: Run) -> None:
    status, out, err = cli("generate", "depth.npy", "a room")
    assert status == 0
    assert "correlation" not in err
    assert read_record(Path(out.strip())).agreement is None


@pytest.mark.full
@pytest.mark.parametrize("steps", [4, 16])
def test_the_best_of_several_is_kept(
    cli: Run, alone: dict[int, float], painter: FakePainter, steps: int
) -> None:
    # With 4 steps the picture is not verified halfway, and other step counts have other numbers.
    if steps == 4:
        alone = {
            seed: generated(cli, "--seed", seed, "--steps", 4)[0]["agreement"]["depth_agreement"]
            for seed in range(12)
        }
        shutil.rmtree("output_images")
    painter.calls.clear()
    (image,) = generated(cli, "--seed", 0, "--best-of", 12, "--steps", steps)
    best = max(alone, key=lambda seed: alone[seed])
    assert image["agreement"]["depth_agreement"] >= alone[best] - (choosing.WORSE_BY if steps == 16 else 1e-9)
    if steps == 4:
        assert image["seed"] == best
        assert image["agreement"]["tries"] == best + 1
        assert painter.calls["predict"] == 12 * 4
    assert Path(image["path"]).exists()
    assert len(list(Path("output_images").glob("*.png"))) == 1, "the others are not saved"


@pytest.mark.full
def test_a_try_that_is_worse_halfway_is_given_up(
    cli: Run, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "WORSE_BY", 0.0)
    (image,) = generated(cli, "--seed", 0, "--best-of", 12, "--steps", 16)
    assert 16 + 11 * 8 <= painter.calls["predict"] < 12 * 16
    assert read_record(Path(image["path"])).agreement is not None


@pytest.mark.full
def test_tries_end_at_the_first_that_agrees(cli: Run, alone: dict[int, float]) -> None:
    first, second = alone[0], max(alone[seed] for seed in range(1, 12))
    if first >= second:
        pytest.skip("the first seed is the best: nothing to try")
    enough = next(seed for seed in range(1, 12) if alone[seed] > first)
    least = (first + alone[enough]) / 2
    (image,) = generated(cli, "--seed", 0, "--min-agreement", least, "--tries", 12)
    assert image["agreement"]["depth_agreement"] >= least
    assert image["seed"] == next(seed for seed in range(12) if alone[seed] >= least)


@pytest.mark.full
def test_pictures_do_not_try_each_others_seeds(cli: Run, painter: FakePainter) -> None:
    images = generated(
        cli, "--seed", 2**32 - 2, "--count", 3, "--min-agreement", 1, "--tries", 2, "--no-expand", status=4
    )
    tried = {image["seed"] for image in images}
    assert len(tried) == 3
    assert {seed % 2**32 for seed in tried} <= {2**32 - 2, 2**32 - 1, 0, 1, 2, 3}
    assert [(image["seed"] - 2**32 + 2) % 2**32 % 3 for image in images] == [0, 1, 2]
    assert painter.calls["encode_text"] == 2, "the model and its sentences are kept between tries"


@pytest.mark.full
def test_each_picture_heard_what_its_chosen_seed_drew(cli: Run) -> None:
    images = generated(cli, "--seed", 3, "--count", 3, "--min-agreement", 1, "--tries", 3, status=4)
    assert any(image["agreement"]["tries"] > 1 for image in images), "another seed is to win somewhere"
    for image in images:
        prompt = read_record(Path(image["path"])).plan.expanded_prompt
        assert prompt == expanded("a room", image["seed"])
    assert cli("replay", *(image["path"] for image in images))[1].count("bit-equal") == 3


def test_what_never_agrees_is_kept_and_said(cli: Run) -> None:
    status, out, err = cli(
        "generate", "depth.npy", "a room", "--verify-with", "fake", "--min-agreement", "1", "--tries", "2"
    )
    assert status == 4
    assert Path(out.strip()).exists()
    assert "1 of 1 pictures agree less than 1 in 2 tries" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--best-of", 3, "--min-agreement", 0.5), "one or the other"),
        (("--tries", 3), "--min-agreement 0.6"),
        (("--best-of", 3, "--preview-every", 2), "--preview-every"),
        (("--best-of", 0), "--best-of"),
        (("--min-agreement", 2), "--min-agreement"),
    ],
)
def test_wishes_that_make_no_sense_are_refused(cli: Run, arguments: tuple[object, ...], words: str) -> None:
    status, out, err = cli("generate", "depth.npy", "a room", "--verify-with", "fake", *arguments)
    assert status in {2, 3}
    assert out == ""
    assert words in err
    assert not Path("output_images").exists()
