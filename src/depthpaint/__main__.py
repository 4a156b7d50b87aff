"""The start of the command line, also as `python -m depthpaint`.

Signals are handled before anything that takes time is imported.
"""

import os
from typing import NoReturn

from depthpaint.cli import terminal


def main() -> NoReturn:
    """Run the command line and exit with its status."""
    _fill_closed_streams()
    terminal.exit_at_once()
    from depthpaint.cli.main import main

    main()


def _fill_closed_streams() -> None:
    """Open the null device in the place of standard streams that are closed.

    Otherwise the next file that is opened, perhaps a ledger, gets a number of theirs, and what native code
    prints goes into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest number that is free


if __name__ == "__main__":
    main()
