"""Studies over many pictures: the effect of the aspect ratio, of control strength, and of faster settings."""
