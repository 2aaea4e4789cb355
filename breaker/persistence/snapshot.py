"""A breaker's state as plain data, so that a restart goes on where it was.

Times are stored as ages, since clocks differ between processes; the wall clock tells how long the
data has lain. What an operator put in force, the decision, the wait, the window and the baseline
are kept; counters are not: metrics expect them to begin anew with the process.

Version 1 had no baseline. It can still be restored.
"""

import time
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from breakerd.breaker.baseline.serialization import SavedBaseline
from breakerd.breaker.baseline.serialization import save as save_baseline
from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.errors import SnapshotError
from breakerd.breaker.logging import get_logger
from breakerd.breaker.states import Reason, State

VERSION: Final = 2
OLDEST_BASELINE: Final = 7 * 86400.0
"""Seconds; what was normal longer ago is forgotten."""

_log = get_logger(__name__)

_Age = Annotated[float, Field(ge=0)]
_Seconds = Annotated[float, Field(ge=0)]


class _SavedNormal(BaseModel):
    """What the limiter learnt; see `breaker.limiter.Normal`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    latency: _Seconds
    in_flight: float = Field(ge=0)
    weight: float = Field(ge=0, le=1)
    knee: float = Field(ge=1)
    peak: float = Field(ge=0)


class _Snapshot(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    version: Literal[1, 2]
    name: str
    saved_at: float
    automatic: Literal[State.CLOSED, State.OPEN, State.HALF_OPEN, State.WARMING_UP]
    mode: Literal[State.FORCED_OPEN, State.DISABLED, State.OBSERVE] | None
    reason: Reason
    note: str
    last_trip: float | None
    seconds_left: _Seconds
    failures: int = Field(ge=0)
    window: list[tuple[_Age, _Seconds, bool]]
    baseline: SavedBaseline | None = None
    limiter: _SavedNormal | None = None


def take(engine: Engine, now: float) -> dict[str, Any]:
    """`engine` as data."""
    machine = engine.machine
    waiting = machine.decided is State.OPEN
    return _Snapshot(
        version=VERSION,
        name=engine.name,
        saved_at=time.time(),
        automatic=machine.decided,
        mode=machine.override,
        reason=engine.trip_reason,
        note=engine.note,
        last_trip=engine.last_trip,
        seconds_left=max(0.0, machine.recovery.until - now) if waiting else 0.0,
        failures=machine.recovery.failures,
        window=[
            (max(0.0, now - end), seconds, failed) for end, seconds, failed in engine.window.dump()
        ],
        baseline=save_baseline(engine.baseline),
        limiter=_normal(engine),
    ).model_dump(mode="json")


def restore(engine: Engine, now: float, data: dict[str, Any]) -> int:
    """Brings `engine` to where `data` left it; returns how many calls came into its window.

    An open breaker waits for what is left of its wait; a half-open one begins its probes anew. One
    that warms up goes on with so much of it as the baseline is short of being relied on.

    Raises:
        SnapshotError: `data` cannot be used; nothing was changed.
    """
    saved = _checked(data, engine.name)
    age = max(0.0, time.time() - saved.saved_at)
    left = max(0.0, saved.seconds_left - age)
    before = engine.window.total
    if saved.baseline is not None:
        _take_up_baseline(engine, now, saved.baseline, age)
    if saved.limiter is not None and engine.shedding.limiter is not None:
        # A day halves what it is worth, so that a deploy costs nothing and a long rest much.
        trust = 2.0 ** (-age / 86400)
        engine.shedding.limiter.reference.restore(saved.limiter.model_dump(), trust)
    machine = engine.machine
    learning = machine.decided is State.WARMING_UP and machine.warm_up_until > now
    goes_on = learning and saved.baseline is not None and saved.automatic is State.CLOSED
    automatic = State.WARMING_UP if goes_on else saved.automatic
    engine.resume(now, automatic, saved.mode, left)
    engine.trip_reason, engine.note, engine.last_trip = saved.reason, saved.note, saved.last_trip
    engine.machine.recovery.failures = saved.failures
    for call_age, seconds, failed in saved.window:
        engine.window.add(now - call_age - age, seconds, error=failed)
    engine.window.expire(now)
    return engine.window.total - before


def _normal(engine: Engine) -> _SavedNormal | None:
    limiter = engine.shedding.limiter
    return _SavedNormal(**limiter.reference.dump()) if limiter else None


def check(data: dict[str, Any]) -> None:
    """Checks whether `data` could be restored.

    Raises:
        SnapshotError: it could not.
    """
    _checked(data, str(data.get("name")))


def _checked(data: dict[str, Any], name: str) -> _Snapshot:
    try:
        return _Snapshot.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'snapshot'}: {e['msg']}" for e in error.errors()
        )
        raise SnapshotError(
            f"not a snapshot of version {VERSION} for breaker {name!r}: {problems}"
        ) from None


def _take_up_baseline(engine: Engine, now: float, saved: SavedBaseline, age: float) -> None:
    if age > OLDEST_BASELINE:
        _log.warning(
            "old baseline dropped",
            breaker=engine.name,
            age_days=round(age / 86400, 1),
            oldest_days=OLDEST_BASELINE / 86400,
        )
    else:
        engine.resume_baseline(now, saved.restore(age))
