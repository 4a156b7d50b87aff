"""Entry point of the command line, also as `python -m depthpaint`.

Signal handlers are installed before any slow import.
"""

import os
from typing import NoReturn

from depthpaint.cli import terminal


def main() -> NoReturn:
    """Run the command line and exit with its status."""
    _fill_closed_streams()
    terminal.exit_at_once()
    # No plugin is to change how settings are checked, and looking for one among all packages takes a while.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from depthpaint.cli.main import main

    main()


def _fill_closed_streams() -> None:
    """Open the null device for standard streams that are closed.

    Otherwise the next opened file, perhaps a ledger, would get a standard stream's descriptor, and output of
    native code would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest free descriptor


if __name__ == "__main__":
    main()
