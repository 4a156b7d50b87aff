"""Depth maps: read, interpreted, normalised and fitted to a size. numpy and Pillow, no torch."""
