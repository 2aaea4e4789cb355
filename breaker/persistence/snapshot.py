"""A breaker's state as versioned, validated data, so that a restart resumes where it was.

Times are stored as ages, since clocks differ between processes; the wall clock tells how old the
data is. The operator's override, the decision, the wait, the window and the baseline are kept.
Counters are not: metrics expect them to begin anew with the process.

Version 1 had no baseline. It can still be restored.
"""

import time
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from breakerd.breaker.baseline.serialization import SavedBaseline
from breakerd.breaker.engine import memento
from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.engine.memento import MAX_BASELINE_AGE, EngineMemento
from breakerd.breaker.engine.transitions import Trip
from breakerd.breaker.errors import SnapshotError
from breakerd.breaker.logging import get_logger
from breakerd.breaker.states import Reason, State

VERSION: Final = 2

_log = get_logger(__name__)

_Age = Annotated[float, Field(ge=0)]
_Seconds = Annotated[float, Field(ge=0)]


class _SavedReference(BaseModel):
    """Saved state of the limiter's `ReferenceLatency`."""

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
    actor: str = ""
    last_trip: float | None
    seconds_left: _Seconds
    failures: int = Field(ge=0)
    relapses: int = Field(default=0, ge=0)
    good_spell_left: _Seconds = 0.0
    window: list[tuple[_Age, _Seconds, bool]]
    baseline: SavedBaseline | None = None
    limiter: _SavedReference | None = None


def take(engine: Engine, now: float) -> dict[str, Any]:
    """Return the state of `engine` as JSON-able data."""
    state = memento.dump(engine, now)
    return _Snapshot.model_validate(
        {
            "version": VERSION,
            "name": engine.name,
            "saved_at": time.time(),
            "automatic": state.decided,
            "mode": state.override,
            "reason": state.trip.reason,
            "note": state.trip.note,
            "actor": state.trip.actor,
            "last_trip": state.trip.at,
            "seconds_left": state.wait_left,
            "failures": state.failures,
            "relapses": state.relapses,
            "good_spell_left": state.good_spell_left,
            "window": state.window,
            "baseline": state.baseline,
            "limiter": state.limiter,
        }
    ).model_dump(mode="json", exclude=None if state.trip.actor else {"actor"})


def restore(engine: Engine, now: float, data: dict[str, Any]) -> int:
    """Resume where `data` was taken; return the number of calls that came into the window.

    Raises:
        SnapshotError: `data` cannot be used; nothing was changed.
    """
    saved = _validate(data, engine.name)
    age = max(0.0, time.time() - saved.saved_at)
    if saved.baseline is not None and age > MAX_BASELINE_AGE:
        _log.warning(
            "old baseline dropped",
            breaker=engine.name,
            age_days=round(age / 86400, 1),
            oldest_days=MAX_BASELINE_AGE / 86400,
        )
    return memento.load(engine, now, _memento(saved), age)


def check(data: dict[str, Any]) -> None:
    """Check whether `data` can be restored.

    Raises:
        SnapshotError: it cannot.
    """
    _validate(data, str(data.get("name")))


def _validate(data: dict[str, Any], name: str) -> _Snapshot:
    try:
        return _Snapshot.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'snapshot'}: {e['msg']}" for e in error.errors()
        )
        raise SnapshotError(
            f"not a snapshot of version {VERSION} for breaker {name!r}: {problems}"
        ) from None


def _memento(saved: _Snapshot) -> EngineMemento:
    return EngineMemento(
        decided=saved.automatic,
        override=saved.mode,
        trip=Trip(saved.last_trip, saved.reason, note=saved.note, actor=saved.actor),
        wait_left=saved.seconds_left,
        failures=saved.failures,
        relapses=saved.relapses,
        good_spell_left=saved.good_spell_left,
        window=saved.window,
        baseline=saved.baseline,
        limiter=saved.limiter.model_dump() if saved.limiter else None,
    )
