"""Keeps requests out of the logs of the packages that make them.

These write down addresses, and some addresses are secrets. The host's own requests stay in.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_LOGGERS: Final = ("httpx", "urllib3.connectionpool")

_asks = ContextVar("asks", default=False)


@contextmanager
def unlogged() -> Iterator[None]:
    """What is requested in here is not logged, nor what threads do that take over the context."""
    before = _asks.set(True)
    try:
        yield
    finally:
        _asks.reset(before)


def _is_not_ours(_record: logging.LogRecord) -> bool:
    return not _asks.get()


for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_is_not_ours)
