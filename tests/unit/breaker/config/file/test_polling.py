"""Where events of a file cannot be used, it is polled."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from breakerd.breaker.config.file.polling import why_no_events
from tests.support.program import run_program

FORKED = """
    import json, os, sys
    from breakerd.breaker.config.file.polling import why_no_events
    if sys.argv[1] == "watches":
        import watchdog.observers
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, why_no_events().encode())
        os._exit(0)
    os.close(write)
    with open(read) as stream:
        print(json.dumps([why_no_events(), stream.read()]))
    os.wait()
"""


@pytest.mark.parametrize(
    ("parent", "why"), [("watches", "the parent process reads the events"), ("does not", "")]
)
def test_a_child_polls_if_its_parent_may_watch(parent: str, why: str) -> None:
    own, child = run_program(FORKED, parent)
    assert own == ""
    assert child.startswith(why)
    assert bool(child) == bool(why)


@pytest.mark.parametrize(
    ("module", "function", "part"),
    [
        ("gevent.monkey", "is_module_patched", "threading"),
        ("eventlet.patcher", "is_monkey_patched", "thread"),
    ],
)
@pytest.mark.parametrize("patched", [True, False])
def test_green_threads_poll(
    monkeypatch: pytest.MonkeyPatch, module: str, function: str, part: str, patched: bool
) -> None:
    asked: list[str] = []

    def answer(name: str) -> bool:
        asked.append(name)
        return patched

    for known in ("gevent.monkey", "eventlet.patcher"):
        monkeypatch.delitem(sys.modules, known, raising=False)
    double = ModuleType(module)
    setattr(double, function, answer)
    monkeypatch.setitem(sys.modules, module, double)
    assert bool(why_no_events()) == patched
    assert asked == [part]
