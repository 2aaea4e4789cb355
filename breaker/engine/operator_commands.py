"""Commands of an operator: override the state, trip, reset, drill."""

from breakerd.breaker.calls.outcome import CallOutcome
from breakerd.breaker.encoding.printable import encodable
from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.engine.load_shedder import CallCounts
from breakerd.breaker.engine.transitions import NO_REMARK, Remark
from breakerd.breaker.errors import BreakerStateError
from breakerd.breaker.states import CLOSED, FORCED_OPEN, HALF_OPEN, OPEN, Reason, State


def set_override(
    engine: Engine,
    now: float,
    override: State | None,
    reason: Reason,
    remark: Remark = NO_REMARK,
) -> None:
    """Start afresh under `override`; None for the breaker's own decisions."""
    engine.memory.drill = False
    if override is not FORCED_OPEN:
        engine.window.clear()
    engine.shedder.forget_failures(now)
    by_override = engine.machine.set_override(now, override, reason)
    # What was decided before must not come back when the override ends.
    by_reset = engine.machine.close(now, reason)
    engine.apply_change(now, by_override or by_reset, remark=_encodable(remark))
    engine.events.drill = False


def trip(engine: Engine, now: float, remark: Remark = NO_REMARK, *, drill: bool = False) -> None:
    """Open as if a signal had tripped it; if it is open already, its wait starts anew.

    Raises:
        BreakerStateError: an override decides instead.
    """
    _require_automatic(engine, "trip")
    engine.events.drill = engine.events.drill or drill
    engine.open(now, Reason.MANUAL, remark=_encodable(remark))


def trip_for(engine: Engine, now: float, reason: Reason) -> None:
    """Open for a reason of one's own choice, unless it is open; for tests.

    Raises:
        BreakerStateError: an override decides instead.
    """
    _require_automatic(engine, "open")
    if engine.machine.decided is not OPEN:
        engine.open(now, reason)


def half_open(engine: Engine, now: float) -> None:
    """Open, unless it is open, and end the wait at once; for tests.

    Raises:
        BreakerStateError: an override decides instead.
    """
    _require_automatic(engine, "half-open")
    machine = engine.machine
    if machine.decided is HALF_OPEN:
        return
    if machine.decided is not OPEN:
        engine.open(now, Reason.MANUAL)
    machine.recovery.skip_wait(now)
    engine.apply_change(now, machine.start_half_open(now))


def drill_latency(engine: Engine, now: float, traffic: CallCounts) -> int:
    """Record calls of twice the slow limit until it trips; return how many.

    Raises:
        BreakerStateError: it is not closed, so that nothing would be shown.
    """
    _require_automatic(engine, "drill")
    if engine.machine.decided is not CLOSED:
        raise BreakerStateError(
            f"breaker {engine.name!r} is {engine.machine.state}; a latency drill needs it closed"
        )
    before, generation = engine.window.total, engine.machine.generation
    engine.events.drill = True
    late = now + 2 * engine.slow_after
    for _ in range(engine.window.size):
        engine.observe(now, now, late, traffic, CallOutcome.SUCCESS)
        if engine.machine.generation != generation:
            break
    else:
        engine.events.drill = False
    return engine.window.total - before


def drill_memory(engine: Engine, now: float) -> None:
    """Pretend that all memory is used, until `end_memory_drill` or a reset.

    Raises:
        BreakerStateError: an override is in force, so that nothing would be shown.
    """
    _require_automatic(engine, "drill")
    engine.events.drill = engine.memory.drill = True
    engine.read_memory(now, None)


def end_memory_drill(engine: Engine) -> None:
    """Let the next reading of memory count again."""
    engine.memory.drill = False


def _encodable(remark: Remark) -> Remark:
    return Remark(*map(encodable, remark))


def _require_automatic(engine: Engine, action: str) -> None:
    if not engine.machine.decides:
        state = engine.machine.state
        raise BreakerStateError(
            f"cannot {action} breaker {engine.name!r}: it is {state}; enable it first"
        )
