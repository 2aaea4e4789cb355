"""Faults of a hub on a server, and of the network before it: each begins, and ends with its block.

Each yields True if the hub is out of reach meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from tests.support.fleet_processes import Process
from tests.support.polling import until
from tests.support.redis_servers import Cluster, RedisServer, Sentinels
from tests.support.tcp_proxy import TcpProxy
from tests.support.thoroughness import THOROUGH

T = TypeVar("T")

PASSWORD: Final = "geheim"
_LONG: Final = 30.0 if THOROUGH else 0.0
"""Seconds that a stopped server and a silent network stay so; in CI, until it is noticed."""
_DELAY: Final = 0.3
"""Seconds by which data come later, in either direction."""


@dataclass
class FaultyHub:
    """The hub of a fleet, with what can be broken of it.

    Attributes:
        url: its address for the members.
        key: one of the fleet's keys.
        server: the server, where there is but one.
        network: what lies between members and server.
        sentinels, cluster: several servers.
        file: the file, where it is one.
        processes: the members.
    """

    url: str
    key: str = ""
    server: RedisServer | None = None
    network: TcpProxy | None = None
    sentinels: Sentinels | None = None
    cluster: Cluster | None = None
    file: Path = Path()
    processes: list[Process] = field(default_factory=list)


Fault = Callable[[FaultyHub], AbstractContextManager[bool]]


@contextmanager
def killed(hub: FaultyHub) -> Iterator[bool]:
    present(hub.server).stop()
    yield True
    present(hub.server).start()


@contextmanager
def suspended(hub: FaultyHub) -> Iterator[bool]:
    with present(hub.server).suspended(), _at_least(_LONG):
        yield True


@contextmanager
def another_password(hub: FaultyHub) -> Iterator[bool]:
    server = present(hub.server)
    server.execute("CONFIG", "SET", "requirepass", PASSWORD)
    server.client(PASSWORD).execute_command("CLIENT", "KILL", "TYPE", "normal")  # type: ignore[no-untyped-call] # of redis-py
    yield True
    server.client(PASSWORD).config_set("requirepass", "")


@contextmanager
def out_of_memory(hub: FaultyHub) -> Iterator[bool]:
    present(hub.server).execute("CONFIG", "SET", "maxmemory", 1)
    yield True
    present(hub.server).execute("CONFIG", "SET", "maxmemory", 0)


@contextmanager
def forgetful(hub: FaultyHub) -> Iterator[bool]:
    present(hub.server).execute("FLUSHALL")
    yield False


@contextmanager
def cut_off(hub: FaultyHub) -> Iterator[bool]:
    with present(hub.network).cut():
        yield True


@contextmanager
def silent(hub: FaultyHub) -> Iterator[bool]:
    with present(hub.network).silent(), _at_least(_LONG):
        yield True


@contextmanager
def slow(hub: FaultyHub) -> Iterator[bool]:
    with present(hub.network).delayed(_DELAY):
        yield False


@contextmanager
def failed_over(hub: FaultyHub) -> Iterator[bool]:
    """The primary dies, and the sentinels choose its replica."""
    until(present(hub.sentinels).replicated)
    present(hub.sentinels).fail_over()
    yield False


@contextmanager
def failed_over_with_loss(hub: FaultyHub) -> Iterator[bool]:
    """The primary dies; its replica, which takes over, never had the last seconds."""
    until(present(hub.sentinels).replicated)
    present(hub.sentinels).cut_replication()
    before = _writes(present(hub.sentinels).primary)
    until(lambda: _writes(present(hub.sentinels).primary) >= before + 4)
    present(hub.sentinels).fail_over()
    yield False


@contextmanager
def moved(hub: FaultyHub) -> Iterator[bool]:
    """The fleet's slot of a cluster moves to another node, and from there to the third."""
    present(hub.cluster).move_slot_of(hub.key)
    yield False
    present(hub.cluster).move_slot_of(hub.key)


@contextmanager
def _at_least(seconds: float) -> Iterator[None]:
    """End no sooner than after so many seconds: the length of the fault is part of it."""
    ends = time.monotonic() + seconds
    yield
    time.sleep(max(0.0, ends - time.monotonic()))


def present(part: T | None) -> T:
    """Return a part of the hub that the fault is about."""
    assert part is not None
    return part


def _writes(server: RedisServer) -> int:
    """Return how many scripts, and so exchanges, a server has executed."""
    stats: dict[str, Any] = server.execute("INFO", "commandstats")
    return sum(
        int(stats.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in ("evalsha", "eval")
    )
