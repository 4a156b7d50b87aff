"""Verify a picture: estimate its depth, align it to the requested depth, and compare."""
