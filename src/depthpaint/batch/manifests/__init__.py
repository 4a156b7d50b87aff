"""One file for each kind of manifest: how its rows are read, a few at a time."""
