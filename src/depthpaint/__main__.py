"""The start of the command line, also as `python -m depthpaint`.

Signals are handled before anything that takes time is imported.
"""

from typing import NoReturn

from depthpaint.cli import interruption


def main() -> NoReturn:
    """Run the command line and exit with its status."""
    interruption.exit_at_once()
    from depthpaint.cli.main import main

    main()


if __name__ == "__main__":
    main()
