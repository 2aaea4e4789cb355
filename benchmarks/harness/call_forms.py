"""Source of the calls that are timed. Each comparison gives the names in it their values."""

from typing import Final

NOOP: Final = """
e.allow()
start = clock()
f()
e.done(start, clock())
"""
"""A call between the two methods of the no-op pair; `clock` is `time.perf_counter_ns`."""

ALLOW_DONE: Final = """
if b.allow():
    start = clock()
    f()
    b.done(start, clock())
"""
"""The raw form. The clock is bound once, as `perf_counter_ns` is in `NOOP`."""

README: Final = """
if b.allow():
    start = b.clock()
    f()
    b.done(start, b.clock(), error=False)
"""

GUARD: Final = """
with b.guard():
    f()
"""

GUARD_TIMEOUT: Final = """
with b.guard(timeout=10):
    f()
"""

DECORATOR: Final = "g()"
CALL: Final = "b.call(f)"

ASYNC_NOOP: Final = NOOP.replace("f()", "await f()")
ASYNC_ALLOW_DONE: Final = ALLOW_DONE.replace("f()", "await f()")
ASYNC_GUARD: Final = """
async with b.guard():
    await f()
"""
ASYNC_GUARD_TIMEOUT: Final = """
async with b.guard(timeout=10):
    await f()
"""
ASYNC_DECORATOR: Final = "await g()"
ASYNC_CALL: Final = "await b.call_async(f)"

CAUGHT: Final = """
try:
    {call}
except Error:
    pass
"""
"""A call with a handler for its rejection, `Error`."""


def caught(body: str) -> str:
    """Return `body` with a handler for a rejection; the raw form raises nothing, so needs none."""
    if body in {ALLOW_DONE, ASYNC_ALLOW_DONE}:
        return body
    return CAUGHT.format(call=body.strip().replace("\n", "\n    "))
