"""Paint a picture from a depth map and a sentence, obey the depth, and prove it."""

__version__ = "0.1.0"
