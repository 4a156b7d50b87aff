"""Benchmarks: the time of a picture, compared with stock diffusers in the same run."""
