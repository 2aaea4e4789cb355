"""The script that runs in Redis: its text and its keys."""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final, Protocol

from redis.exceptions import NoScriptError

_KEYS: Final = (
    *("hub", "pools", "members", "live", "gone"),
    *("idle", "modes", "acts", "applied", "topics"),
    *("windows", "episodes"),
)
"""Keys of each operation, in the order in which the script takes them."""


class Client(Protocol):
    """Part of redis-py's clients that is used: alone, behind sentinels, or of a cluster."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Return the answer to a command."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


def keys_of(name: str) -> tuple[str, ...]:
    """Return the keys of each operation; the braces put them on one node of a cluster."""
    return tuple(_key(name, key) for key in _KEYS)


def store_keys_of(name: str, topic: str) -> tuple[str, ...]:
    """Return the further keys of an operation of the store: leases, and those of a topic."""
    return tuple(_key(name, key) for key in ("leases", f"entries:{topic}", f"order:{topic}"))


def _key(name: str, key: str) -> str:
    return f"breakerd:{{{name}}}:{key}"


class Script:
    """Script of a fleet, which the server keeps by its digest.

    Args:
        name: name of the fleet.
    """

    def __init__(self, name: str) -> None:
        self._keys = keys_of(name)
        self._text = script_text()
        self._digest = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    def run(
        self, client: Client, arguments: Sequence[str | bytes], more_keys: tuple[str, ...] = ()
    ) -> tuple[bytes, ...]:
        """Run it, and return the parts of its answer; a server without its text gets that again.

        Args:
            client: connection to the server.
            arguments: operation, time, random id, and the operation's own.
            more_keys: keys beside those of each operation.

        Raises:
            redis.exceptions.RedisError: the server cannot be reached, or refuses.
        """
        keys = (*self._keys, *more_keys)
        rest = (len(keys), *keys, *arguments)
        try:
            answer = client.execute_command("EVALSHA", self._digest, *rest)
        except NoScriptError:
            answer = client.execute_command("EVAL", self._text, *rest)
        return tuple(answer) if isinstance(answer, list) else (bytes(answer),)


def script_text() -> str:
    """Return the text of the script, whose files are joined in the order of their names."""
    parts = [each for each in files(__package__).joinpath("lua").iterdir() if ".lua" in each.name]
    return "\n".join(each.read_text() for each in sorted(parts, key=lambda each: each.name))
