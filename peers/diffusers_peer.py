"""Stock diffusers painting from an exported folder, as its documentation shows it; prints one JSON line.

python diffusers_peer.py FOLDER HINT.npy PROMPT SEED STEPS GUIDANCE PICTURES OUT.npy
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch
from diffusers import StableDiffusionAdapterPipeline


def main() -> None:
    """Paint PICTURES times; write the last picture (H, W, 3) in [0, 1] and report the seconds of each."""
    folder, hint_file, prompt, seed, steps, guidance, pictures, out = sys.argv[1:]
    started = time.perf_counter()
    pipeline = StableDiffusionAdapterPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    loaded = time.perf_counter() - started
    hint = torch.from_numpy(np.load(hint_file))[None]
    seconds: list[float] = []
    picture = np.empty(0)
    for _ in range(int(pictures)):
        began = time.perf_counter()
        picture = pipeline(
            prompt,
            image=hint,
            height=hint.shape[-2],
            width=hint.shape[-1],
            num_inference_steps=int(steps),
            guidance_scale=float(guidance),
            generator=torch.Generator().manual_seed(int(seed)),
            output_type="np",
        ).images[0]
        seconds.append(time.perf_counter() - began)
    np.save(out, picture)
    sys.stdout.write(json.dumps({"load": loaded, "pictures": seconds}) + "\n")


if __name__ == "__main__":
    main()
