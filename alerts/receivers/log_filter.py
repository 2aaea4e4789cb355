"""Keeps the requests of receivers out of the logs of the HTTP packages that send them.

These packages log addresses, and some addresses are secrets. Requests of the host application are
still logged.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_LOGGERS: Final = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
    "urllib3.connectionpool",
)

_suppressed = ContextVar("suppressed", default=False)


@contextmanager
def suppress_request_logs() -> Iterator[None]:
    """Suppress the logs of requests sent within, also by threads that inherit the context."""
    before = _suppressed.set(True)
    try:
        yield
    finally:
        _suppressed.reset(before)


def _is_host_request(_record: logging.LogRecord) -> bool:
    return not _suppressed.get()


for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_is_host_request)
