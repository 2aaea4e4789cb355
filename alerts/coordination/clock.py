"""Time that goes on evenly, however the wall clock is set meanwhile."""

import time
from collections.abc import Callable

from breakerd.alerts.storage.store import Store

_EPOCH = "epoch"


def shared_monotonic_clock(store: Store, boot: str) -> Callable[[], float]:
    """Seconds since the epoch, the same for all processes that share `store`.

    The wall clock is read once; from then on the monotonic clock counts, which all processes of a
    machine share until it is started anew. While nobody uses the file, the wall clock is read
    again.

    Args:
        store: the file, open.
        boot: which start of the machine this is; empty if that is not known.
    """
    offset = time.time() - time.monotonic()
    known_boot, _, known = store.get_value(_EPOCH).partition(" ")
    if boot and known_boot == boot and store.has_leader_or_pending():
        offset = float(known)
    else:
        store.set_value(_EPOCH, f"{boot} {offset!r}")
    return lambda: offset + time.monotonic()
