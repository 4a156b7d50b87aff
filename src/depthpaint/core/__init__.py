"""Shared foundations: errors, geometry, noise and atomic files. Standard library and numpy only."""
