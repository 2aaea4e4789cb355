"""Records of a hub: plain values by key, and the order in which members were last heard."""

from itertools import islice
from typing import Any, Protocol

Record = dict[str, Any]
"""JSON object: its shape is known to the one module that writes it."""


class Records(Protocol):
    """Storage under `HubState`; each operation of the hub is one transaction over it."""

    def get(self, key: str) -> Record | None:
        """Return the record of `key`, to be changed and put back; None if there is none."""
        ...

    def put(self, key: str, record: Record) -> None:
        """Store the record of `key`."""
        ...

    def delete(self, key: str) -> None:
        """Remove the record of `key`, if there is one."""
        ...

    def heard(self, member: str, at: float, *, live: bool = True) -> None:
        """Note when the member was last heard, and that it is live, or is not any more."""
        ...

    def forget(self, member: str) -> None:
        """Forget when the member was heard."""
        ...

    def oldest(self, count: int, *, live: bool = True) -> list[tuple[str, float]]:
        """Return (member, time) of those heard the longest time ago, that one first."""
        ...

    def all_heard(self) -> list[tuple[str, float]]:
        """Return (member, time) of all members."""
        ...


class DictRecords:
    """Records in memory. Not thread-safe."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._live: dict[str, float] = {}
        self._gone: dict[str, float] = {}

    def get(self, key: str) -> Record | None:
        """Return the record itself."""
        return self._records.get(key)

    def put(self, key: str, record: Record) -> None:
        """Store the record."""
        self._records[key] = record

    def delete(self, key: str) -> None:
        """Remove the record, if there is one."""
        self._records.pop(key, None)

    def heard(self, member: str, at: float, *, live: bool = True) -> None:
        """Move the member to the end of its list."""
        self.forget(member)
        (self._live if live else self._gone)[member] = at

    def forget(self, member: str) -> None:
        """Forget the member."""
        self._live.pop(member, None)
        self._gone.pop(member, None)

    def oldest(self, count: int, *, live: bool = True) -> list[tuple[str, float]]:
        """Return the first ones."""
        return list(islice((self._live if live else self._gone).items(), count))

    def all_heard(self) -> list[tuple[str, float]]:
        """Return all of them."""
        return [*self._live.items(), *self._gone.items()]
