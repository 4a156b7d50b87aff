"""`depthpaint report`: the pictures of a folder and their records become a page, a PDF, or both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from depthpaint.cli.painting import probe
from depthpaint.cli.terminal import as_utf8, bar, emit_path, warn
from depthpaint.core.errors import printable
from depthpaint.core.files import make_folder, name_of, replace_own, require_own
from depthpaint.report.account import account, gather, picture_files, worth_seeing
from depthpaint.report.document import Document, Shown, as_html, as_pdf, is_report
from depthpaint.report.shown import shown

MOST_SHOWN = 200
MOST_WARNINGS = 20
NAME = "report"


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where generate or batch wrote pictures.")],
    html: Annotated[bool, typer.Option("--html", help="Write report.html, as without any flag.")] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write report.pdf.")] = False,
    out: Annotated[Path | None, typer.Option(help="Another folder for the report.")] = None,
    title: Annotated[str | None, typer.Option(help="Without it, the folder's name.")] = None,
    pictures: Annotated[
        int, typer.Option(min=0, help="Pictures to show; of more, those that agree least and a spread.")
    ] = MOST_SHOWN,
    depth: Annotated[
        Path | None, typer.Option(help="The folder with the depth maps, if they are not where they were.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Gather pictures and their records: agreement, cost, every picture with its depth and its recipe.

    \b
    Examples:
      depthpaint report output_images
      depthpaint report output_images --html --pdf --title "Rooms, autumn"
    """  # fmt: skip
    target = folder if out is None else out
    wanted = [".html"] * (html or not pdf) + [".pdf"] * pdf
    for suffix in wanted:
        require_own(_path(target, suffix), is_report)
    probe(target)
    document = _document(folder, as_utf8(title) if title else None, pictures, depth, quiet=quiet)
    if ".html" in wanted:
        _save(as_html(document).encode(), target, ".html")
    if ".pdf" in wanted:
        _save(as_pdf(document), target, ".pdf")


def _document(folder: Path, title: str | None, most: int, maps: Path | None, *, quiet: bool) -> Document:

    with bar("reading records", len(picture_files(folder)), quiet=quiet) as step:
        gathered = gather(folder, step)
    chosen = worth_seeing(gathered.painted, most)
    seen: list[Shown | None] = []
    with bar("reading pictures", len(chosen), quiet=quiet) as step:
        for one in chosen:
            seen.append(shown(one, one.path.relative_to(folder).as_posix(), maps))
            step()
    for path, why in gathered.left_out[:MOST_WARNINGS]:
        warn(f"{printable(str(path))} is left out: {why}", quiet=quiet)
    if (more := len(gathered.left_out) - MOST_WARNINGS) > 0:
        warn(f"{more:,} more files are left out", quiet=quiet)
    for one in (one for one, each in zip(chosen, seen, strict=True) if each is None):
        warn(f"{printable(str(one.path))} is not shown: its pixels cannot be read", quiet=quiet)
    name = title or f"Pictures of {name_of(folder)}"
    return account(gathered, [one for one in seen if one is not None], name)


def _path(folder: Path, suffix: str) -> Path:
    return folder / f"{NAME}{suffix}"


def _save(data: bytes, folder: Path, suffix: str) -> None:

    make_folder(folder)
    # A report is made anew from what is there: it replaces the one of before, and nothing else.
    replace_own(_path(folder, suffix), data, is_report)
    emit_path(_path(folder, suffix))
