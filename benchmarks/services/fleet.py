"""Calls in a process of a fleet, beside one of none; and while the hub is away, beside calm.

Each process is a member of a fleet of its own, so that its hub can be taken away. All are started
anew every few rounds, since two processes of one program may differ by a tenth.
"""

import json
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from statistics import median
from typing import Final, NamedTuple

from benchmarks.harness.child import Child
from benchmarks.harness.figures import Effort, Figure, UnavailableError

NAME: Final = "fleet"

ROUNDS_OF_A_PROCESS: Final = 3
"""Rounds after which all processes are started anew."""
CALLS: Final = 25
"""Times as many calls as the effort says: part of the cost is one exchange a second."""
NOTICED: Final = 60.0
"""Maximum seconds until a process notices that its hub is away."""

ALONE: Final = "allow + done without a fleet"
ALONE_AGAIN: Final = "allow + done without a fleet, the control"
IN_FILE: Final = "allow + done in a fleet, hub in a file"
ON_SERVER: Final = "allow + done in a fleet, hub on a server"
CALM: Final = "99.9th percentile of allow + done, hub on a server"
CALM_AGAIN: Final = "99.9th percentile, the control"
HANGS: Final = "99.9th percentile while the hub hangs"
REFUSED: Final = "99.9th percentile while the hub is refused"


class Kind(NamedTuple):
    """A process that is measured.

    Attributes:
        hub: its hub; empty for a server of its own.
        fault: takes that server away; None: it stays.
    """

    hub: str = ""
    fault: Callable[[subprocess.Popen[bytes]], None] | None = None


def _hang(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGSTOP)


def _end(server: subprocess.Popen[bytes]) -> None:
    server.kill()
    server.wait()


COST: Final = {
    ALONE: Kind("none"),
    ALONE_AGAIN: Kind("none"),
    IN_FILE: Kind("file"),
    ON_SERVER: Kind(),
}
TAIL: Final = {
    CALM: Kind(),
    CALM_AGAIN: Kind(),
    HANGS: Kind(fault=_hang),
    REFUSED: Kind(fault=_end),
}
REACHES: Final = {IN_FILE: "<= 1.02", ON_SERVER: "<= 1.02", HANGS: "<= 1.2", REFUSED: "<= 1.2"}


def measure(effort: Effort) -> list[Figure]:
    """Measure the processes in turn, round by round.

    Raises:
        UnavailableError: there is no `redis-server`.
    """
    if shutil.which("redis-server") is None:
        raise UnavailableError("redis-server is not installed")
    costs = _rounds(COST, f"cost {CALLS * effort.calls}", effort.rounds)
    tails = _rounds(TAIL, f"tail {effort.seconds / 5}", effort.rounds)
    return [*_figures(costs, ALONE), *_figures(tails, CALM)]


def _rounds(kinds: Mapping[str, Kind], question: str, rounds: int) -> dict[str, list[float]]:
    """Return what the processes have answered, by name."""
    found: dict[str, list[float]] = defaultdict(list)
    for first in range(0, rounds, ROUNDS_OF_A_PROCESS):
        with ExitStack() as stack:
            asked = {name: stack.enter_context(_running(kind)) for name, kind in kinds.items()}
            for number in range(first, min(rounds, first + ROUNDS_OF_A_PROCESS)):
                turn = number % len(asked)
                for name in [*list(asked)[turn:], *list(asked)[:turn]]:
                    found[name].append(asked[name](question))
    return found


@contextmanager
def _running(kind: Kind) -> Iterator[Callable[[str], float]]:
    """Run a process, and take its hub away; yield what asks it."""
    with ExitStack() as stack:
        server, url = (None, kind.hub) if kind.hub else stack.enter_context(_server())
        child = stack.enter_context(Child("benchmarks.services.fleet_member", url))
        _ = child.ready_line
        up = url != "none"
        if kind.fault is not None and server is not None:
            kind.fault(server)
            up = False
        ask = partial(_ask, child)
        until = time.monotonic() + NOTICED
        while ask("cost 100")["up"] != up:
            if time.monotonic() > until:
                raise RuntimeError("the hub is not as it should be")
            time.sleep(0.1)

        def answer(question: str) -> float:
            found = ask(question)
            if found["up"] != up:
                raise RuntimeError("the hub is no more as it should be")
            return found["value"]

        yield answer


def _ask(child: Child, question: str) -> dict[str, float]:
    child.write_line(question)
    answer: dict[str, float] = json.loads(child.read_line())
    return answer


@contextmanager
def _server() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a server that keeps nothing; yield it and its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", ""]
        server = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)  # noqa: S603, S607 - the one of this machine
        try:
            _wait_for(port)
            yield server, f"redis://127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + NOTICED
    while time.monotonic() < until:
        with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise RuntimeError("redis-server does not start")


def _figures(found: dict[str, list[float]], base: str) -> list[Figure]:
    return [_figure(name, values, base, found[base]) for name, values in found.items()]


def _figure(name: str, values: list[float], base: str, against: list[float]) -> Figure:
    ratios = sorted(own / other for own, other in zip(values, against, strict=True))
    quartiles = [ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]]
    return Figure(
        part=NAME,
        name=name,
        value=median(values),
        unit="ns",
        ratio=None if name == base else median(ratios),
        against="" if name == base else base,
        reach=REACHES.get(name, ""),
        note=f"minimum {min(values):.4g} ns, quartiles of the ratio {quartiles[0]:.3f} "
        f"and {quartiles[1]:.3f}"
        if name != base
        else f"minimum {min(values):.4g} ns",
        details={
            "minimum": min(values),
            "rounds": len(values),
            "ratio_of_minima": min(values) / min(against),
            "ratio_quartiles": quartiles,
        },
    )
