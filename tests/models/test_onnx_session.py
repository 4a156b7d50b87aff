"""Sessions of one program do not take the cores from each other."""

from __future__ import annotations

from depthpaint.models.diorama.files import GRAPHS, open_files
from depthpaint.models.onnx_session import start_session


def test_threads_stop_spinning_when_a_run_ends() -> None:
    for name in GRAPHS:
        session = start_session(open_files().graph(name)).inner
        options = session.get_session_options()
        assert options.get_session_config_entry("session.force_spinning_stop") == "1"
        assert session.get_providers() == ["CPUExecutionProvider"]
