"""Stock diffusers in a loop over rows, as people write it; every picture is saved as PNG.

python rows_peer.py FOLDER ROWS.json STEPS GUIDANCE OUT

ROWS holds objects of "hint" (.npy), "prompt", "seed" and "name". Fair to the peer: the models are loaded
once, hints are ready, and no time is spent on its progress bar.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionAdapterPipeline


def main() -> None:
    """Paint all rows into OUT."""
    folder, rows, steps, guidance, out = sys.argv[1:]
    pipeline = StableDiffusionAdapterPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    for row in json.loads(Path(rows).read_text(encoding="utf-8")):
        hint = torch.from_numpy(np.load(row["hint"]))[None]
        picture = pipeline(
            row["prompt"],
            image=hint,
            height=hint.shape[-2],
            width=hint.shape[-1],
            num_inference_steps=int(steps),
            guidance_scale=float(guidance),
            generator=torch.Generator().manual_seed(row["seed"]),
        ).images[0]
        picture.save(Path(out, row["name"]))


if __name__ == "__main__":
    main()
