"""What `depthpaint serve` was started with: from its options, or from environment variables."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from depthpaint.core.errors import ErrorCode, ParameterError
from depthpaint.models.painter import MOST_THREADS
from depthpaint.request import MAX_OUTPUT_SIDE, MIN_OUTPUT_SIDE

PORT = 7860
"""The port of AUTOMATIC1111's web UI, which its clients use by default."""
KEY, QUEUE, SIDE, STEPS = (
    "DEPTHPAINT_API_KEY",
    "DEPTHPAINT_MAX_QUEUE",
    "DEPTHPAINT_MAX_SIDE",
    "DEPTHPAINT_MAX_STEPS",
)
BODY = 32 << 20
"""Bytes of the largest request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How to serve: `max_queue` requests wait beside the one that is painted.

    `parallel` is how many of them may be painted side by side, 0 for one a core; 1: one after the other.
    `stall` is after how many seconds without a step a picture has failed, and the server with it. `max_wait`
    is the longest estimated wait in seconds at which a request is accepted; None: any. `api_key` None: no key
    is needed. `allow_hosts` are further names that requests may be addressed to, `allow_origins` further
    origins that web pages may call from, like "https://example.org".
    """

    out: Path
    host: str = "127.0.0.1"
    port: int = PORT
    model: str = "diorama"
    max_queue: int = 8
    parallel: int = 0
    stall: float = 900
    max_side: int = 2048
    max_steps: int = 150
    max_wait: float | None = None
    max_body: int = BODY
    api_key: str | None = None
    allow_hosts: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise ParameterError for limits outside their range, and for a public address without a key."""
        for name, value, least, most in (
            ("port", self.port, 0, 65_535),
            ("max-queue", self.max_queue, 0, 10_000),
            ("parallel", self.parallel, 0, MOST_THREADS),
            ("max-side", self.max_side, MIN_OUTPUT_SIDE, MAX_OUTPUT_SIDE),
            ("max-steps", self.max_steps, 1, 1000),
        ):
            if not least <= value <= most:
                raise ParameterError(
                    f"--{name} is {value}, allowed are {least} to {most}",
                    code=ErrorCode.INVALID_PARAMETER,
                    remedy=f"give another --{name}",
                    value=value,
                )
        if self.api_key is None and not is_loopback(self.host):
            raise ParameterError(
                f"{self.host} can be reached from other machines, and there is no API key",
                code=ErrorCode.INVALID_PARAMETER,
                remedy=f"give --api-key-file, or set {KEY}; or listen on 127.0.0.1",
                value=self.host,
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def number_from(environment: Mapping[str, str], name: str, otherwise: int) -> int:
    """The whole number of an environment variable, `otherwise` if it is not set. Raises ParameterError."""
    text = environment.get(name, "").strip()
    if not text:
        return otherwise
    try:
        return int(text)
    except ValueError as error:
        raise ParameterError(
            f"the environment variable {name} is {text[:40]!r}",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="set it to a whole number",
            value=text[:40],
        ) from error


def key_from(environment: Mapping[str, str], file: Path | None) -> str | None:
    """The API key: the first line of `file`, or that of the environment; None if neither is given.

    Raises ParameterError for a file that cannot be read, and for a key that is empty or not printable ASCII.
    """
    if file is None:
        key = environment.get(KEY)
        if key is None:
            return None
    else:
        try:
            key = (file.read_text(encoding="utf-8").splitlines() or [""])[0]
        except (OSError, UnicodeDecodeError) as error:
            raise ParameterError(
                f"the key file {file} cannot be read: {error}",
                code=ErrorCode.INVALID_PARAMETER,
                remedy="give a text file whose first line is the key",
                value=os.fspath(file),
            ) from error
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ParameterError(
            "the API key is empty, or has spaces or characters other than ASCII",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="choose a key of letters and digits",
        )
    return key
