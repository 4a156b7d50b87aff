"""The measurement of pictures that are no depth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthpaint.depth.colour_map import colours_of
from doctor_bench.pictures import judged, main, pictures_in


@pytest.mark.full
def test_each_content_is_judged_once_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    slope = np.linspace(0, 255, 60).astype(int)[:, None].repeat(80, axis=1)
    Image.fromarray(noise).save(folder / "noise.png")
    Image.fromarray(noise).save(folder / "again.png")
    Image.fromarray(colours_of("turbo")[slope].astype(np.uint8)).save(folder / "map.png")
    (folder / "text.txt").write_text("no picture")
    (folder / "broken.png").write_bytes(b"no picture either")
    assert [path.name for path in pictures_in([folder])] == ["again.png", "broken.png", "map.png"]
    assert [judged(path).outcome for path in pictures_in([folder])] == ["refused", "refused", "taken"]
    main([str(folder), "--list", "--json", str(tmp_path / "out.json")])
    shown = capsys.readouterr().out
    assert "turbo 1" in shown and "map.png" in shown
    assert len(json.loads((tmp_path / "out.json").read_text())) == 3
