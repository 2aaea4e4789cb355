"""Problems of a server, in words that say what to do."""

from typing import Final

from redis import exceptions as errors
from redis.sentinel import MasterNotFoundError

from breakerd.breaker.fleet.settings.hub_address import PASSWORD_VARIABLE

_PASSWORD: Final = (
    f"the server refuses the password: set {PASSWORD_VARIABLE} or `password_file` of [fleet], and "
    "the user in `hub`"
)
_KNOWN: Final[tuple[tuple[type[Exception], str], ...]] = (
    (errors.AuthenticationError, _PASSWORD),
    (errors.AuthenticationWrongNumberOfArgsError, _PASSWORD),
    (errors.NoPermissionError, "the server's user lacks a right that docs/fleet.md lists"),
    (errors.OutOfMemoryError, "the server is out of memory: raise its maxmemory"),
    (errors.ReadOnlyError, "the server is a replica: name the primary, or use sentinels"),
    (errors.BusyLoadingError, "the server is loading its data"),
    (MasterNotFoundError, "the sentinels know no primary of that name that is up"),
    (errors.ClusterDownError, "the cluster is down"),
    (errors.SlotNotCoveredError, "the cluster has no node for the fleet's keys"),
    (errors.TimeoutError, "the server does not answer in time"),
)
_BY_CODE: Final = {
    "NOAUTH": _PASSWORD,
    "WRONGPASS": _PASSWORD,
    "NOPERM": "the server's user lacks a right that docs/fleet.md lists",
    "OOM": "the server is out of memory: raise its maxmemory",
    "MISCONF": "the server cannot write to its disk, and takes no writes",
    "NOREPLICAS": "the server has too few replicas to take writes",
    "BUSY": "the server is busy with a script of somebody else",
    "MASTERDOWN": "the server is a replica that has lost its primary",
    "BREAKERD": "the hub cannot read the report of this member",
}


def explain(error: Exception) -> str:
    """Return what is wrong, and what to do if that is known."""
    text = " ".join(str(error).split())[:200]
    code = text.partition(" ")[0]
    known = _BY_CODE.get(code) or next(
        (word for kind, word in _KNOWN if isinstance(error, kind)), ""
    )
    if known:
        return f"{known} ({text})" if text else known
    reached = isinstance(error, errors.ResponseError)
    return f"the server {'refuses' if reached else 'cannot be reached'}: {text or repr(error)}"
