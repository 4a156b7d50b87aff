"""`python -m depthpaint` is the command line."""

from depthpaint.cli.main import main

if __name__ == "__main__":
    main()
