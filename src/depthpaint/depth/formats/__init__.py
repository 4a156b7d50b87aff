"""One file format a module: from bytes that nobody vouches for to the numbers in them."""
