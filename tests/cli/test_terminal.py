"""What is shown on a terminal."""

from __future__ import annotations

import pytest

from depthpaint.cli import terminal


def test_a_label_is_text_and_not_markup(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "animated", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with terminal.bar("x[/bold]y/[red]depth.png", 2, quiet=False) as step:
        step()
    assert "x[/bold]y/[red]depth.png" in capsys.readouterr().err
