"""`depthpaint report`: from painted pictures to a page and a PDF, and every way to go wrong in one line."""

from __future__ import annotations

import csv
import errno
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from depthpaint.cli import report
from depthpaint.core import files
from depthpaint.core.errors import ErrorCode, ModelError
from fake_painter import FakePainter

Run = Callable[..., tuple[int, str, str]]


def test_painted_pictures_become_a_page_and_a_pdf(cli: Run, painter: FakePainter) -> None:
    cli("generate", "depth.npy", "a <b>red</b> room", "--count", 2, "--verify-with", "fake")
    painter.calls.clear()
    status, out, err = cli("report", "output_images", "--html", "--pdf", "--title", "Rooms & more")
    assert status == 0, err
    page = Path("output_images/report.html").read_text()
    assert out.split() == ["output_images/report.html", "output_images/report.pdf"]
    assert "<h1>Rooms &amp; more</h1>" in page
    assert "a &lt;b&gt;red&lt;/b&gt; room" in page
    assert page.count("expected depth") >= 2
    assert page.count("estimated depth") >= 4, "a caption and a text for each of two pictures"
    assert "difference (red: nearer, blue: farther)" in page
    assert "depth agreement" in page.lower()
    assert Path("output_images/report.pdf").read_bytes().startswith(b"%PDF")
    assert not painter.calls, "a report paints nothing"


def test_an_estimator_that_is_missing_costs_its_panels_only(
    cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("generate", "depth.npy", "a room", "--count", 2, "--verify-with", "fake")

    def missing(*_: object) -> None:
        raise ModelError("there is no estimator", code=ErrorCode.MODEL_NOT_FOUND, remedy="pull it")

    monkeypatch.setattr(report, "agreement_with", missing)
    status, _, err = cli("report", "output_images")
    assert status == 0
    assert "the depth of 2 pictures could not be estimated again: there is no estimator" in err
    page = Path("output_images/report.html").read_text()
    assert "expected depth" in page
    assert "estimated depth" not in page


def test_a_report_is_made_anew_and_elsewhere(cli: Run) -> None:
    cli("generate", "depth.npy", "a room")
    assert cli("report", "output_images", "--out", "reports/deep")[0] == 0
    first = Path("reports/deep/report.html").read_text()
    assert cli("report", "output_images", "--out", "reports/deep")[0] == 0
    assert Path("reports/deep/report.html").read_text() == first
    assert cli("report", "output_images", "--pictures", 0)[0] == 0
    assert "expected depth" not in Path("output_images/report.html").read_text()


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_no_pictures_is_one_line(cli: Run, folder: str) -> None:
    status, out, err = cli("report", folder)
    assert status == 3
    assert out == ""
    assert err.count("\n") == 1


@pytest.mark.parametrize(("package", "flag"), [("jinja2", "--html"), ("typst", "--pdf")])
def test_a_missing_package_is_named(
    cli: Run, monkeypatch: pytest.MonkeyPatch, package: str, flag: str
) -> None:
    cli("generate", "depth.npy", "a room", "--verify-with", "fake")
    monkeypatch.setitem(sys.modules, package, None)
    status, _, err = cli("report", "output_images", flag)
    assert status == 2
    assert "[report]" in err.splitlines()[-1]
    assert err.count("\n") == 1, "it is said before the pictures are read"


def test_without_matplotlib_the_plots_are_left_out(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("generate", "depth.npy", "a room", "--verify-with", "fake")
    cli("report", "output_images", "--out", "with")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    status, out, err = cli("report", "output_images", "--html", "--pdf", "--out", "without")
    assert (status, out) == (0, "without/report.html\nwithout/report.pdf\n")
    assert "the plots are left out" in err and "[report]" in err
    assert "data:image/svg" in Path("with/report.html").read_text()
    assert "data:image/svg" not in Path("without/report.html").read_text()


def test_a_flat_table(cli: Run) -> None:
    cli("generate", "depth.npy", 'a "red", room', "--count", 2, "--verify-with", "fake", "--seed", 0)
    cli("generate", "depth.npy", "b", "--out", "output_images/more")
    status, out, _ = cli("report", "output_images", "--csv")
    assert (status, out) == (0, "output_images/report.csv\n")
    with Path("output_images/report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["a-red-room-0.png", "a-red-room-1.png", "more/b-12345.png"]
    assert [row["prompt"] for row in rows] == ['a "red", room'] * 2 + ["b"]
    assert [row["depth"] for row in rows] == ["../depth.npy"] * 2 + ["../../depth.npy"]
    assert [row["seed"] for row in rows] == ["0", "1", "12345"]
    assert all(-1 <= float(row["depth_agreement"]) <= 1 for row in rows[:2])
    assert rows[2]["depth_agreement"] == ""
    assert float(rows[0]["seconds"]) > 0
    assert cli("report", "output_images", "--csv")[0] == 0
    Path("output_images/report.csv").write_text("mine")
    assert cli("report", "output_images", "--csv")[0] == 8
    assert Path("output_images/report.csv").read_text() == "mine"


def test_the_command_names_the_map_where_it_was_found(
    cli: Run, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "maps").mkdir()
    (work / "depth.npy").rename(work / "maps/depth.npy")
    cli("generate", "maps/depth.npy", "a room", "--out", "pictures")
    cli("report", "pictures", "-q")
    assert "depthpaint generate maps/depth.npy" in Path("pictures/report.html").read_text()
    (work / "elsewhere").mkdir()
    monkeypatch.chdir(work / "elsewhere")
    cli("report", work / "pictures", "--out", "page", "-q")
    assert "depthpaint generate ../maps/depth.npy" in Path("page/report.html").read_text()


def test_contact_sheets_are_shown_first(cli: Run, work: Path) -> None:
    (work / "rows.csv").write_text("depth,prompt\ndepth.npy,a room\n")
    cli("batch", "rows.csv", "--grid", "seed=1,2", "--size", "32x48", "--out", "out")
    assert cli("report", "out", "-q")[0] == 0
    page = Path("out/report.html").read_text()
    assert 0 < page.index("Contact sheets") < page.index("Agreement with the depth map")
    assert "contact-sheet.png" in page


def test_a_full_disk_spares_the_report_of_before(
    cli: Run, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("generate", "depth.npy", "a room", "-q")[0] == 0
    assert cli("report", "output_images", "-q")[0] == 0
    report = work / "output_images/report.html"
    before = report.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        status, _, err = cli("report", "output_images", "--title", "another", "-q")
    assert status == 6
    assert len(err.strip().splitlines()) == 1
    assert report.read_bytes() == before
    assert not list(report.parent.glob(".tmp*"))
    assert cli("report", "output_images", "--title", "another", "-q")[0] == 0
    assert report.read_bytes() != before
