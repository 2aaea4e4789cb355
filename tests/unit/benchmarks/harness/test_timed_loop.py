from __future__ import annotations

from inspect import currentframe
from typing import TYPE_CHECKING

from benchmarks.harness.timed_loop import plain, threads

if TYPE_CHECKING:
    from types import CodeType


def test_a_loop_makes_the_calls_it_is_told() -> None:
    calls: list[int] = []
    loop = plain("f(1)", f=calls.append)
    begin, end = loop.run(3)
    assert len(calls) == 3 * loop.calls
    assert begin < end
    loop = threads(4, "f(1)", f=calls.append)
    calls.clear()
    loop.run(2)
    assert len(calls) == 2 * loop.calls == 2 * 4 * 10


def test_a_renewed_loop_does_the_same_with_other_code() -> None:
    code: list[CodeType] = []

    def note() -> None:
        if frame := currentframe():
            assert frame.f_back
            code.append(frame.f_back.f_code)

    loop = plain("f()", f=note)
    loop.run(2)
    assert loop.renew
    loop.renew()
    loop.run(2)
    assert len(code) == 4 * loop.calls
    assert len(set(map(id, code))) == 2
