"""Identity of this process in a fleet, and the pools that its breakers belong to."""

import hashlib
import os
import secrets
import socket
from collections.abc import Iterable
from typing import Final

from breakerd.breaker._version import __version__
from breakerd.breaker.breaker import Breaker
from breakerd.breaker.fleet.messages import MemberInfo
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.fleet.settings.hub_address import HubKind
from breakerd.breaker.settings import Settings

_RELEVANT: Final = frozenset({"slo", "latency_threshold", "percentile", "error_threshold"})
"""Settings that decide what counts as trouble: only those who agree on them share evidence."""
_ZONE: Final = "zone"


def make_member_info(
    settings: FleetSettings, incarnation: int, breakers: Iterable[Breaker]
) -> MemberInfo:
    """Return the facts of this process; its id is another one each time.

    Args:
        settings: `[fleet]`.
        incarnation: number that is larger than those before.
        breakers: all breakers of the process.
    """
    host = host_of(settings)
    return MemberInfo(
        id=f"{host}-{os.getpid()}-{secrets.token_hex(3)}",
        incarnation=incarnation,
        host=host,
        zone=settings.labels.get(_ZONE, ""),
        role=settings.role,
        pid=os.getpid(),
        version=__version__,
        digest=settings_digest(breakers),
        labels=tuple(sorted(settings.labels.items())),
        one_host=settings.address.kind is HubKind.FILE,
    )


def host_of(settings: FleetSettings) -> str:
    """Return the name of this host in the fleet: that of the settings, or the machine's."""
    return settings.host or socket.gethostname()


def settings_digest(breakers: Iterable[Breaker]) -> str:
    """Return a short hash of the settings of all breakers."""
    each = sorted(f"{one.name} {one.settings.model_dump_json()}" for one in breakers)
    return _short_hash("\n".join(each))


def pool_name(breaker: str, role: str, settings: Settings) -> str:
    """Return the pool of a breaker: its name, and the group of those that are alike."""
    group = _short_hash(f"{role} {settings.model_dump_json(include=set(_RELEVANT))}")
    return f"{breaker}|{group}"


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
