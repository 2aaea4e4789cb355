"""A trivial ASGI route under load: bare, with our middleware, and with what else there is.

Each contestant is a uvicorn of its own, all kept to one core; wrk has the other. They are loaded
one at a time, in many short turns, so that what else the machine does meets all alike. One process
may be a tenth faster than the next of the same program, by where its objects lie in memory; so
after a few rounds all are started anew, and a second bare server shows what is noise.

A ratio is that of the requests per second of CPU time, in one turn, to those of the bare server in
the same round. A server under this load keeps its core busy, so that it is also that of plain
requests per second, except where others want that core too: there all servers wait alike, and seem
more alike than they are. The plain ratio stands beside it.
"""

import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Final

from benchmarks.harness import http_load as wrk
from benchmarks.harness.child import Child, two_cores
from benchmarks.harness.figures import Effort, Figure, UnavailableError, unmeasured
from benchmarks.harness.http_load import Load
from benchmarks.services.asgi_apps import AGAIN, ASKING, BARE, OURS, PEERS, SEEING

NAME: Final = "asgi"

REACH: Final = ">= 0.95"
CONNECTIONS: Final = 16
_ROUNDS: Final = 3
"""After so many all servers are started anew."""
_LEAST: Final = 100
"""Requests that tell something."""


@dataclass(frozen=True)
class Contestant:
    """One server: an application behind a middleware, and what reads HTTP for it."""

    application: str
    middleware: str
    parser: str

    @property
    def bare(self) -> "Contestant":
        """What it is compared with."""
        return Contestant(self.application, BARE, self.parser)

    @property
    def name(self) -> str:
        """Its name in the table."""
        return f"{self.application} route, {self.parser}, {self.middleware}"


@dataclass(frozen=True)
class Turn:
    """One load of one server, and the CPU time that each request took it, in seconds."""

    load: Load
    cpu: float


Turns = dict[Contestant, list[Turn]]


def measure(effort: Effort) -> list[Figure]:
    """Loads all servers in turn.

    Raises:
        UnavailableError: wrk is missing, or none of the servers starts.
    """
    wrk.require()
    turns: Turns = {who: [] for who in contestants()}
    failures: dict[Contestant, str] = {}
    with two_cores() as core:
        for first in range(0, effort.rounds, _ROUNDS):
            with ExitStack() as stack:
                started = {who: stack.enter_context(_server(who, core)) for who in turns}
                servers, failed = _ready(started)
                failures |= failed
                turns = {who: turns[who] for who in servers}
                _rounds(servers, range(first, min(first + _ROUNDS, effort.rounds)), effort, turns)
    if not turns:
        raise UnavailableError("; ".join(set(failures.values())))
    missing = [unmeasured(NAME, who.name, why) for who, why in failures.items()]
    where = "" if core is not None else "one core for all; "
    return [_figure(who, turns, where) for who in turns] + missing


def contestants() -> list[Contestant]:
    """Ours with each application and parser there is, peers on the raw route."""
    parsers = [parser for parser in ("httptools", "h11") if find_spec(parser)]
    fastest = parsers[0]
    raw = [Contestant("raw", who, fastest) for who in (BARE, AGAIN, ASKING, SEEING, OURS, *PEERS)]
    framework = [Contestant("FastAPI", who, fastest) for who in (BARE, OURS)]
    others = [Contestant("raw", who, parser) for parser in parsers[1:] for who in (BARE, OURS)]
    return raw + framework + others


def _server(contestant: Contestant, core: int | None) -> Child:
    return Child(
        "benchmarks.services.asgi_server",
        *(contestant.application, contestant.middleware, contestant.parser),
        core=core,
    )


def _ready(
    started: dict[Contestant, Child],
) -> tuple[dict[Contestant, Child], dict[Contestant, str]]:
    """Those that serve, and why the others do not."""
    failures = {}
    for who, server in started.items():
        try:
            _ = server.word
        except RuntimeError as error:
            failures[who] = " ".join(str(error).splitlines()[-2:])
    return {who: server for who, server in started.items() if who not in failures}, failures


def _rounds(servers: dict[Contestant, Child], numbers: range, effort: Effort, turns: Turns) -> None:
    seconds = max(0.1, effort.seconds / 10)
    for server in servers.values():
        wrk.load(server.word, seconds, connections=CONNECTIONS)  # to warm up
    order = list(servers)
    for number in numbers:
        for contestant in _rotated(order, number):
            turns[contestant].append(_turn(servers[contestant], seconds))


def _rotated(order: Sequence[Contestant], number: int) -> list[Contestant]:
    """Another one begins each round, since it may matter who comes after whom."""
    first = number % len(order)
    return [*order[first:], *order[:first]]


def _turn(server: Child, seconds: float) -> Turn:
    before = server.cpu_seconds()
    load = wrk.load(server.word, seconds, connections=CONNECTIONS)
    if load.requests < _LEAST:  # the server hardly ran
        return _turn(server, seconds * 2)
    return Turn(load, (server.cpu_seconds() - before) / load.requests)


def _figure(who: Contestant, turns: Turns, where: str) -> Figure:
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
