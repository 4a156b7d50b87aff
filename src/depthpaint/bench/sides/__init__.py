"""depthpaint's own side of a contest, as a process of its own, so that its memory is its own."""
