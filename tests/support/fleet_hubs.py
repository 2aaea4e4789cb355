"""Hubs of every kind behind one face, with a driven clock, and with what may happen to them."""

from __future__ import annotations

import copy
import itertools
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Protocol

from breakerd.breaker.fleet.hub.file.hub import FileHub
from breakerd.breaker.fleet.hub.memory import MemoryHub
from breakerd.breaker.fleet.hub.protocol import Hub
from breakerd.breaker.fleet.hub.redis.clients import make_client
from breakerd.breaker.fleet.hub.redis.connection import Connection
from breakerd.breaker.fleet.hub.redis.hub import RedisHub
from breakerd.breaker.fleet.hub.redis.script import Client, keys_of, store_keys_of
from breakerd.breaker.fleet.hub.store import TOPICS
from breakerd.breaker.fleet.messages import View
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings

START = 1_800_000_000.25


class DrivenTime:
    """Hub time, and ids that are the same in each run."""

    def __init__(self) -> None:
        self.now = START
        self._ids = itertools.count(1)

    def __call__(self) -> float:
        return self.now

    def new_id(self) -> str:
        return f"{next(self._ids):012x}"


def shown(view: View) -> View:
    """Return the view with registers and acts in an order of their own."""
    return view._replace(registers=tuple(sorted(view.registers)), acts=tuple(sorted(view.acts)))


class HubUnderTest(Protocol):
    """A hub, and what may happen to what it has stored."""

    hub: Hub

    def keep(self) -> Callable[[], None]:
        """Return what makes the hub what it is now again, as a failover to a replica may."""
        ...

    def wipe(self) -> None:
        """Let the hub lose everything."""
        ...

    def spoil(self) -> None:
        """Write something else to its place, as another program may."""
        ...

    def close(self) -> None: ...


class MemoryUnderTest:
    def __init__(self, time: DrivenTime) -> None:
        self._memory = MemoryHub(time, time.new_id)
        self.hub: Hub = self._memory

    def keep(self) -> Callable[[], None]:
        kept = copy.deepcopy(self._memory.records), copy.deepcopy(_dictionaries(self._memory))

        def restore() -> None:
            self._memory.wipe()
            records, store = kept
            vars(self._memory.records).update(copy.deepcopy(vars(records)))
            vars(self._memory.store).update(copy.deepcopy(store))

        return restore

    def wipe(self) -> None:
        self._memory.wipe()

    def spoil(self) -> None:
        raise NotImplementedError("nobody else can write to this process's memory")

    def close(self) -> None:
        pass


def _dictionaries(hub: MemoryHub) -> dict[str, object]:
    """Return the dictionaries of a hub's store."""
    return {name: value for name, value in vars(hub.store).items() if isinstance(value, dict)}


class FileUnderTest:
    def __init__(self, path: Path, time: DrivenTime) -> None:
        self.path = path
        self._file = FileHub(path, time, time.new_id, time)
        self.hub: Hub = self._file

    def keep(self) -> Callable[[], None]:
        kept = sqlite3.connect(":memory:", check_same_thread=False)
        with closing(sqlite3.connect(self.path)) as present:
            present.backup(kept)

        def restore() -> None:
            with closing(sqlite3.connect(self.path)) as present, closing(kept):
                kept.backup(present)

        return restore

    def wipe(self) -> None:
        for ending in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)

    def spoil(self) -> None:
        with closing(sqlite3.connect(self.path)) as present, present:
            present.execute("UPDATE record SET value = '{\"version\":[]}'")

    def close(self) -> None:
        self._file.close()


class RedisUnderTest:
    def __init__(self, settings: FleetSettings, time: DrivenTime) -> None:
        self._client: Client = make_client(settings)
        stores = (store_keys_of(settings.name, topic) for topic in TOPICS)
        self._keys = tuple(dict.fromkeys((*keys_of(settings.name), *chain(*stores))))
        connection = Connection(lambda: make_client(settings), self._keys[0], settings.interval)
        self.redis = RedisHub(settings.name, connection, time, time.new_id)
        self.hub: Hub = self.redis

    def keep(self) -> Callable[[], None]:
        kept = {key: self._execute("DUMP", key) for key in self._keys}

        def restore() -> None:
            self.wipe()
            for key, value in kept.items():
                if value is not None:
                    self._execute("RESTORE", key, 0, value)

        return restore

    def wipe(self) -> None:
        for key in self._keys:
            self._execute("DEL", key)

    def spoil(self) -> None:
        for field in self._execute("HGETALL", self._keys[1]):
            self._execute("HSET", self._keys[1], field, b"\xc1 not ours")

    def break_type(self, key: int) -> None:
        """Put a plain text in the place of one of its keys."""
        self._execute("SET", self._keys[key], "not ours")

    def close(self) -> None:
        for key in self._keys:
            self._execute("DEL", key)
        self.redis.close()
        self._client.close()

    def _execute(self, *arguments: object) -> dict[bytes, bytes]:
        never = {"NEVER_DECODE": True}
        found: dict[bytes, bytes] = self._client.execute_command(*arguments, **never)
        return found
