"""Does a picture have the depth that was asked for? Estimated again, aligned, compared."""
