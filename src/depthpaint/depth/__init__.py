"""The depth map: read, decoded, normalised and fitted to a size. numpy and Pillow, no torch."""
