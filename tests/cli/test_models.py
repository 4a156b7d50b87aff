"""`depthpaint models`: what it lists, shows and checks without asking anybody."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from depthpaint.models import registry
from depthpaint.models.estimators.registry import ESTIMATOR_FAMILY, ESTIMATORS, HubEntry
from depthpaint.models.stable_diffusion.presets import PRESETS

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def no_cache(work: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; sockets are forbidden in these tests."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(work / "cache"))
    return work / "cache"


def test_every_model_is_listed_with_what_it_costs(cli: Run) -> None:
    status, out, _ = cli("models", "list")
    assert status == 0
    for name, preset in PRESETS.items():
        line = next(line for line in out.splitlines() if f" {name} " in line)
        assert (line[0], f"{preset.megabytes / 1000:.1f} GB" in line) == (" ", True)
    order = [out.index(f"{family}, to download") for family in ("SD 1.5", "SD 2", "SDXL")]
    assert order == sorted(order)
    rows = json.loads(cli("models", "list", "--json")[1])["models"]
    assert [row["name"] for row in rows] == ["diorama", *PRESETS]
    assert [row["here"] for row in rows] == [True] + [False] * len(PRESETS)
    assert all(row["licence"] for row in rows)


def test_what_is_here_is_marked(cli: Run, no_cache: Path) -> None:
    for part in PRESETS["sd2-depth"].parts:
        folder = no_cache / f"models--{part.repository.replace('/', '--')}"
        (folder / "refs").mkdir(parents=True)
        (folder / "refs" / "main").write_text("a" * 40)
        for name in ("model_index.json", *part.weights):
            file = folder / "snapshots" / ("a" * 40) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    assert "* sd2-depth " in cli("models", "list")[1]
    rows = json.loads(cli("models", "list", "--json")[1])["models"]
    assert [row["name"] for row in rows if row["here"]] == ["diorama", "sd2-depth"]
    status, out, _ = cli("models", "verify", "sd2-depth")
    assert (status, "damaged" in out, out.count("\n")) == (5, True, 1)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_shown_with_all_its_parts(cli: Run, name: str) -> None:
    preset = PRESETS[name]
    status, out, _ = cli("models", "show", name)
    assert status == 0
    for part in preset.parts:
        assert f"{part.megabytes} MB  {part.page} ({part.licence})" in out
    assert ("not checked: " + preset.unchecked in out) == bool(preset.unchecked)
    document = json.loads(cli("models", "show", name, "--json")[1])
    assert document["base"]["repository"] == preset.base.repository
    assert document["habits"]["num_inference_steps"] == preset.habits.num_inference_steps


def test_what_is_not_here_is_missing_and_only_asked_for_a_failure(
    cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_hub = {name: estimator for name, estimator in ESTIMATORS.items() if isinstance(estimator, HubEntry)}
    families = (*registry.FAMILIES[:-1], replace(ESTIMATOR_FAMILY, names=on_hub))
    monkeypatch.setattr(registry, "FAMILIES", families)
    status, out, _ = cli("models", "verify")
    assert status == 0
    assert "diorama                   whole" in out
    assert out.count("missing") == len(PRESETS) + len(on_hub)
    assert cli("models", "verify", "sd15")[0] == 5
    assert json.loads(cli("models", "verify", "diorama", "--json")[1])["models"][0]["state"] == "whole"


def test_built_in_weights_that_were_changed_are_damaged(
    cli: Run, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("depthpaint.models.diorama.files.open_files.__defaults__", (work,))
    status, out, _ = cli("models", "verify", "diorama")
    assert (status, "damaged" in out) == (5, True)


@pytest.mark.parametrize("command", ["pull", "verify"])
def test_a_name_that_is_none_is_one_line_with_the_names(cli: Run, command: str) -> None:
    status, out, err = cli("models", command, "sd99")
    assert (status, out, err.count("\n")) == (5, "", 1)
    assert "sdxl-lightning" in err


def test_what_is_inside_the_package_is_not_pulled(cli: Run) -> None:
    status, _, err = cli("models", "pull", "diorama")
    assert (status, "in the package" in err) == (5, True)


def test_listing_and_painting_need_no_network_and_no_torch(program: list[str], work: Path) -> None:
    """Every socket fails in these processes."""
    code = (
        "import socket, sys\n"
        "def fail(*a, **k): raise RuntimeError('a socket')\n"
        "socket.socket = socket.create_connection = socket.getaddrinfo = fail\n"
        "from depthpaint.cli.main import run\n"
        "status = run(sys.argv[1:])\n"
        "assert 'torch' not in sys.modules and 'diffusers' not in sys.modules\n"
        "sys.exit(status)\n"
    )
    for command in (
        ["models", "list"],
        ["generate", "depth.npy", "a red sphere", "--steps", "1", "--near", "white"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, *command], cwd=work, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
