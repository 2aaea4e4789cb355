"""Bounded wait: an operation that may hang keeps nobody longer than they have time."""

import threading
from collections.abc import Callable
from typing import TypeVar

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.storage.job import Job

T = TypeVar("T")

_TOO_LONG = "the hub does not answer in time"


def run_until(deadline: float, operation: Callable[[], T]) -> T:
    """Return the result of an operation on a hub, or raise what it raises.

    It runs on a thread of its own, and goes on there if it takes too long: what it was to do may be
    done all the same.

    Args:
        deadline: time of the process's clock up to which it is waited for.
        operation: the operation.

    Raises:
        HubUnavailableError: it has not ended by then; if the time is over, it is not begun.
    """
    left = deadline - CLOCK.monotonic()
    if left <= 0:
        raise HubUnavailableError(_TOO_LONG)
    job = Job(operation)
    try:
        threading.Thread(target=job.execute, name="breakerd-command", daemon=True).start()
    except RuntimeError:
        job.execute()  # the system gives no thread: the hub's client has limits of its own
    if not job.done.wait(left):
        raise HubUnavailableError(_TOO_LONG)
    return job.result()
