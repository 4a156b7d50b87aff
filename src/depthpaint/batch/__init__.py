"""Many requests: a manifest becomes a folder of pictures, however often it is interrupted, and on Ray too."""
