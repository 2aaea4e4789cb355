"""Leases of probes: one budget for the whole scope, handed to members with calls.

A token bucket (one probe a second, fewer after relapses) pays for the probes that a lease is likely
to bring: a member that is seldom called costs less, so that a fleet of quiet members probes as
often as one of busy ones. A lease that was not used gives its price back.
"""

from typing import Final

from breakerd.breaker.fleet.episode import OPEN, Episode
from breakerd.breaker.fleet.hub.records import Record
from breakerd.breaker.fleet.messages import Lease, LeaseResult

PROBES_PER_SECOND: Final = 1.0
"""Probes of a whole scope in an episode without relapses."""
USE_WITHIN: Final = 1.0
"""Seconds after which a lease that was not used returns."""
KEEP: Final = 12.0
"""Seconds after which a lease is taken for lost: a probe's usual time-out and two intervals."""
_MAX_DEBT: Final = -2.0
"""Tokens below which it does not go, if by chance many leases are used."""
_LEAST_PRICE: Final = 0.15
"""Lowest price of a lease, which limits their number."""
_OTHER_HOST_WITHIN: Final = 2.0
"""Seconds for which a host may not probe twice in a row if another one asks."""


def settle(leases: Record, member: str, result: LeaseResult | None) -> None:
    """End the member's lease; what was not used is given back."""
    held = leases.get("held", {})
    lease = held.get(member)
    if result is None or lease is None or lease["id"] != result.lease:
        return
    del held[member]
    # What was used costs a whole probe, whatever was expected.
    change = lease["price"] if result.outcome == "unused" else lease["price"] - 1.0
    leases["tokens"] = min(1.0, max(_MAX_DEBT, leases["tokens"] + change))


def grant(
    leases: Record, episode: Episode, member: str, host: str, wants: float, now: float
) -> Lease | None:
    """Return the lease that the member holds, or a new one if it wants one and it is its turn."""
    if episode.phase != OPEN:
        leases.clear()
        return None
    if "tokens" not in leases:
        leases.update(tokens=1.0, at=now, number=0, held={})
        leases.update(last_host="", other_host="", other_asked_at=0.0)
    _refill(leases, episode, now)
    held = leases["held"]
    if member in held:
        return Lease(held[member]["id"], held[member]["until"])
    price = min(1.0, max(_LEAST_PRICE, wants * USE_WITHIN))
    if wants <= 0 or _is_others_turn(leases, host, now) or leases["tokens"] < price:
        return None
    leases["tokens"] -= price
    leases["number"] += 1
    _note_host(leases, host)
    lease = Lease(f"{episode.generation}.{leases['number']}", now + USE_WITHIN)
    held[member] = {"id": lease.id, "until": lease.until, "price": price, "lost": now + KEEP}
    return lease


def _refill(leases: Record, episode: Episode, now: float) -> None:
    rate = PROBES_PER_SECOND / 2.0 ** max(0, episode.relapses - 1)
    passed = max(0.0, now - leases["at"])
    leases["tokens"], leases["at"] = min(1.0, leases["tokens"] + rate * passed), now
    for member in [each for each, lease in leases["held"].items() if now >= lease["lost"]]:
        del leases["held"][member]


def _is_others_turn(leases: Record, host: str, now: float) -> bool:
    """Return True if the host probed last, and another one has asked lately."""
    if host == leases["last_host"]:
        return bool(now - leases["other_asked_at"] < _OTHER_HOST_WITHIN)
    leases["other_host"], leases["other_asked_at"] = host, now
    return False


def _note_host(leases: Record, host: str) -> None:
    """Note the host that probes now: it is no other one any more."""
    leases["last_host"] = host
    if leases["other_host"] == host:
        leases["other_asked_at"] = 0.0
