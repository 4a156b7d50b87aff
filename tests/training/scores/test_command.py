"""The command joins it all: what it writes, and what it says of what was not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from depthpaint.engine import Engine
from depthpaint.models.diorama.files import FOLDER
from depthpaint.models.estimators import registry
from fake_painter import FakePainter, offering
from training.__main__ import app
from training.checkpoint import Progress, save_checkpoint
from training.depth_network import DepthNetwork
from training.networks import build_networks
from training.scores import command
from training.scores.command import NONE, evaluate_diorama
from training.scores.depth import find_seer
from training.scores.held_out import HeldOut, Picture
from training.scores.painting import autoencoder_paint
from training.worlds.shards import SMALL

KEYS = {
    "worlds", "first", "area", "seed", "model", "estimator", "judges", "scores", "asked",
    "swapped_colour", "swapped_depth",
}  # fmt: skip


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> list[Path | None]:
    """The models that were asked for; a painter without weights stands for each."""
    asked: list[Path | None] = []

    def engine_for(model: Path | None) -> Engine:
        asked.append(model)
        return Engine(offering(FakePainter()))

    def no_judges(*given: object) -> tuple[()]:
        return ()

    def no_seer(folder: Path) -> None:
        return None

    monkeypatch.setattr(command, "engine_for", engine_for)
    monkeypatch.setattr(command, "find_judges", no_judges)
    monkeypatch.setattr(command, "find_seer", no_seer)
    return asked


@pytest.mark.full
def test_the_command_writes_table_and_sheet(tmp_path: Path, models: list[Path | None]) -> None:
    done = CliRunner().invoke(app, ["evaluate", "--folder", str(tmp_path / "run"), "--worlds", "2"])
    assert done.exit_code == 0, done.output
    table: dict[str, Any] = json.loads(done.stdout)
    assert set(table) == KEYS
    assert table == json.loads((tmp_path / "run" / "scores.json").read_text())
    assert (tmp_path / "run" / "held-out.png").stat().st_size > 1000
    assert table["scores"]["psnr"]["painted"]["count"] == table["worlds"] == 2
    assert (table["model"], table["estimator"], table["area"]) == ("shipped", NONE, "large")
    assert table["scores"]["psnr"]["autoencoder"]["median"] > 25, "the shipped one's, with no run at hand"
    assert (tmp_path / "run" / "failures.png").stat().st_size > 1000
    assert models == [None]


@pytest.mark.full
def test_the_runs_export_is_scored_where_there_is_one(tmp_path: Path, models: list[Path | None]) -> None:
    (tmp_path / "diorama").symlink_to(FOLDER)
    (tmp_path / "other").symlink_to(FOLDER)
    own = evaluate_diorama(tmp_path, 1, SMALL)
    assert (own["model"], own["first"]) == ("exported", 0)
    assert evaluate_diorama(tmp_path, 1, SMALL, tmp_path / "other")["scores"] == own["scores"]
    assert evaluate_diorama(tmp_path, 1, SMALL, first=1)["scores"] != own["scores"], "another world"
    assert models == [tmp_path / "diorama", tmp_path / "other", tmp_path / "diorama"]


def test_depth_is_seen_by_the_runs_own_network_first(
    few: list[HeldOut], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = registry.ShippedEntry(tmp_path / "nowhere", "", "")
    monkeypatch.setitem(registry.ESTIMATORS, registry.DIORAMA_DEPTH, shipped)
    assert find_seer(tmp_path) is None
    network = DepthNetwork()
    optimizer = torch.optim.AdamW(network.parameters())
    modules: dict[str, torch.nn.Module] = {"network": network, "averaged": DepthNetwork()}
    save_checkpoint(tmp_path / "depth", modules, {"adamw": optimizer}, Progress(1, 1, 1.0))
    seer = find_seer(tmp_path)
    assert seer is not None
    assert "run's own" in seer.name
    picture = few[0].render[:48]
    assert seer.estimate(picture).shape == (48, 64)


def test_the_autoencoders_pass_decodes_what_it_encodes(few: list[HeldOut]) -> None:
    networks = build_networks()

    class Same(torch.nn.Module):
        """Keeps the picture as it is, in [-1, 1] like the network."""

        def encode(self, x: torch.Tensor) -> Any:
            assert float(x.min()) < 0
            return type("Coded", (), {"latents": x})

        def decode(self, x: torch.Tensor) -> Any:
            return type("Decoded", (), {"sample": x})

    paint = autoencoder_paint(type(networks)(networks.text_encoder, networks.unet, networks.adapter, Same()))  # pyright: ignore
    assert np.array_equal(paint(few[0]), few[0].render)
    shown: Picture = autoencoder_paint(networks)(few[0])
    assert shown.shape == few[0].render.shape
    assert not np.array_equal(shown, few[0].render)
