"""Paint several seeds with one loaded model, and keep the picture whose depth agrees best."""

from pathlib import Path

import depthpaint

DEPTH = Path(__file__).with_name("house-in-the-forest.png")
SEEDS = 4


def main() -> None:
    """Paint, compare, and save the best into the folder output_images."""
    engine = depthpaint.Engine()
    request = depthpaint.Request(depth=DEPTH, prompt="a stone house in a forest, at night", count=SEEDS)
    prepared = engine.prepare(request)  # the depth map is read once
    best, most = None, -1.0
    for result in engine.pictures(prepared):
        agreement = depthpaint.verify(result.images[0], prepared.depth, engine=engine)
        print(f"seed {result.pictures[0].seed}: depth agreement {agreement.depth_agreement:.3f}")
        if agreement.depth_agreement > most:
            best, most = result, agreement.depth_agreement
    if best is not None:
        print(*best.save("output_images"))


if __name__ == "__main__":
    main()
