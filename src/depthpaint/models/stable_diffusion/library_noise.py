"""What transformers and diffusers tell while they load: nothing that a person has to know."""

from __future__ import annotations

import os

SAID = ("TRANSFORMERS_VERBOSITY", "DIFFUSERS_VERBOSITY")
"""Who set one of these wants to hear them."""


def silence_libraries() -> None:
    """From now on they tell of errors alone. What decides a picture is checked, and told, by ourselves.

    It has to come before anything else of them is imported: they talk at that, too.
    """
    if any(name in os.environ for name in SAID):
        return
    from transformers.utils import logging as of_transformers

    of_transformers.set_verbosity_error()
    of_transformers.disable_progress_bar()
    from diffusers.utils import logging as of_diffusers

    of_diffusers.set_verbosity_error()
    of_diffusers.disable_progress_bar()
