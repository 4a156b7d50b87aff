"""No command contacts anybody or leaves a file that nobody asked for.

ONNX Runtime, Ray, huggingface_hub and matplotlib each did one or the other on their own. Their native threads
do not go through Python's socket module, so the system calls are what counts.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPTH = ROOT / "examples" / "house-in-the-forest.png"
STAY = 20
"""Seconds that a process lives on after its work: ONNX Runtime's threads ask for a name after 10 s."""

COMMAND = """
import sys, time
from depthpaint.cli.main import run
status = run(sys.argv[2:])
time.sleep(float(sys.argv[1]))
sys.exit(status)
"""
API = """
import sys, time
from pathlib import Path
from depthpaint.engine import Engine
from depthpaint.request import Request
Engine().paint(Request(depth=Path("depth.png"), prompt="a house", size="128x128"))
time.sleep(float(sys.argv[1]))
"""
LIBRARY = """
import sys, time
import depthpaint
__import__(sys.argv[2])
time.sleep(float(sys.argv[1]))
"""
TINY_MODEL = """
import sys
from pathlib import Path
from tiny_sd import save_control, save_model
save_control(Path("control"), save_model(Path("model"), "sd15"))
"""
PAINT = ("generate", "depth.png", "a house", "--size", "128x128", "--verify")
COMMANDS: dict[str, tuple[str, ...]] = {
    "help": ("--help",),
    "generate": (*PAINT, "--name", "other"),
    "from photo": (*PAINT[:-1], "--from-photo", "--name", "photo"),
    "inspect": ("inspect", "depth.png", "--as", "understood.npy"),
    "verify": ("verify", "output_images/picture.png"),
    "replay": ("replay", "output_images/picture.png"),
    "report": ("report", "output_images", "--html", "--pdf"),
    "batch": ("batch", "rows.csv", "--out", "batch", "--verify"),
    "batch on Ray": ("batch", "rows.csv", "--out", "ray", "--ray", "local", "--workers", "1"),
    "study": ("study", "aspect", "depth.png", "a house", "--ratios", "1:1,1:2", "--seeds", "2"),
    "models list": ("models", "list"),
    "models show": ("models", "show", "sd15"),
    "models verify": ("models", "verify", "diorama"),
    "models export": ("models", "export", "diorama", "exported"),
    "doctor": ("doctor",),
    "bench": ("bench", "--vs", "pillow", "--repeats", "1"),
    "stable diffusion": (
        "generate", "depth.png", "a house", "--model", "model", "--control", "control", "--steps", "2",
        "--size", "64x64", "--name", "sd", "--near", "white",
    ),
}  # fmt: skip
LIBRARIES = ("onnxruntime", "transformers", "huggingface_hub", "diffusers", "ray")

_INTERNET = re.compile(
    r"(?:connect|sendto|sendmsg|sendmmsg)\(.*sa_family=AF_INET6?, sin6?_port=htons\((\d+)\)"
    r'.*?(?:inet_addr\("|inet_pton\(AF_INET6, ")([0-9a-f.:]+)"'
)
_HERE = ("127.", "::1", "::ffff:127.")
DNS = "53"


# Variables under which ONNX Runtime is silent, that name other folders, or that the package itself sets.
_UNSET = {
    "CI", "GITHUB_ACTIONS", "TF_BUILD", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "HF_HOME", "MPLCONFIGDIR",
    "ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "RAY_USAGE_STATS_ENABLED", "DO_NOT_TRACK",
    "HF_HUB_OFFLINE",
}  # fmt: skip


def contacts(trace: str) -> list[str]:
    """The calls in an strace that address another machine, or a resolver wherever it runs."""
    return [
        line
        for line in trace.splitlines()
        if (found := _INTERNET.search(line)) and (found[1] == DNS or not found[2].startswith(_HERE))
    ]


def start(code: str, *arguments: object, folder: Path, name: str, traced: bool) -> tuple[str, str]:
    """Run Python code with a new home folder: (what it did wrong, its strace)."""
    home, trace = folder / f"home of {name}", folder / f"{name}.strace"
    home.mkdir()
    environment = {key: value for key, value in os.environ.items() if key not in _UNSET} | {"HOME": str(home)}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    if traced:
        command = ["strace", "-f", "-qq", "-e", "trace=network", "-s", "64", "-o", str(trace), *command]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=500)
    left = [str(path.relative_to(home)) for path in home.rglob("*") if not path.is_dir()]
    wrong = f"exit {done.returncode}: {done.stderr[-500:]}" if done.returncode else ""
    if left:
        wrong += f" files in the home folder: {left}"
    return wrong, trace.read_text(errors="replace") if traced else ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(DEPTH, tmp_path / "depth.png")
    (tmp_path / "rows.csv").write_text("depth,prompt,size\ndepth.png,a house,128x128\n")
    return tmp_path


@pytest.mark.full
@pytest.mark.parametrize("code", [COMMAND, API], ids=["command", "python"])
def test_painting_leaves_no_file_in_the_home_folder(code: str, folder: Path) -> None:
    arguments = PAINT if code == COMMAND else ()
    wrong, _ = start(code, 0, *arguments, folder=folder, name="painting", traced=False)
    assert wrong == ""


def test_a_file_in_the_home_folder_is_noticed(folder: Path) -> None:
    code = "from pathlib import Path; (Path.home() / '.cache').mkdir(); (Path.home() / '.cache/id').touch()"
    wrong, _ = start(code, folder=folder, name="spoiled", traced=False)
    assert "files in the home folder: ['.cache/id']" in wrong


@pytest.mark.full
def test_no_command_and_no_library_contacts_anybody(folder: Path) -> None:
    wrong, _ = start(COMMAND, 0, *PAINT, "--name", "picture", folder=folder, name="first", traced=False)
    assert wrong == ""
    made = subprocess.run(
        [sys.executable, "-c", TINY_MODEL],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests" / "parity")},
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    work = {name: (COMMAND, arguments) for name, arguments in COMMANDS.items()}
    work |= {f"import {name}": (LIBRARY, (name,)) for name in LIBRARIES}
    work["python"] = (API, ())

    def trace(name: str) -> list[str]:
        code, arguments = work[name]
        wrong, calls = start(code, STAY, *arguments, folder=folder, name=name, traced=True)
        return [line for line in (wrong, *contacts(calls)) if line]

    with ThreadPoolExecutor(6) as pool:
        outcome = dict(zip(work, pool.map(trace, work), strict=True))
    assert {name: lines[:5] for name, lines in outcome.items() if lines} == {}


@pytest.mark.full
def test_a_lookup_by_native_code_is_noticed(folder: Path) -> None:
    # The library's own resolver, as a native thread would call it. The name exists nowhere (RFC 6761).
    code = (
        'import ctypes; ctypes.CDLL(None).getaddrinfo(b"depthpaint.invalid", 0, 0, (ctypes.c_void_p * 1)())'
    )
    _, calls = start(code, folder=folder, name="spoiled", traced=True)
    assert contacts(calls)
