"""The command line: one command a file. Paths on stdout, everything else on stderr."""
