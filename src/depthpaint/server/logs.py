"""What the server logs: one line an event, for people on a terminal or as JSON; never prompts or keys."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

from depthpaint.core.errors import printable

LogFormat = Literal["auto", "text", "json"]
LOG = logging.getLogger("depthpaint.server")


def log_event(event: str, **facts: object) -> None:
    """Log something that happened with its facts, such as a job's id and state."""
    LOG.info(event, extra={"facts": facts})


class JsonLines(logging.Formatter):
    """Each record as one JSON object: time (UTC), level, event, its facts, and the traceback of an error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; JSON escapes line ends, whatever a client sent."""
        content: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **record.__dict__.get("facts", {}),
        }
        if record.exc_info:
            content["traceback"] = self.formatException(record.exc_info)
        return json.dumps(content)


class TextLines(logging.Formatter):
    """Each record as a line for a terminal: time, event, and its facts as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the lines of a traceback."""
        facts: dict[str, object] = record.__dict__.get("facts", {})
        parts = [record.getMessage(), *(f"{name}={value}" for name, value in facts.items())]
        if record.levelno > logging.INFO:
            parts.insert(0, record.levelname)
        line = printable(f"{self.formatTime(record, '%H:%M:%S')} {' '.join(parts)}")
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def start_logging(form: LogFormat, *, quiet: bool) -> None:
    """Log to stderr; `quiet`: only warnings and errors. "auto": text on a terminal, JSON elsewhere."""
    as_text = form == "text" or (form == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(TextLines() if as_text else JsonLines())
    logging.basicConfig(level=logging.WARNING if quiet else logging.INFO, handlers=[handler])
