"""Limit of open file descriptors of the process."""

import resource
from typing import Final

_WANTED: Final = 16_384
"""Descriptors that are enough for any service; more would only cost the system memory."""
_RESERVED: Final = 400
"""Descriptors that are not for connections: files, receivers, connections being set up."""
_MIN_CONNECTIONS: Final = 16
_MAX_CONNECTIONS: Final = 1_000
"""Maximum number of HTTP connections; an operator, a scraper and a dashboard need a few."""


def raise_descriptor_limit() -> int:
    """Raise the soft limit of descriptors to the hard one, at most to 16,384; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(hard, _WANTED)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # forbidden by a sandbox
        return soft
    return wanted


def max_connections(descriptors: int) -> int:
    """Return how many HTTP connections a process with that many descriptors may have."""
    return max(_MIN_CONNECTIONS, min(_MAX_CONNECTIONS, descriptors - _RESERVED))
