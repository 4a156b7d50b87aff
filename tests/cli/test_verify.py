"""`verify`: right depths agree, wrong ones do not, and every way to go wrong is one line.

The fake estimator takes for near what is bright and low in the picture.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Run = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.usefixtures("painter")


@pytest.fixture
def seen(work: Path) -> Path:
    """A picture whose brightness and rows say what depth.npy says."""
    depth = np.load(work / "depth.npy")
    Image.fromarray(np.repeat(np.rint(depth * 255).astype(np.uint8)[..., None], 3, axis=2)).save("seen.png")
    return work / "seen.png"


def sideways(name: str) -> None:
    """A picture that is near on the right, where depth.npy is near below."""
    ramp = np.tile(np.linspace(0, 255, 128).astype(np.uint8), (96, 1))
    Image.fromarray(np.repeat(ramp[..., None], 3, axis=2)).save(name)


def scores(cli: Run, *arguments: object) -> dict[str, float]:
    status, out, _ = cli("verify", *arguments, "--estimator", "fake", "--json")
    assert status == 0
    return json.loads(out)["images"][0]


def test_a_picture_of_the_asked_depth_agrees_and_of_another_does_not(cli: Run, seen: Path) -> None:
    right = scores(cli, seen, "--depth", "depth.npy")
    assert right["rank_correlation"] > 0.999
    assert right["affine_rmse"] < 0.01
    assert right["rmse_8bit"] < 2
    assert right["delta_1_25"] > 0.9
    sideways("sideways.png")
    wrong = scores(cli, "sideways.png", "--depth", "depth.npy")
    assert wrong["rank_correlation"] < right["rank_correlation"]
    assert wrong["rmse_8bit"] > 10


def test_a_painted_picture_knows_its_own_depth(cli: Run) -> None:
    _, out, _ = cli("generate", "depth.npy", "a room", "-q")
    found = scores(cli, out.strip())
    assert found["path"] == out.strip()
    assert -1 <= found["rank_correlation"] <= 1
    assert set(found) >= {"abs_rel", "edge_f_score", "estimator"}


def test_too_little_agreement_is_a_failure(cli: Run, seen: Path) -> None:
    arguments = ("verify", seen, "--depth", "depth.npy", "--estimator", "fake", "--min-agreement")
    assert cli(*arguments, "0.9")[0] == 0
    sideways("seen.png")
    status, out, _ = cli(*arguments, "0.99")
    assert status == 4
    assert "rank correlation" in out


def test_maps_show_where_they_part(cli: Run, seen: Path) -> None:
    status, _, err = cli("verify", seen, "--depth", "depth.npy", "--estimator", "fake", "--maps", "checked")
    assert status == 0, err
    with Image.open("checked/seen-verified.png") as drawn:
        height, width = np.load("depth.npy").shape
        assert drawn.size == (4 * width, height)
        difference = np.asarray(drawn)[:, 3 * width :]
    assert difference.min() > 230, "nothing to see where both agree"


def test_what_cannot_be_verified_is_one_line(cli: Run, seen: Path, work: Path) -> None:
    Path("none.png").write_bytes(b"no picture")
    for arguments, words in (
        ((seen,), "not painted by depthpaint"),
        (("missing.png", "--depth", "depth.npy"), "missing.png"),
        (("none.png", "--depth", "depth.npy"), "none.png"),
        ((seen, "--depth", "nothing.npy"), "nothing.npy"),
    ):
        status, out, err = cli("verify", *arguments, "--estimator", "fake")
        assert (status, out) == (3, ""), arguments
        assert words in err
        assert err.count("\n") == 1


def test_one_bad_picture_stops_no_other(cli: Run, seen: Path) -> None:
    status, out, err = cli("verify", "gone.png", seen, "--depth", "depth.npy", "--estimator", "fake")
    assert status == 4
    assert "gone.png" in err
    assert out.count("\n") == 1
