"""Hub on a server: each operation is one run of a script there."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from breakerd.breaker.fleet.hub.protocol import (
    TOO_LATE,
    HubUnavailableError,
    MemberEntry,
    Progress,
)
from breakerd.breaker.fleet.hub.records import DictRecords
from breakerd.breaker.fleet.hub.redis.clients import make_client
from breakerd.breaker.fleet.hub.redis.connection import Connection
from breakerd.breaker.fleet.hub.redis.dialogue import Said, at_rest, said
from breakerd.breaker.fleet.hub.redis.facts import ServerFacts
from breakerd.breaker.fleet.hub.redis.messages import (
    Reply,
    read_pool,
    read_reply,
    report_arguments,
)
from breakerd.breaker.fleet.hub.redis.script import Script, keys_of, store_keys_of
from breakerd.breaker.fleet.hub.redis.store import RedisStore
from breakerd.breaker.fleet.hub.state import HubState, random_id
from breakerd.breaker.fleet.messages import Act, BreakerView, PoolView, Register, Report, View
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.fleet.wire import WireError


class RedisHub:
    """Hub on Redis or Valkey. Thread-safe.

    Args:
        name: name of the fleet.
        connection: connection to the server.
        clock: hub time in seconds, for tests; None: the server's own.
        new_id: returns random ids.
    """

    def __init__(
        self,
        name: str,
        connection: Connection,
        clock: Callable[[], float] | None = None,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self._script = Script(name)
        self._connection = connection
        self._clock = clock
        self._new_id = new_id
        self._said: dict[str, Said] = {}
        """Dialogue of each member, by id: a process has one."""
        self.store = RedisStore(
            lambda topic, given: self._run_on(store_keys_of(name, topic), given)[0]
        )
        """Topics and leases."""

    @classmethod
    def from_settings(cls, settings: FleetSettings) -> "RedisHub":
        """Return the hub that `[fleet]` names; it connects with the first operation."""
        key = keys_of(settings.name)[0]
        connection = Connection(lambda: make_client(settings), key, settings.interval)
        return cls(settings.name, connection)

    @property
    def problem(self) -> str:
        """Reason why the server cannot be used at present; empty if it can."""
        return self._connection.problem

    def exchange(self, report: Report) -> View:
        """Take a member's report; return its view."""
        last = self._said.get(report.member.id)
        view = self._continue(last, report) if last and last.continues(report) else None
        return view if view is not None else self._say_all(report)

    def _continue(self, last: Said, report: Report) -> View | None:
        """Exchange what is new since `last`; return None if that was not enough."""
        named = report._replace(breakers=last.named(report))
        reply = self._reply(named, last.seq, last.episodes)
        told = {each.pool: each for each in reply.view.breakers} if reply else {}
        rest = [each for each in report.breakers if each.pool not in told]
        if reply is None or any(
            f"{each.pool}@{scope.scope}" in reply.changed for each in rest for scope in each.scopes
        ):
            return None
        told |= {each.pool: at_rest(last.views[each.pool]) for each in rest}
        return self._note(report, reply, tuple(told[each.pool] for each in report.breakers))

    def _say_all(self, report: Report) -> View:
        reply = self._reply(report, 0, 0)
        if reply is None:
            raise HubUnavailableError("the hub does not take a whole report")
        return self._note(report, reply, reply.view.breakers)

    def _reply(self, named: Report, since: int, episodes: int) -> Reply | None:
        parts = self._run("exchange", *report_arguments(named, since, episodes))
        try:
            return read_reply(parts, named)
        except WireError as error:
            raise HubUnavailableError(str(error)) from error

    def _note(self, report: Report, reply: Reply, breakers: tuple[BreakerView, ...]) -> View:
        view = reply.view._replace(breakers=breakers)
        self._said[report.member.id] = said(report, view, reply.episodes)
        return view

    def set_mode(self, register: Register) -> Register:
        """Write an operator's mode; return it with epoch and time filled in."""
        return Register(*self._command("set_mode", register))

    def act(self, act: Act) -> Act:
        """Hand out an act; return it with its time filled in."""
        return Act(*self._command("act", act))

    def progress(self, breaker: str, command: str) -> Progress:
        """Return how far a command has come. Reads all members."""
        state, now = self._look()
        return state.progress(breaker, command, now)

    def members(self) -> tuple[MemberEntry, ...]:
        """Return all members. Reads all of them."""
        state, now = self._look()
        return state.members(now)

    def pool(self, name: str, scope: str) -> tuple[PoolView, tuple[int, ...]]:
        """Return the sums of one scope, and the merged sketch of durations. Reads all members."""
        text, numbers = self._run("pool", name, scope)
        oldest, view, sketches = json.loads(text)
        return read_pool(scope, view, numbers, oldest), _merged(sketches)

    def facts(self) -> ServerFacts:
        """Return the facts of the server, for those who look for what is wrong."""
        return self._connection.facts()

    def close(self) -> None:
        """Close all connections."""
        self._connection.close()

    def _run(self, *arguments: str | bytes) -> tuple[bytes, ...]:
        return self._run_on((), arguments)

    def _run_on(
        self, more_keys: tuple[str, ...], arguments: Sequence[str | bytes]
    ) -> tuple[bytes, ...]:
        operation, *own = arguments
        time = "" if self._clock is None else repr(self._clock())
        given = [operation, time, self._new_id(), *own]
        return self._connection.run(lambda client: self._script.run(client, given, more_keys))

    def _command(self, operation: str, command: Register | Act) -> Sequence[Any]:
        answer: Sequence[Any] | None = self._ask(operation, json.dumps(command))
        if answer is None:
            raise HubUnavailableError(TOO_LATE)
        return answer

    def _ask(self, operation: str, *arguments: str) -> Any:
        (answer,) = self._run(operation, *arguments)
        return json.loads(answer)

    def _look(self) -> tuple[HubState, float]:
        """Return a copy of what the hub knows of members and commands, and hub time."""
        found = self._ask("look")
        records = DictRecords()
        records.put("registers", _commands(found))
        for order in ("gone", "live"):
            for member, at in _pairs(found[order]):
                records.heard(member, float(at), live=order == "live")
        for member, each in dict(found["members"]).items():
            record = {
                "info": json.loads(each["info"]),
                "register_version": each["version"],
                "windows": {},
                "silent": dict(each["states"]),
            }
            records.put(f"member:{member}", record)
        return HubState(records), float(found["now"])


def _commands(found: dict[str, Any]) -> dict[str, Any]:
    """Return the commands of a look in the form of a hub's record."""
    modes = {
        breaker: {"register": json.loads(text), "version": version, "until": None}
        for breaker, (text, version) in dict(found["modes"]).items()
    }
    acts = {id_: {"act": json.loads(text), "applied": {}} for id_, text in _pairs(found["acts"])}
    for mark, outcome in _pairs(found["applied"]):
        act, _, member = mark.partition("\0")
        if act in acts:
            acts[act]["applied"][member] = outcome
    return {"version": 0, "modes": modes, "acts": acts}


def _pairs(flat: Any) -> list[tuple[str, str]]:
    """Return a list of alternating names and values as pairs; Lua writes an empty list as {}."""
    values = list(flat)
    return list(zip(values[::2], values[1::2], strict=True))


def _merged(sketches: Any) -> tuple[int, ...]:
    """Return the sum of sketches, in their own form: first bucket, then the counts."""
    counts: dict[int, int] = {}
    for sketch in sketches:
        first, *own = sketch or [0]
        for bucket, count in enumerate(own, first):
            counts[bucket] = counts.get(bucket, 0) + count
    if not counts:
        return ()
    low, high = min(counts), max(counts)
    return (low, *(counts.get(bucket, 0) for bucket in range(low, high + 1)))
