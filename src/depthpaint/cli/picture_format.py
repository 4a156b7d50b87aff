"""The options --format and --quality of the commands that write pictures."""

from __future__ import annotations

from typing import Annotated

import typer

from depthpaint.cli import completion, options
from depthpaint.record.file_format import FORMATS, JPEG_QUALITY, FormatChoice


def choice_of(
    form: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="|".join(FORMATS), rich_help_panel=options.OUTPUT_PANEL,
            help="Format of the pictures. Default: that of the name's ending, or png.",
            autocompletion=completion.words(FORMATS),
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            "--quality", metavar="N", rich_help_panel=options.OUTPUT_PANEL,
            help=f"Quality of JPEG and WebP, 1 to 100. Default: {JPEG_QUALITY} for JPEG, lossless for WebP.",
        ),
    ] = None,
) -> FormatChoice:  # fmt: skip
    """What was asked for. Raises ParameterError for what is impossible whatever the name."""
    choice = FormatChoice(form, quality)
    if form is not None:
        choice.of()
    return choice


CHOICE = options.group_of(choice_of)
