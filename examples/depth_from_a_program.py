"""Paint from a depth map that another program computed: here distances in metres from a formula."""

import numpy as np

import depthpaint


def ball_on_a_floor(width: int = 320, height: int = 240) -> np.ndarray:
    """Distances in metres, float32 (height, width): a floor, a ball, and a sky without depth (NaN)."""
    rows, columns = np.mgrid[0:height, 0:width]
    distances = 300 / np.maximum(rows - 80.0, 1)
    distances[rows < 90] = np.nan
    distances[np.hypot(rows - 150, columns - 160) < 50] = 3.0
    return distances.astype(np.float32)


def main() -> None:
    """Show what is understood, then paint two seeds into the folder output_images."""
    depth = depthpaint.read_depth(ball_on_a_floor(), kind="distance", unit="m", holes="far")
    for finding in depth.source.findings:
        print(f"{finding.aspect:12} {finding.value:12} {finding.confidence:4.0%} {finding.evidence}")
    result = depthpaint.paint(depth, "a red sphere on a green floor, at sunset", count=2)
    print(*result.save("output_images"), sep="\n")


if __name__ == "__main__":
    main()
