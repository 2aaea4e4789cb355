"""Connection to a server that may be away: made when needed, tried again later, told once."""

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from redis.exceptions import RedisError

from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.hub.redis.facts import ServerFacts, read_facts
from breakerd.breaker.fleet.hub.redis.problems import explain
from breakerd.breaker.fleet.hub.redis.script import Client
from breakerd.breaker.fork import ProcessLock, renew_after_fork
from breakerd.breaker.logging import get_logger

T = TypeVar("T")

_log = get_logger(__name__)

_FACTS_INTERVAL: Final = 600.0
"""Seconds after which the facts of the server are read again."""


class Connection:
    """Client of one server or group of servers. Thread-safe, and safe to fork.

    After a failure nobody tries again before a random part of `interval` has passed, so that the
    members of a large fleet do not all come back in the same moment.

    Args:
        connect: returns a client.
        key: a key of the fleet.
        interval: seconds between two exchanges.
        clock: returns seconds; never jumps.
        chance: returns a random number from 0 up to 1.

    Attributes:
        problem: why the server cannot be used at present; empty if it can.
    """

    def __init__(
        self,
        connect: Callable[[], Client],
        key: str,
        interval: float,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.problem = ""
        self._connect = connect
        self._key = key
        self._interval = interval
        self._clock = clock
        self._chance = chance
        self._client: Client | None = None
        self._facts = ServerFacts()
        self._facts_due = float("-inf")
        self._told = ""
        self._retry_at = float("-inf")
        self._lock = ProcessLock()
        renew_after_fork(self)

    def run(self, operation: Callable[[Client], T]) -> T:
        """Return the result of an operation of the client.

        Raises:
            HubUnavailableError: the server cannot be reached, or refuses.
        """
        if self._clock() < self._retry_at:
            raise HubUnavailableError(self.problem)
        try:
            result = operation(self._ready())
        except HubUnavailableError:
            raise
        except (RedisError, OSError) as error:
            self._lose(explain(error))
            raise HubUnavailableError(self.problem) from error
        self._report("")
        return result

    def facts(self) -> ServerFacts:
        """Return the facts of the server, read now.

        Raises:
            HubUnavailableError: it cannot be reached.
        """
        return self.run(lambda client: read_facts(client, self._key))

    def close(self) -> None:
        """Close all connections; the next operation opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def after_fork(self) -> None:
        """Leave the parent's connections to it."""
        self._client = None

    def _ready(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            client, now = self._client, self._clock()
            if now < self._facts_due:
                return client
            self._facts, self._facts_due = read_facts(client, self._key), now + _FACTS_INTERVAL
        if found := self._facts.too_old():
            self._facts_due = float("-inf")
            self._lose(found)
            raise HubUnavailableError(found)
        if found := self._facts.may_forget():
            _log.warning("hub may forget", problem=found)
        return client

    def _lose(self, problem: str) -> None:
        self._retry_at = self._clock() + self._chance() * self._interval
        self._facts_due = float("-inf")  # it may be another server
        self._report(problem)

    def _report(self, problem: str) -> None:
        """Set `problem`; log it when it begins, when it becomes another one, and when it ends."""
        kind = problem.partition(" (")[0]
        if kind and kind != self._told:
            _log.error("hub lost, each process decides alone", problem=problem)
        elif self._told and not kind:
            _log.info("hub works again")
        self.problem, self._told = problem, kind
