"""Unmodified clients of other people against a server process (make clients installs them)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.process import Serving, serving

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "clients"
INSTALLED = ROOT / "build" / "clients"
DEPTH = ROOT / "examples" / "house-in-the-forest.png"
VERSIONS = ("newest", "0.9.8", "0.9.0")
pytestmark = [
    pytest.mark.full,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.skipif(not INSTALLED.is_dir(), reason="make clients installs them"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("clients") / "out") as running:
        yield running


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
@pytest.mark.parametrize("script", ["openai.mjs", "webui.mjs", "mcp.mjs"])
def test_a_client_for_node(server: Serving, tmp_path: Path, script: str) -> None:
    for path in HERE.glob("*.mjs"):  # modules are looked for beside the script
        shutil.copy(path, INSTALLED)
    more = (sys.executable, str(tmp_path / "mcp")) if script == "mcp.mjs" else ()
    run("node", str(INSTALLED / script), server.url, str(DEPTH), *more)


@pytest.mark.parametrize("version", VERSIONS)
def test_webuiapi(server: Serving, version: str) -> None:
    place = os.pathsep.join((str(INSTALLED / version), os.environ.get("PYTHONPATH", "")))
    run(sys.executable, str(HERE / "webui.py"), server.url, str(DEPTH), PYTHONPATH=place)


def run(*command: str, **variables: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=500, env={**os.environ, **variables}
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("key", [None, "secret-key"])
def test_requests_made_from_the_schema(tmp_path: Path, key: str | None) -> None:
    """Schemathesis: valid and invalid values, null bytes, all phases; DEPTHPAINT_EXAMPLES for longer runs."""
    program = Path(sys.executable).with_name("schemathesis")
    if not program.is_file():
        pytest.skip("make clients installs it")
    variables = {} if key is None else {"DEPTHPAINT_API_KEY": key}
    examples = os.environ.get("DEPTHPAINT_EXAMPLES", "10")
    phases = "coverage,fuzzing,stateful" if key is None else "coverage"
    with serving(tmp_path / "out", "--max-side", "256", "--max-steps", "4", **variables) as server:
        run(
            str(program), "--config-file", str(HERE / "schemathesis.toml"), "run",
            f"{server.url}/openapi.json", "--checks", "all", "--phases", phases, "-n", examples,
            "--seed", "1", "--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "120",
            "--max-response-time", "120",
            *(() if key is None else ("-H", f"Authorization: Bearer {key}")),
        )  # fmt: skip
