"""A report says what the records say, lets no sentence do harm, and its recipes paint the same again."""

from __future__ import annotations

import base64
import os
import re
import resource
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pypdf import PdfReader

from depthpaint.cli import generate as generate_command
from depthpaint.cli.main import run
from depthpaint.core.errors import OutputError, printable
from depthpaint.core.geometry import Extent
from depthpaint.depth.slopes import CHANCE
from depthpaint.plan import make_plan
from depthpaint.record.result import record_of, save_picture
from depthpaint.record.run_record import RunRecord
from depthpaint.record.sections import AgreementFacts
from depthpaint.report.account import ALL_PICTURES, Gathered, Painted, account, gather, worth_seeing
from depthpaint.report.document import (
    MOST_ROWS,
    PRINTED_SIDE,
    RECIPE_WIDTH,
    Document,
    Section,
    Shown,
    Table,
    as_html,
    as_pdf,
)  # fmt: skip
from depthpaint.report.plots import histogram
from depthpaint.report.recipe import in_lines, recipe
from depthpaint.report.shown import shown, thumbnail
from depthpaint.request import Request
from painted import HABITS, HOSTILE, pixels_of, result_of

Settings = Callable[..., RunRecord]


def record(agreement: float | None = None, **fields: object) -> RunRecord:
    made = record_of(result_of(**fields), 0)
    if agreement is None:
        return made
    found = AgreementFacts(
        estimator="a judge", depth_agreement=agreement, mirrored_agreement=0.1, rank_correlation=0.9,
        detail_correlation=0.6, affine_rmse=0.1,
        abs_rel=0.2, delta_1_25=0.9,
        rmse_8bit=20.0, edge_f_score=0.5,
    )  # fmt: skip
    return made.model_copy(update={"agreement": found})


def gathered(records: list[RunRecord]) -> Gathered:
    folder = Path("pictures")
    return Gathered(folder, tuple(Painted(folder / f"{k}.png", r) for k, r in enumerate(records)), ())


def table_of(document: Document, title: str) -> Table:
    (section,) = [section for section in document.sections if section.title == title]
    return section.tables[0]


RECIPES: list[dict[str, object]] = [
    {},
    {"seed": 7, "num_inference_steps": 9, "guidance_scale": 3.3, "control_strength": 0.1 + 0.2},
    {"control_window": (0.1, 0.6), "guidance_window": (0.0, 0.85), "negative_prompt": 'it\'s "dark"; $(rm)'},
    {"fit": "crop", "sampler": "euler", "schedule": "karras", "size": "96x64", "profile": "zoe"},
    {"prompt": "-1 is a 'number'; `ls` $HOME \\ !"},
    {
        "also": "normal:0.5:0:0.7,canny",
        "lora": ("style.safetensors:0.25", "my other style.safetensors"),
        "clip_skip": 1,
    },
    {"control": "org/net", "vae": "vae.safetensors", "finish": False},
]


@pytest.mark.parametrize("fields", RECIPES, ids=range(len(RECIPES)))
def test_a_recipe_asks_for_the_same_picture(
    fields: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = record(None, **fields)
    asked: list[Request] = []

    def caught(request: Request, *_: object, **__: object) -> None:
        asked.append(request)

    monkeypatch.setattr(generate_command, "_print_plan", caught)
    words = shlex.split(recipe(told))
    assert words[:2] == ["depthpaint", "generate"]
    at = words.index("--") if "--" in words else len(words)
    assert run([*words[1:at], "--dry-run", *words[at:]]) == 0
    (request,) = asked
    expected = told.request(Path(told.depth.file))
    plans = [make_plan(each, Extent(50, 40), HABITS) for each in (request, expected)]
    assert plans[0].settings == plans[1].settings
    assert (request.depth, request.reading) == (expected.depth, expected.reading)


def test_the_numbers_are_those_of_the_records() -> None:
    records = [record(k / 10, seed=k) for k in range(1, 10)] + [record(seed=99)]
    document = account(gathered(records), (), "Nine and one")
    depth = document.sections[0]
    assert "median 0.5 [" in depth.text[0]
    assert "over 9 pictures, lowest 0.1" in depth.text[0]
    assert depth.text[1] == "1 pictures were not verified."
    rows = table_of(document, ALL_PICTURES).rows
    assert len(rows) == 10
    assert rows[0][:4] == ("0.png", records[0].settings.prompt, 1, "64x64") or rows[0][2] == 1
    assert [row[6] for row in rows] == [*(k / 10 for k in range(1, 10)), None]
    turned = account(gathered(records[::-1]), (), "Worst first")
    assert [row[6] for row in table_of(turned, ALL_PICTURES).rows] == [row[6] for row in rows]
    assert f"less than {CHANCE:g}" in depth.text[0], "what a wrong map would have"
    assert document.summary == ("10 pictures by fake.",)


def test_groups_are_told_apart() -> None:
    records = [record(0.9 if k % 2 else 0.2, seed=k, size="96x64" if k % 2 else "64x64") for k in range(8)]
    document = account(gathered(records), (), "Two shapes")
    rows = {str(row[0]): row for row in table_of(document, "Agreement with the depth map").rows}
    assert rows["3:2"][1:] == (4, 0.9, 0.9, 0.9)
    assert rows["1:1"][1:] == (4, 0.2, 0.2, 0.2)


@pytest.mark.parametrize(
    "prompt", [*HOSTILE, "#set page(width: 1pt)", "\\input{/etc/passwd}", ']#eval("1")[']
)
def test_no_sentence_does_harm(prompt: str) -> None:
    told = record(prompt=prompt)
    one = Shown({"picture": thumbnail(pixels_of(1, Extent(20, 20)))}, prompt, (prompt,), recipe(told))
    document = account(gathered([told]), [one], prompt)
    page = as_html(document)
    parsed = Parsed(page)
    assert parsed.scripts == 1
    assert parsed.handlers == []
    assert all(link.startswith(("data:", "#")) for link in parsed.links), "nothing is asked of elsewhere"
    assert "default-src 'none'" in page
    assert not set(page) & set("\u202e\x1b\x07\u2028"), "nothing turns the text around"
    assert parsed.text.count(printable(prompt)) >= 4, "title, caption, fact and list show it as it stands"
    reader = PdfReader(BytesIO(as_pdf(document)))
    assert reader.pages[0].mediabox.width == pytest.approx(595.28, abs=0.1), "A4, whatever a sentence sets"
    assert "\u200b" not in "".join(page.extract_text() for page in reader.pages)
    assert not any("/AA" in page or "/Annots" in page for page in reader.pages)
    assert not {"/OpenAction", "/AA", "/Names", "/AcroForm"} & set(reader.root_object)
    if prompt.isascii():
        shown_in_pdf = solid("".join(page.extract_text() for page in reader.pages))
        assert shown_in_pdf.count(solid(printable(prompt))) >= 3, "caption, fact and list"
        assert solid("".join(in_lines(recipe(told), RECIPE_WIDTH))) in shown_in_pdf


def solid(text: str) -> str:
    """Without what a line break may add or take."""
    return re.sub(r"[\s\u200b\u00ad\u2010-]+", "", text)


class Parsed(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts = self.rows = self._silent = 0
        self.links: list[str] = []
        self.handlers: list[str] = []
        self._texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == [], "every element is closed"
        self.text = " ".join(self._texts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.rows += tag == "tr"
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action", "srcset")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        if tag not in ("meta", "img", "input"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._open):
            self._texts.append(data)


def test_a_pdf_holds_what_was_said_and_is_the_same_again() -> None:
    table = Table(("name", "value"), tuple((f"row {k}", k / 7) for k in range(MOST_ROWS + 20)), "A note.")
    document = Document("The title", ("A summary.",), (Section("A section", ("A paragraph.",), (table,)),))
    data = as_pdf(document)
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(data)).pages)
    for said in ("The title", "A summary.", "A section", "A paragraph.", "row 7", "20 more rows", "A note."):
        assert said in text, said
    assert f"row {MOST_ROWS + 3}" not in text
    assert as_pdf(document) == data


def of_many(count: int) -> Gathered:
    """So many pictures of few records, their files all different."""
    records = [record(0.5 + 0.4 * (k % 7) / 7, seed=k, prompt=f"=1+{k}|<b>") for k in range(7)]
    return gathered([records[k % 7] for k in range(count)])


def test_those_that_agree_least_are_seen() -> None:
    chosen = worth_seeing(of_many(10_000).painted, 30)
    assert len(chosen) == 30
    scores = [one.record.agreement.depth_agreement for one in chosen if one.record.agreement is not None]
    assert scores == sorted(scores, key=lambda score: -1 if score is None else score), "the worst first"
    assert sum(one.record.settings.seed == 0 for one in chosen) >= 10, "those that agree least are seen"
    assert {one.record.settings.seed for one in chosen} > {0}


@pytest.mark.full
def test_thousands_of_rows_are_a_page() -> None:
    page = Parsed(as_html(account(of_many(3000), (), "Many")))
    assert page.rows > 3000
    assert page.scripts == 1
    assert all(link.startswith(("data:", "#")) for link in page.links)


@pytest.mark.full
def test_a_hundred_thousand_rows_are_a_page() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    page = as_html(account(of_many(100_000), (), "Many"))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_500_000, "kilobytes"
    assert len(page) < 100_000 * 1000
    parsed = Parsed(page)
    assert parsed.rows > 100_000
    assert parsed.scripts == 1
    assert all(link.startswith(("data:", "#")) for link in parsed.links)


def test_a_folder_is_gathered_and_its_pictures_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    saved = save_picture(result_of(), 0, tmp_path / "pictures" / "deeper")
    (tmp_path / "pictures" / "cut.png").write_bytes(saved.path.read_bytes()[:-400])
    (tmp_path / "pictures" / "other.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    found = gather(tmp_path / "pictures")
    assert [one.path.name for one in found.painted] == ["cut.png", saved.path.name]
    seen = shown(found.painted[1], "here")
    assert seen is not None
    assert seen.pictures["picture"].startswith(b"\xff\xd8")
    assert set(seen.pictures) == {"picture"}, "the depth file is not there"
    assert "seed 12345" in seen.facts[0]


def test_a_changed_depth_file_is_not_shown_as_the_asked_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from depthpaint.core.files import sha256_of

    monkeypatch.chdir(tmp_path)
    np.save("room.npy", np.tile(np.linspace(0, 1, 50, dtype=np.float32), (40, 1)))
    made = result_of()
    depth = replace(made.depth, path="room.npy", sha256=sha256_of("room.npy"))
    reading = depth.reading.model_copy(update={"range": (0.0, 1.0)})
    saved = save_picture(replace(made, depth=replace(depth, reading=reading)), 0, tmp_path / "pictures")
    (painted,) = gather(tmp_path / "pictures").painted
    seen = shown(painted, "")
    assert seen is not None
    assert "expected depth" in seen.pictures
    np.save("room.npy", np.zeros((40, 50), np.float32))
    seen = shown(painted, "")
    assert seen is not None
    assert "expected depth" not in seen.pictures
    assert saved.path.exists()


@pytest.mark.parametrize("name", ["missing", "empty", "a-file"])
def test_what_holds_no_picture_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a-file").write_bytes(b"")
    with pytest.raises(OutputError, match=name):
        gather(tmp_path / name)


@pytest.mark.parametrize(
    "word", ["a\nb", "it's\ta\\n", "\x1b[2J$(id)`id`", "café\n", "plain $HOME", "\u202egnp.exe"]
)
def test_a_shell_reads_what_a_recipe_writes(word: str, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not here")
    command = recipe(record(prompt=word)).replace("depthpaint generate", "printf '%s\\0'", 1)
    assert command.isprintable() or "\n" not in command
    found = subprocess.run(
        [bash, "-c", command], capture_output=True, check=True, cwd=tmp_path, env={"LC_ALL": "C.UTF-8"}
    )
    assert word.encode() in found.stdout.split(b"\0")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("width", [30, 110])
@pytest.mark.parametrize(
    "word", ["a red ball", "long " * 60, "x" * 300, "it's a 'b' " * 30, "a\n\u202e\\'é" * 40, "\\" * 200]
)
def test_a_shell_reads_a_command_in_lines_as_the_same_command(word: str, width: int, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not here")
    whole = recipe(record(prompt=word, negative_prompt=word))
    lines = in_lines(whole, width)
    assert max(map(len, lines)) <= width
    assert all(line.endswith("\\") for line in lines[:-1])
    printed: list[bytes] = []
    for command in (whole, "\n".join(lines)):
        script = f"depthpaint() {{ printf '%s\\0' \"$@\"; }}\n{command}\n"
        found = subprocess.run(
            [bash, "-c", script], capture_output=True, check=True, cwd=tmp_path, env={"LC_ALL": "C.UTF-8"}
        )
        printed.append(found.stdout)
    assert printed[0] == printed[1]
    assert word.encode() in printed[0].split(b"\0")


@pytest.mark.parametrize("prompt", ["a bedroom with a red bed and a blue chair", "a very long prompt, " * 20])
def test_the_command_is_copied_from_a_pdf_as_it_is(prompt: str) -> None:
    told = record(
        prompt=prompt, control_strength=0.55, also="normal:0.5:0:0.7,canny", lora="style.safetensors"
    )
    one = Shown({"picture": thumbnail(pixels_of(1, Extent(20, 20)))}, "a picture", (), recipe(told))
    reader = PdfReader(BytesIO(as_pdf(account(gathered([told]), [one], "Copied"))))
    text = "\n".join(page.extract_text() for page in reader.pages)
    lines = [line.rstrip() for line in text[text.index("depthpaint generate") :].splitlines()]
    last = next(number for number, line in enumerate(lines) if not line.endswith("\\"))
    copied = "".join(line.removesuffix("\\") for line in lines[: last + 1])
    assert shlex.split(copied) == shlex.split(recipe(told))


def test_pictures_of_several_folders_have_their_folders_names() -> None:
    members = [
        Painted(Path("pictures", folder, "one.png"), record(score))
        for folder, score in (("rooms", 0.5), ("streets", 0.7), ("rooms", 0.9))
    ]
    document = account(Gathered(Path("pictures"), tuple(members), ()), (), "Two folders")
    table = table_of(document, ALL_PICTURES)
    assert table.columns[:2] == ("folder", "file")
    assert [row[:2] for row in table.rows] == [
        ("rooms", "one.png"), ("streets", "one.png"), ("rooms", "one.png")
    ]  # fmt: skip
    grouped = table_of(document, "Agreement with the depth map")
    assert grouped.columns[0] == "folder"
    assert [row[:3] for row in grouped.rows] == [("rooms", 2, 0.7), ("streets", 1, 0.7)]


def test_pictures_are_enlarged_without_a_script() -> None:
    large = thumbnail(pixels_of(1, Extent(600, 300)), 640)
    document = Document("Large", (), (Section("Pictures", shown=(Shown({"picture": large}, "one"),)),))
    page = as_html(document)
    assert base64.b64encode(large).decode() in page, "the page holds the picture at its full size"
    assert '<label class="zoom"><input type="checkbox"' in page
    pages: Any = PdfReader(BytesIO(as_pdf(document))).pages
    assert [max(one.image.size) for page in pages for one in page.images] == [PRINTED_SIDE]


@pytest.mark.parametrize("values", [(0.5, float(np.nextafter(0.5, 1))), (0.0, 5e-324), (0.25, 0.25), (-1, 1)])
def test_nearly_equal_values_have_a_histogram(values: tuple[float, float]) -> None:
    assert histogram(values * 3, "agreement", "pictures").startswith("<svg")


def test_folders_without_end_are_left_out_by_name(tmp_path: Path) -> None:
    save_picture(result_of(), 0, tmp_path)
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        for _ in range(100):
            Path("d").mkdir()
            os.chdir("d")
    finally:
        os.chdir(before)
    found = gather(tmp_path)
    assert len(found.painted) == 1
    ((left, why),) = found.left_out
    assert left.name == "d"
    assert "deep" in why
