"""Loops that make calls and are timed: made for each contestant, with its statements inlined.

Each contestant gets code of its own, as in a program that has one breaker: the interpreter
specialises an attribute look-up for the one class that it meets there. What the statements name are
local variables, for every contestant alike. Several copies of them stand in one turn of the loop,
so that the loop itself costs next to nothing.

Time is the CPU time of the process, all its threads together: these calls wait for nothing, and so
it is what they take on a machine that does nothing else. Under several threads, which wait for each
other, it is what passes on the wall.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from textwrap import indent
from time import perf_counter_ns, process_time_ns
from typing import Any, Final

COPIES: Final = 10
"""How often a loop's body stands in it."""

Span = tuple[int, int]
"""When a loop began and ended, in nanoseconds of its clock."""

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
        run: makes `calls` calls as many times as it is told, and says from when to when.
        calls: how many calls are made in one turn.
        now: its clock.
        renew: puts its code elsewhere in memory, as cold as that of a program that begins; None if
            it cannot.
    """

    run: Callable[[int], Span]
    calls: int
    now: Callable[[], int] = process_time_ns
    renew: Callable[[], None] | None = None


def plain(body: str, **names: object) -> Loop:
    """Runs `body`, statements that make one call, in this thread."""
    code = _Code("def", body, COPIES, names)
    return Loop(lambda turns: code(turns, process_time_ns), COPIES, renew=code.renew)


def coroutine(runner: asyncio.Runner, body: str, **names: object) -> Loop:
    """Runs `body`, which may await, in one task."""
    code = _Code("async def", body, COPIES, names)
    return Loop(lambda turns: runner.run(code(turns, process_time_ns)), COPIES, renew=code.renew)


def tasks(runner: asyncio.Runner, count: int, body: str, **names: object) -> Loop:
    """Runs `body` in `count` tasks at once."""
    code = _Code("async def", body, 1, names)

    async def run(turns: int) -> Span:
        waiting = [code(turns, process_time_ns) for _ in range(count)]
        return _around(await asyncio.gather(*waiting))

    return Loop(lambda turns: runner.run(run(turns)), count, renew=code.renew)


def threads(count: int, body: str, **names: object) -> Loop:
    """Runs `body` in `count` threads at once, which begin together."""
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
    """The code of a loop, compiled; called with turns and a clock, it runs."""

    def __init__(self, head: str, body: str, copies: int, names: dict[str, object]) -> None:
        text = indent("\n".join([body.strip()] * copies), " " * 8)
        self._source = _SOURCE.format(head=head, names=", ".join(names), body=text)
        self._names = names
        self._made: list[Callable[..., Any]] = []
        """All of them: what is still there cannot be where the next one is to lie."""
        self.renew()

    def __call__(self, turns: int, now: Callable[[], int]) -> Any:
        return self._made[-1](turns, now, **self._names)

    def renew(self) -> None:
        """Compiles it anew."""
        scope: dict[str, Any] = {}
        exec(compile(self._source, "<a loop of the benchmark>", "exec"), scope)  # noqa: S102 - written in this package
        self._made.append(scope["loop"])


def _around(spans: list[Span]) -> Span:
    return min(begin for begin, _ in spans), max(end for _, end in spans)
