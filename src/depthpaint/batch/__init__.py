"""Batches: paint the rows of a manifest into a folder, restartable at any time, locally or on Ray."""
