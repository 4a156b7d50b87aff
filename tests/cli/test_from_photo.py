"""A photo without depth at the command line, with an estimator without weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthpaint.cli import painting
from depthpaint.engine import Engine
from depthpaint.models.estimators.registry import DEFAULT, DEPTH_ANYTHING
from depthpaint.record.picture_file import read_record
from depthpaint.record.run_record import RecordError, RunRecord
from fake_painter import FakePainter, offering

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def photo(work: Path) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)).save(
        work / "photo.jpg"
    )
    return work / "photo.jpg"


@pytest.mark.usefixtures("photo")
def test_a_photo_is_refused_with_the_flag_and_painted_with_it(cli: Run, work: Path) -> None:
    status, _, err = cli("generate", "photo.jpg", "p")
    assert status == 3
    assert "--from-photo" in err
    status, out, err = cli("generate", "photo.jpg", "p", "--from-photo", "--steps", 2)
    assert status == 0, err
    record = read_record(work / out.strip())
    assert record.depth.estimator == DEFAULT
    assert len(record.depth.estimator_sha256) == 64
    assert record.depth.estimator_revision == "0" * 40
    assert record.settings.reading.from_photo == DEFAULT
    status, text, _ = cli("replay", out.strip())
    assert (status, "bit-equal" in text) == (0, True)


@pytest.mark.usefixtures("photo")
def test_the_doctor_writes_what_was_seen(cli: Run, work: Path) -> None:
    status, _, err = cli("inspect", "photo.jpg", "--from-photo", "--as", "depth.png")
    assert status == 0, err
    written = np.asarray(Image.open(work / "depth.png")).astype(int)
    assert written[-10:].mean() > written[:10].mean()
    (row,) = json.loads(cli("inspect", "photo.jpg", "--estimator", "mine", "--json")[1])["files"]
    assert (row["estimator"], row["near"]) == ("mine", "white")
    assert "mine" in row["evidence"]["near"]


@pytest.mark.usefixtures("photo")
def test_numbers_are_no_photo(cli: Run) -> None:
    status, _, err = cli("generate", "depth.npy", "p", "--from-photo")
    assert status == 3
    assert "not a photo" in err


@pytest.mark.usefixtures("photo")
def test_without_weights_it_says_how_to_get_them(
    cli: Run, painter: FakePainter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))

    def make_engine(_: object = None) -> Engine:
        return Engine(find=offering(painter))

    monkeypatch.setattr(painting, "make_engine", make_engine)
    status, out, err = cli("generate", "photo.jpg", "p", "--estimator", DEPTH_ANYTHING)
    assert (status, out) == (7, "")
    assert "depthpaint models pull depth-anything-v2-small" in err
    assert err.count("\n") == 1
    status, _, err = cli("generate", "photo.jpg", "p", "--from-photo", "--estimator", "unknown")
    assert status == 5
    assert "depth-anything-v2-small" in err


def test_only_what_is_listed_can_be_pulled(cli: Run) -> None:
    status, _, err = cli("models", "pull", "sd99")
    assert status == 5
    assert "depth-anything-v2-small" in err
    assert "depth-anything-v2-small" in cli("models", "list")[1]
    for row in json.loads(cli("models", "list", "--json")[1])["estimators"]:
        assert row["revision"] in (None, "main") or len(row["revision"]) == 40


@pytest.mark.usefixtures("photo")
def test_an_estimator_without_a_name_is_refused(cli: Run) -> None:
    for flags in (["--estimator", ""], ["--from-photo", "--estimator", ""]):
        status, _, err = cli("generate", "photo.jpg", "p", *flags)
        assert status == 2
        assert "from_photo" in err


@pytest.mark.usefixtures("photo")
def test_replay_says_that_the_estimator_is_another(cli: Run) -> None:
    """The fake's digest is that of the folder that names it; the record knows the folder's own name."""
    arguments = ("generate", "photo.jpg", "p", "--estimator", "/somewhere/else/mine", "--steps", 2)
    painted = cli(*arguments)[1].strip()
    status, text, _ = cli("replay", painted)
    assert (status, "changed: the estimator's weights" in text) == (0, True), text
    text = cli("replay", painted, "--estimator", "/somewhere/else/mine")[1]
    assert text.strip().endswith("bit-equal (every value is equal)")
    picture = json.loads(cli("replay", painted, "--estimator", "other", "--json")[1])["images"][0]
    assert "other now" in picture["why"]


@pytest.mark.parametrize("folder", ["/home/person/private/mine", "../person/private/mine"])
@pytest.mark.usefixtures("photo")
def test_a_picture_that_is_given_away_names_no_folder(cli: Run, work: Path, folder: str) -> None:
    arguments = ("generate", "photo.jpg", "p", "--estimator", folder, "--steps", 2, "--sidecar")
    painted = work / cli(*arguments)[1].strip()
    with Image.open(painted) as picture:
        texts = [str(value) for value in picture.info.values()]
    text = "".join([*texts, painted.with_suffix(".json").read_text()])
    assert "mine" in text
    assert "person" not in text
    assert "private" not in text


@pytest.mark.usefixtures("photo")
def test_a_record_from_elsewhere_names_no_folder_of_this_machine(cli: Run, work: Path) -> None:
    """Such a record would have a replay read any folder of the one who replays, or another machine's."""
    record = read_record(work / cli("generate", "photo.jpg", "p", "--from-photo", "--steps", 2)[1].strip())
    for name in ("/etc", "../x", "\\\\host\\share", "C:\\x"):
        document = json.loads(record.to_json())
        document["settings"]["from_photo"] = name
        with pytest.raises(RecordError, match="from_photo"):
            RunRecord.from_json(json.dumps(document))
    document = json.loads(record.to_json())
    for key in ("estimator", "estimator_revision", "estimator_sha256"):
        del document["depth"][key]
    assert RunRecord.from_json(json.dumps(document)).depth.estimator == "", "records from before can be read"
