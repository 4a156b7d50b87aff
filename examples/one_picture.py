"""Paint one picture from a depth map, save it, and see whether its depth agrees."""

from pathlib import Path

import depthpaint

DEPTH = Path(__file__).with_name("house-in-the-forest.png")


def main() -> None:
    """Paint into the folder output_images."""
    result = depthpaint.paint(DEPTH, "a white house in a forest, in winter", seed=7)
    (path,) = result.save("output_images")
    agreement = depthpaint.verify(path)
    print(path, result.images[0].size, f"depth agreement {agreement.depth_agreement:.2f}")


if __name__ == "__main__":
    main()
