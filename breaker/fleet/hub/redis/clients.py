"""Clients of redis-py for a hub's address: none of them retries by itself."""

from typing import Any, Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

from breakerd.breaker.fleet.hub.redis.script import Client
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.fleet.settings.hub_address import HubKind

CONNECT_LIMIT: Final = 1.0
"""Seconds for a connection to be made."""
ANSWER_LIMIT: Final = 1.0
"""Seconds for an answer to arrive."""


def make_client(settings: FleetSettings) -> Client:
    """Return a client of the hub on a server that `settings` name.

    A member repeats an exchange by itself, so a client that does it too only takes longer.

    Raises:
        redis.exceptions.RedisError: no node of the cluster can be reached.
    """
    address = settings.address
    options = {**_common(settings), **_login(settings)}
    if address.kind is HubKind.CLUSTER:
        nodes = [ClusterNode(*each) for each in address.nodes]  # type: ignore[no-untyped-call] # of redis-py
        return RedisCluster(startup_nodes=nodes, require_full_coverage=False, **options)
    options["db"] = address.database
    if address.kind is HubKind.SENTINEL:
        own = {**_common(settings), "password": _secret(settings.sentinel_password)}
        sentinel = Sentinel(address.nodes, sentinel_kwargs=own, **options)  # type: ignore[no-untyped-call] # of redis-py
        client: Client = sentinel.master_for(address.service, Redis)  # type: ignore[no-untyped-call] # of redis-py
        return client
    (node,) = address.nodes
    return Redis(host=node.host, port=node.port, **options)


def _common(settings: FleetSettings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_LIMIT,
        "socket_timeout": ANSWER_LIMIT,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
    if settings.address.tls:
        options |= {
            "ssl": True,
            "ssl_check_hostname": True,
            "ssl_ca_certs": settings.tls_ca_file,
            "ssl_certfile": settings.tls_cert_file,
            "ssl_keyfile": settings.tls_key_file,
        }
    return options


def _login(settings: FleetSettings) -> dict[str, str | None]:
    user = settings.address.user or None
    return {"username": user, "password": _secret(settings.password)}


def _secret(secret: Any) -> str | None:
    return secret.get_secret_value() if secret is not None else None
