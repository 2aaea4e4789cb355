"""A trivial ASGI route under load: bare, with our middleware, and with those of peers.

Each server is a uvicorn process of its own, all pinned to one core; wrk runs on the other. They are
loaded one at a time in many short turns, so that a disturbance affects all alike. One process may
be a tenth faster than the next of the same program, depending on the place of its objects in
memory. So all are restarted every few rounds, and a second bare server shows the noise.

A ratio compares requests per second of CPU time with those of the bare server in the same round. A
server under this load keeps its core busy, so the ratio of plain requests per second is the same,
unless other processes use that core: then all servers wait, and look more alike than they are. The
plain ratio is in the note.
"""

import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Final

from benchmarks.harness import http_load
from benchmarks.harness.child import Child, two_cores
from benchmarks.harness.figures import Effort, Figure, UnavailableError, unmeasured
from benchmarks.harness.http_load import Load
from benchmarks.services.asgi_apps import AGAIN, BARE, BY_HAND, OURS, PEERS, WITH_STATUS

NAME: Final = "asgi"

REACH: Final = ">= 0.95"
CONNECTIONS: Final = 16
_ROUNDS: Final = 3
"""Number of rounds after which all servers are restarted."""
_MIN_REQUESTS: Final = 100
"""Minimum requests of a valid turn."""


@dataclass(frozen=True)
class Server:
    """One server: an application, its middleware, and its HTTP parser."""

    application: str
    middleware: str
    parser: str

    @property
    def bare(self) -> "Server":
        """The server that it is compared with."""
        return Server(self.application, BARE, self.parser)

    @property
    def name(self) -> str:
        """Name in the table."""
        return f"{self.application} route, {self.parser}, {self.middleware}"


@dataclass(frozen=True)
class Turn:
    """One load of one server, and the CPU seconds per request."""

    load: Load
    cpu: float


Turns = dict[Server, list[Turn]]


def measure(effort: Effort) -> list[Figure]:
    """Load all servers in turn.

    Raises:
        UnavailableError: wrk is missing, or none of the servers starts.
    """
    http_load.require()
    turns: Turns = {who: [] for who in servers()}
    failures: dict[Server, str] = {}
    with two_cores() as core:
        for first in range(0, effort.rounds, _ROUNDS):
            with ExitStack() as stack:
                started = {who: stack.enter_context(_start(who, core)) for who in turns}
                running, failed = _await_ready(started)
                failures |= failed
                turns = {who: turns[who] for who in running}
                _rounds(running, range(first, min(first + _ROUNDS, effort.rounds)), effort, turns)
    if not turns:
        raise UnavailableError("; ".join(set(failures.values())))
    missing = [unmeasured(NAME, who.name, why) for who, why in failures.items()]
    where = "" if core is not None else "one core for all; "
    return [_figure(who, turns, where) for who in turns] + missing


def servers() -> list[Server]:
    """Return ours with each application and installed parser, and peers on the raw route."""
    parsers = [parser for parser in ("httptools", "h11") if find_spec(parser)]
    fastest = parsers[0]
    raw = [Server("raw", who, fastest) for who in (BARE, AGAIN, BY_HAND, WITH_STATUS, OURS, *PEERS)]
    framework = [Server("FastAPI", who, fastest) for who in (BARE, OURS)]
    others = [Server("raw", who, parser) for parser in parsers[1:] for who in (BARE, OURS)]
    return raw + framework + others


def _start(server: Server, core: int | None) -> Child:
    return Child(
        "benchmarks.services.asgi_server",
        *(server.application, server.middleware, server.parser),
        core=core,
    )


def _await_ready(
    started: dict[Server, Child],
) -> tuple[dict[Server, Child], dict[Server, str]]:
    """Return the servers that run, and the errors of the others."""
    failures = {}
    for who, server in started.items():
        try:
            _ = server.ready_line
        except RuntimeError as error:
            failures[who] = " ".join(str(error).splitlines()[-2:])
    return {who: server for who, server in started.items() if who not in failures}, failures


def _rounds(running: dict[Server, Child], numbers: range, effort: Effort, turns: Turns) -> None:
    seconds = max(0.1, effort.seconds / 10)
    for child in running.values():
        http_load.load(child.ready_line, seconds, connections=CONNECTIONS)  # to warm up
    order = list(running)
    for number in numbers:
        for who in _rotated(order, number):
            turns[who].append(_turn(running[who], seconds))


def _rotated(order: Sequence[Server], number: int) -> list[Server]:
    """Return another order for each round, since it may matter which follows which."""
    first = number % len(order)
    return [*order[first:], *order[:first]]


def _turn(server: Child, seconds: float) -> Turn:
    before = server.cpu_seconds()
    load = http_load.load(server.ready_line, seconds, connections=CONNECTIONS)
    if load.requests < _MIN_REQUESTS:  # the server got hardly any CPU time
        return _turn(server, seconds * 2)
    return Turn(load, (server.cpu_seconds() - before) / load.requests)


def _figure(who: Server, turns: Turns, where: str) -> Figure:
    own, bare = turns[who], turns.get(who.bare)
    p50 = statistics.median(turn.load.p50 for turn in own)
    p99 = statistics.median(turn.load.p99 for turn in own)
    cpu = statistics.median(turn.cpu for turn in own)
    errors = sum(turn.load.errors for turn in own)
    rates = [turn.load.rate for turn in own]
    figure = Figure(
        part=NAME,
        name=who.name,
        value=statistics.median(rates),
        unit="requests/s",
        note=f"{where}p50 {p50 * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms, {errors} errors, "
        f"CPU {cpu * 1e6:.1f} µs a request",
        details={"p50_s": p50, "p99_s": p99, "errors": errors, "cpu_s": cpu, "rates": rates},
    )
    if who.middleware == BARE or bare is None:
        return figure
    compared = _compared(figure, own, bare)
    return replace(compared, reach=REACH) if who.middleware == OURS else compared


def _compared(figure: Figure, own: list[Turn], bare: list[Turn]) -> Figure:
    rounds = list(zip(own, bare, strict=True))
    plain = statistics.median(turn.load.rate / before.load.rate for turn, before in rounds)
    return replace(
        figure,
        ratio=statistics.median(before.cpu / turn.cpu for turn, before in rounds),
        against="bare, by CPU time",
        note=f"{figure.note}; ratio by the clock {plain:.2f}",
        details={
            **figure.details,
            "ratio_by_the_clock": plain,
            "ratio_of_minima": min(turn.cpu for turn in bare) / min(turn.cpu for turn in own),
        },
    )
