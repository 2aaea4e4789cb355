"""Timed loops, generated for each candidate with its statements inlined.

Each candidate gets code of its own, as in a program with one breaker: the interpreter specialises
an attribute look-up for the one class that it meets there. All names in the statements are local
variables. One turn of the loop holds several copies of the statements, so that the loop itself
costs next to nothing.

Time is the CPU time of the process, all threads together. These calls wait for nothing, so it
equals their duration on an idle machine. Loops with several threads, which wait for each other, are
timed by the wall clock.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from textwrap import indent
from time import perf_counter_ns, process_time_ns
from typing import Any, Final

COPIES: Final = 10
"""Number of copies of the statements in one turn of a loop."""

Span = tuple[int, int]
"""Begin and end of a loop, in nanoseconds of its clock."""

_SOURCE = """
from itertools import repeat

{head} loop(turns, now, {names}):
    begin = now()
    for _ in repeat(None, turns):
{body}
    return begin, now()
"""


@dataclass(frozen=True)
class Loop:
    """Calls that can be timed.

    Attributes:
        run: runs the given number of turns, and returns their span.
        calls: number of calls in one turn.
        now: the clock of the span, in nanoseconds.
        renew: recompiles the loop to another place in memory, where it is cold; None if it cannot.
    """

    run: Callable[[int], Span]
    calls: int
    now: Callable[[], int] = process_time_ns
    renew: Callable[[], None] | None = None


def plain(body: str, **names: object) -> Loop:
    """Return a loop that runs `body`, statements that make one call, in this thread."""
    code = _Code("def", body, COPIES, names)
    return Loop(lambda turns: code(turns, process_time_ns), COPIES, renew=code.renew)


def coroutine(runner: asyncio.Runner, body: str, **names: object) -> Loop:
    """Return a loop that runs `body`, which may await, in one task."""
    code = _Code("async def", body, COPIES, names)
    return Loop(lambda turns: runner.run(code(turns, process_time_ns)), COPIES, renew=code.renew)


def tasks(runner: asyncio.Runner, count: int, body: str, **names: object) -> Loop:
    """Return a loop that runs `body` in `count` tasks at once."""
    code = _Code("async def", body, 1, names)

    async def run(turns: int) -> Span:
        waiting = [code(turns, process_time_ns) for _ in range(count)]
        return _around(await asyncio.gather(*waiting))

    return Loop(lambda turns: runner.run(run(turns)), count, renew=code.renew)


def threads(count: int, body: str, **names: object) -> Loop:
    """Return a loop that runs `body` in `count` threads at once, which begin together."""
    code = _Code("def", body, COPIES, names)

    def run(turns: int) -> Span:
        barrier = threading.Barrier(count)
        spans = []

        def work() -> None:
            barrier.wait()
            spans.append(code(turns, perf_counter_ns))

        workers = [threading.Thread(target=work) for _ in range(count)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return _around(spans)

    return Loop(run, COPIES * count, perf_counter_ns, code.renew)


class _Code:
    """The compiled code of a loop; call it with a number of turns and a clock."""

    def __init__(self, head: str, body: str, copies: int, names: dict[str, object]) -> None:
        text = indent("\n".join([body.strip()] * copies), " " * 8)
        self._source = _SOURCE.format(head=head, names=", ".join(names), body=text)
        self._names = names
        self._made: list[Callable[..., Any]] = []
        """All compilations so far: kept, so that the next one gets another place in memory."""
        self.renew()

    def __call__(self, turns: int, now: Callable[[], int]) -> Any:
        return self._made[-1](turns, now, **self._names)

    def renew(self) -> None:
        """Compile the loop again."""
        scope: dict[str, Any] = {}
        exec(compile(self._source, "<a loop of the benchmark>", "exec"), scope)  # noqa: S102 - written in this package
        self._made.append(scope["loop"])


def _around(spans: list[Span]) -> Span:
    return min(begin for begin, _ in spans), max(end for _, end in spans)
