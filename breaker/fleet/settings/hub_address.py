"""Address of a hub, as `[fleet] hub` has it."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, NamedTuple

FILE: Final = "file"
NONE: Final = "none"
PASSWORD_VARIABLE: Final = "BREAKERD_FLEET_PASSWORD"  # noqa: S105 - its name, not itself

_REDIS_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_MAX_NODES: Final = 20
_DATABASES: Final = 1000
_NODE: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
_SERVICE: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
_USER: Final = re.compile(r"[!-9;-~]{1,100}")


class HubKind(StrEnum):
    """Kind of a hub."""

    FILE = FILE
    NONE = NONE
    REDIS = "redis"
    SENTINEL = "redis+sentinel"
    CLUSTER = "redis+cluster"


class Node(NamedTuple):
    """Host and port of one server."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class HubAddress:
    """Place where the members of a fleet meet.

    Attributes:
        kind: kind of the hub.
        nodes: servers to begin with: Redis, the sentinels, or some nodes of the cluster.
        tls: True if every connection is encrypted.
        user: name of the user in Redis; empty: the default user.
        service: name of the primary as the sentinels know it; empty without sentinels.
        database: number of the database.
    """

    kind: HubKind
    nodes: tuple[Node, ...] = ()
    tls: bool = False
    user: str = ""
    service: str = ""
    database: int = 0

    @property
    def remote(self) -> bool:
        """True if the hub is a server, which members of other hosts reach too."""
        return bool(self.nodes)


_SCHEMES: Final = {
    "redis": (HubKind.REDIS, False),
    "rediss": (HubKind.REDIS, True),
    "redis+sentinel": (HubKind.SENTINEL, False),
    "rediss+sentinel": (HubKind.SENTINEL, True),
    "redis+cluster": (HubKind.CLUSTER, False),
    "rediss+cluster": (HubKind.CLUSTER, True),
}
_SHAPES: Final = {
    HubKind.REDIS: "redis://[USER@]HOST[:PORT][/DATABASE]",
    HubKind.SENTINEL: "redis+sentinel://[USER@]HOST[:PORT][,HOST[:PORT]…]/SERVICE[/DATABASE]",
    HubKind.CLUSTER: "redis+cluster://[USER@]HOST[:PORT][,HOST[:PORT]…]",
}


def parse_hub(text: str) -> HubAddress:
    """Return the address that `text` stands for.

    Raises:
        ValueError: it stands for none; the message says what is allowed, and shows nothing of it.
    """
    if text in {FILE, NONE}:
        return HubAddress(HubKind(text))
    scheme, mark, rest = text.partition("://")
    if not mark or scheme not in _SCHEMES:
        raise ValueError(_suggestion(scheme, has_scheme=bool(mark)))
    kind, tls = _SCHEMES[scheme]
    before, _, path = rest.partition("/")
    user, _, nodes = before.rpartition("@")
    if ":" in user:
        raise ValueError(f"a URL without a password: set {PASSWORD_VARIABLE}, or `password_file`")
    parts = [part for part in path.split("/") if part]
    service = parts.pop(0) if kind is HubKind.SENTINEL and parts else ""
    if not _fits(kind, user, service, parts):
        raise ValueError(_SHAPES[kind])
    return HubAddress(
        kind=kind,
        nodes=_nodes(nodes, kind),
        tls=tls,
        user=user,
        service=service,
        database=int(parts[0]) if parts else 0,
    )


def _fits(kind: HubKind, user: str, service: str, database: list[str]) -> bool:
    """Return True if all but the hosts is as that kind of hub needs it."""
    if user and not _USER.fullmatch(user):
        return False
    if kind is HubKind.SENTINEL and not _SERVICE.fullmatch(service):
        return False
    if len(database) > (0 if kind is HubKind.CLUSTER else 1):
        return False
    return not database or (database[0].isdecimal() and int(database[0]) < _DATABASES)


def _nodes(text: str, kind: HubKind) -> tuple[Node, ...]:
    default = _SENTINEL_PORT if kind is HubKind.SENTINEL else _REDIS_PORT
    nodes = []
    for part in text.split(","):
        found = _NODE.fullmatch(part)
        if found is None:
            raise ValueError(_SHAPES[kind])
        port = int(found[2] or default)
        if not 0 < port < 65536:
            raise ValueError(f"{_SHAPES[kind]}, with a port between 1 and 65535")
        nodes.append(Node(found[1].strip("[]"), port))
    if len(nodes) > (1 if kind is HubKind.REDIS else _MAX_NODES):
        raise ValueError(_SHAPES[kind])
    return tuple(nodes)


def _suggestion(found: str, *, has_scheme: bool) -> str:
    """Return what is allowed in place of an unknown word or scheme."""
    known = list(_SCHEMES) if has_scheme else [FILE, NONE, *_SCHEMES]
    close = get_close_matches(found.lower(), known, n=1)
    if close:
        is_scheme = close[0] in _SCHEMES
        return f"did you mean {close[0] + '://' if is_scheme else close[0]!r}?"
    schemes = ", ".join(f"{scheme}://" for scheme in _SCHEMES)
    return f"'file', 'none', or a URL with one of {schemes}"
