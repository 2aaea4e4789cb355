"""How this project logs: structlog in front of the standard library, silent until the host listens.

The message holds its fields in words, for hosts that only print it; `record.event` and
`record.fields` hold them apart, for hosts that want structure.

structlog costs more to load than all the rest (it loads rich, where that is installed), and most
processes that embed a breaker never log a line; so it is loaded for the first one. Not before on
the ticker's thread: a pre-forking server forks just then, and a child cannot finish an import that
another thread of its parent began. Nor can a line be lost or do harm for it: what cannot be loaded
any more (no file descriptor is left, or the files were replaced) is done without.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    import structlog


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger `name`, to be called as `log.warning("what happened", key=value)`.

    Logging never raises, and is thread-safe. The first line of a process takes a while longer.
    """
    return cast("structlog.stdlib.BoundLogger", _OnDemand(logging.getLogger(name)))


class _OnDemand:
    """Becomes structlog's logger when a method of it is asked for."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._loaded: structlog.stdlib.BoundLogger | None = None

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):  # what copy, pickle and inspect look for
            raise AttributeError(method)
        if self._loaded is None:
            try:
                self._loaded = _load(self._logger)
            except Exception:  # noqa: BLE001 - whatever it is, it must not reach who only logs
                return partial(_write, self._logger, method)
        found: Callable[..., Any] = getattr(self._loaded, method)
        return found


_loading = threading.RLock()
# A fork waits until no other thread is loading.
os.register_at_fork(
    before=_loading.acquire,
    after_in_parent=_loading.release,
    after_in_child=_loading.release,
)


def _load(logger: logging.Logger) -> structlog.stdlib.BoundLogger:
    with _loading:
        import structlog  # noqa: PLC0415 - see above

        loaded: structlog.stdlib.BoundLogger = structlog.wrap_logger(
            logger,
            processors=[structlog.stdlib.filter_by_level, _hand_over],
            wrapper_class=structlog.stdlib.BoundLogger,
        )
        return loaded


def _write(logger: logging.Logger, method: str, event: str, **fields: object) -> None:
    """Logs the same record without structlog."""
    if method == "exception":
        fields.setdefault("exc_info", True)
    words, keywords = _hand_over(logger, method, {"event": event, **fields})
    getattr(logger, method)(*words, **(keywords | {"stacklevel": 2}))


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
