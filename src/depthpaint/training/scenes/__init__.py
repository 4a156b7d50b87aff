"""Procedural worlds with exact depth, masks and captions, rendered in torch on CPU or GPU."""
