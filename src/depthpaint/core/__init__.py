"""What every room stands on: errors, geometry, noise, atomic files. Standard library and numpy."""
