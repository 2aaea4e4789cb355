"""Facts of a server that decide whether a hub on it works: version, memory, eviction."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from redis.cluster import RedisCluster
from redis.exceptions import RedisError

from breakerd.breaker.fleet.hub.redis.script import Client

T = TypeVar("T")

OLDEST: Final = 6
"""Major version of Redis from which on it is supported."""
_EVICTS_ANY: Final = "allkeys-"
_IN_SCRIPT: Final = "can't run this command"
"""Words of Redis 7 where a script's user lacks a right."""


class ServerFacts(NamedTuple):
    """Facts of a server, as far as its user may read them.

    Attributes:
        product: `Redis` or `Valkey`; empty if it is not known.
        version: its version.
        speaks: version of Redis that it is compatible with.
        max_memory: limit of its memory in bytes; 0: none.
        used_memory: memory that it uses, in bytes.
        eviction: what it removes when memory is used up, as `noeviction`.
    """

    product: str = ""
    version: str = ""
    speaks: str = ""
    max_memory: int = 0
    used_memory: int = 0
    eviction: str = ""

    def too_old(self) -> str:
        """Return why the server is too old; empty if it is not."""
        major = self.speaks.partition(".")[0]
        if not major.isdecimal() or int(major) >= OLDEST:
            return ""
        return f"{self.product} {self.version} is too old: Redis {OLDEST} or newer, or Valkey"

    def may_forget(self) -> str:
        """Return why the server may drop a fleet's data; empty if it does not."""
        if not self.max_memory or not self.eviction.startswith(_EVICTS_ANY):
            return ""
        return (
            f"maxmemory-policy is {self.eviction}: when memory is used up, the server may remove "
            "what the fleet knows; noeviction or volatile-… keep it"
        )


def read_facts(client: Client, key: str) -> ServerFacts:
    """Return the facts of the server; empty ones if its user may not read them.

    Args:
        client: client of the server, or of a cluster.
        key: key whose node in a cluster is asked.

    Raises:
        redis.exceptions.ConnectionError: it cannot be reached.
    """
    server = if_permitted(lambda: read_section(client, key, "server"))
    memory = if_permitted(lambda: read_section(client, key, "memory"))
    if server is None or memory is None:
        return ServerFacts()
    speaks = server.get("redis_version", "")
    valkey = server.get("valkey_version", "")
    return ServerFacts(
        product="Valkey" if valkey else "Redis",
        version=valkey or speaks,
        speaks=speaks,
        max_memory=int(memory.get("maxmemory", 0)),
        used_memory=int(memory.get("used_memory", 0)),
        eviction=memory.get("maxmemory_policy", ""),
    )


def execute_at(client: Client, key: str, *command: object) -> Any:
    """Return the answer to a command that names no key, from the node that serves `key`.

    Raises:
        redis.exceptions.RedisError: it cannot be reached, or refuses.
    """
    options = {}
    if isinstance(client, RedisCluster):
        options["target_nodes"] = client.get_node_from_key(key)  # type: ignore[no-untyped-call] # of redis-py
    return client.execute_command(*command, **options)


def if_permitted(ask: Callable[[], T]) -> T | None:
    """Return what `ask` returns; None if the server's user lacks the right to ask.

    Raises:
        redis.exceptions.RedisError: the server cannot be reached, or refuses for another reason.
    """
    try:
        return ask()
    except RedisError as error:
        if not is_refusal(error):
            raise
        return None


def is_refusal(error: Exception | str) -> bool:
    """Return True if an error says that the user lacks a right."""
    text = str(error)
    return "NOPERM" in text or "no permissions" in text.lower() or _IN_SCRIPT in text


def read_section(client: Client, key: str, section: str) -> dict[str, str]:
    """Return a section of what the server says of itself.

    Raises:
        redis.exceptions.RedisError: it cannot be reached, or refuses.
    """
    found = execute_at(client, key, "INFO", section)
    return {str(name): str(value) for name, value in found.items()}
