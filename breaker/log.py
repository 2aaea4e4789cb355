"""How this project logs: structlog in front of the standard library, silent until the host listens.

The message holds its fields in words, for hosts that only print it; `record.event` and
`record.fields` hold them apart, for hosts that want structure.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger `name`, to be called as `log.warning("what happened", key=value)`."""
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[structlog.stdlib.filter_by_level, _hand_over],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return logger


def _hand_over(
    _logger: object, _method: str, event_dict: MutableMapping[str, Any]
) -> tuple[tuple[str], dict[str, Any]]:
    event = str(event_dict.pop("event"))
    exc_info = event_dict.pop("exc_info", None)
    fields = dict(event_dict)
    words = " ".join([event, *(f"{key}={value}" for key, value in fields.items())])
    return (words,), {
        "exc_info": exc_info,
        "stacklevel": _frames_of_structlog(),
        "extra": {"event": event, "fields": fields},
    }


def _frames_of_structlog() -> int:
    """How many frames lie between this processor and whoever logged."""
    frame, count = sys._getframe(2), 0  # noqa: SLF001 - as the standard library's logging does
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("structlog"):
        frame, count = frame.f_back, count + 1
    return count


logging.getLogger("breaker").addHandler(logging.NullHandler())
