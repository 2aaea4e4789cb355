"""Look at a server as a fleet would use it: how it answers, what it permits, what it holds."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from redis.cluster import RedisCluster
from redis.exceptions import ReadOnlyError, RedisError

from breakerd.breaker.fleet.hub.redis.clients import make_client
from breakerd.breaker.fleet.hub.redis.facts import (
    ServerFacts,
    execute_at,
    if_permitted,
    read_facts,
    read_section,
)
from breakerd.breaker.fleet.hub.redis.problems import explain
from breakerd.breaker.fleet.hub.redis.rights import missing_rights
from breakerd.breaker.fleet.hub.redis.script import Client, keys_of
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings

PINGS: Final = 20
_REPLICA: Final = "slave"


class Inspection(NamedTuple):
    """State of a server, as far as its user may see it.

    Attributes:
        problem: why it cannot be used; empty if it can. Then the rest is as it was until there.
        answers: seconds that each of some short commands took.
        ahead: seconds by which the server's clock is ahead of this host's; None: not readable.
        missing: rules that its user lacks, as `ACL SETUSER` takes them.
        facts: version, memory and eviction.
        keys_size: bytes of the fleet's keys; None: its user may not ask.
        node: the node of the cluster that has the fleet's keys; empty without a cluster.
        replicas: number of replicas that follow the server; None: its user may not ask.
    """

    problem: str = ""
    answers: tuple[float, ...] = ()
    ahead: float | None = None
    missing: tuple[str, ...] = ()
    facts: ServerFacts = ServerFacts()
    keys_size: int | None = None
    node: str = ""
    replicas: int | None = None


def inspect_server(settings: FleetSettings, clock: Callable[[], float] = time.time) -> Inspection:
    """Return what the server of `[fleet]` is like; takes 2 s where it does not answer.

    Nothing stays changed on it.

    Args:
        settings: settings with the hub on a server.
        clock: this host's time in seconds since the epoch.
    """
    found = Inspection()
    client: Client | None = None
    try:
        client = make_client(settings)
        key = keys_of(settings.name)[0]
        answers, ahead = _time_answers(client, key, clock)
        found = found._replace(answers=answers, ahead=ahead, node=_node(client, key))
        found = found._replace(facts=read_facts(client, key))
        role, replicas = _replication(client, key)
        if role == _REPLICA:
            return found._replace(problem=explain(ReadOnlyError()))
        found = found._replace(replicas=replicas)
        found = found._replace(missing=missing_rights(client, settings.name))
        return found._replace(keys_size=_keys_size(client, settings.name))
    except (RedisError, OSError) as error:
        return found._replace(problem=explain(error))
    finally:
        if client is not None:
            client.close()


def _time_answers(
    client: Client, key: str, clock: Callable[[], float]
) -> tuple[tuple[float, ...], float | None]:
    """Return the seconds of each answer, and by how many the server's clock is ahead."""
    _ask_time(client, key)  # makes the connection
    answers, ahead = [], []
    for _ in range(PINGS):
        here, began = clock(), time.monotonic()
        there = _ask_time(client, key)
        answers.append(time.monotonic() - began)
        if there is not None:
            ahead.append((answers[-1], there - here - answers[-1] / 2))
    return tuple(answers), min(ahead)[1] if ahead else None  # the quickest answer knows best


def _ask_time(client: Client, key: str) -> float | None:
    """Return the server's time; None if its user may not ask, which takes as long."""
    told = if_permitted(lambda: execute_at(client, key, "TIME"))
    return float(told[0]) + float(told[1]) / 1e6 if told else None


def _replication(client: Client, key: str) -> tuple[str, int | None]:
    """Return the server's role, and the number of its replicas; nothing if not readable."""
    found = if_permitted(lambda: read_section(client, key, "replication"))
    if found is None:
        return "", None
    return found.get("role", ""), int(found.get("connected_slaves", 0))


def _keys_size(client: Client, name: str) -> int | None:
    def ask() -> list[int | None]:
        return [client.execute_command("MEMORY USAGE", key) for key in keys_of(name)]

    sizes = if_permitted(ask)
    return None if sizes is None else sum(size or 0 for size in sizes)


def _node(client: Client, key: str) -> str:
    if not isinstance(client, RedisCluster):
        return ""
    return str(client.get_node_from_key(key).name)  # type: ignore[no-untyped-call] # of redis-py
