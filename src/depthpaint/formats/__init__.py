"""Depth files of any known format: bytes become samples."""
