"""What ran, on what, with what result; inside the picture and beside it."""
