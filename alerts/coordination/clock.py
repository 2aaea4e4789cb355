"""Clock that runs evenly, however the wall clock is set meanwhile."""

import time
from collections.abc import Callable

from breakerd.alerts.storage.store import Store

_EPOCH = "epoch"


def shared_monotonic_clock(store: Store, boot: str) -> Callable[[], float]:
    """Return a clock of seconds since the epoch, the same for all processes that share `store`.

    The wall clock is read once. After that the monotonic clock counts, which all processes of a
    machine share until it reboots. The wall clock is read again if no process is the leader and no
    incident is unfinished.

    Args:
        store: the open database.
        boot: id of the boot of the machine; empty if it is unknown.
    """
    offset = time.time() - time.monotonic()
    known_boot, _, known = store.get_value(_EPOCH).partition(" ")
    if boot and known_boot == boot and store.has_leader_or_pending():
        offset = float(known)
    else:
        store.set_value(_EPOCH, f"{boot} {offset!r}")
    return lambda: offset + time.monotonic()
