"""Record the result of one replay: verdicts, trips, and the time in each state."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from breakerd.breaker.calls.outage import OutageTracker
from breakerd.breaker.events.events import Event, Transition
from breakerd.breaker.replay.report import Outcome, ReplayTrip, Span, Verdicts
from breakerd.breaker.replay.trace.record import CallRecord
from breakerd.breaker.settings import Settings
from breakerd.breaker.states import State

MAX_TRIPS: Final = 1000
"""Maximum number of trips kept in full; the others are only counted."""
MAX_SPANS: Final = 10_000
"""Maximum number of state spans kept."""

_GOOD, _SLOW, _FAILED, _ABANDONED = range(4)


class ReplayRecorder:
    """Listen to a simulated breaker and count what happens to the calls.

    Args:
        label: the configuration's name.
        settings: the configuration.
        state: the breaker's state at 0 s.
        oldest_in_flight: returns the start of the oldest call in flight; None if there is none.
    """

    def __init__(
        self,
        label: str,
        settings: Settings,
        state: State,
        oldest_in_flight: Callable[[], float | None],
    ) -> None:
        self._label = label
        self._settings = settings
        self._slow_after = settings.slow_after
        self._rejected = [0, 0, 0, 0]
        self._admitted = [0, 0, 0, 0]
        self.held_back = 0
        """Calls rejected while the breaker was neither open nor half open."""
        self._outage = OutageTracker(settings.tolerated_bad_share, settings.latency_window_size)
        self._oldest_in_flight = oldest_in_flight
        self._trips: list[ReplayTrip] = []
        self._trip_count = 0
        self._state, self._since = state, 0.0
        self._spans: list[Span] = []
        self._seconds: defaultdict[State, float] = defaultdict(float)

    def record_offer(self, call: CallRecord, *, admitted: bool) -> None:
        """Record whether the breaker admitted a call."""
        counts = self._admitted if admitted else self._rejected
        if call.error:
            counts[_FAILED] += call.weight
        elif call.duration > self._slow_after:
            counts[_SLOW] += call.weight
        else:
            counts[_ABANDONED if call.abandoned else _GOOD] += call.weight

    def record_end(self, start: float, call: CallRecord) -> None:
        """Record the end of an admitted call, before it is reported to the breaker."""
        bad = call.error or call.duration > self._slow_after
        if bad or not call.abandoned:
            self._outage.record(start, bad=bad)

    def on_event(self, event: Event) -> None:
        """Record an event of the breaker."""
        if not isinstance(event, Transition):
            return
        self._enter_state(event.to_state, event.monotonic)
        if event.to_state is State.OPEN:
            if event.from_state is State.HALF_OPEN:
                self._record_failed_recovery()
            else:
                self._record_trip(event)
            self._outage.reset()
        elif event.to_state is State.CLOSED:
            self._record_closing(event.monotonic)
            self._outage.reset()

    @property
    def in_outage(self) -> bool:
        """True if more recent calls are bad than the configuration tolerates."""
        return self._outage.since is not None

    def outcome(self, origin: float, end: float) -> Outcome:
        """Return the outcome for a trace that lasts until `end`; `origin` is added to all times."""
        final = self._state
        self._enter_state(final, end)
        return Outcome(
            label=self._label,
            settings=self._settings,
            trips=tuple(_shift(trip, origin) for trip in self._trips),
            trip_count=self._trip_count,
            rejected=Verdicts(*self._rejected),
            admitted=Verdicts(*self._admitted),
            held_back=self.held_back,
            seconds=dict(self._seconds),
            spans=tuple(Span(s.state, s.begin + origin, s.end + origin) for s in self._spans),
            final_state=final,
        )

    def _enter_state(self, state: State, now: float) -> None:
        self._seconds[self._state] += now - self._since
        if len(self._spans) < MAX_SPANS and now > self._since:
            self._spans.append(Span(self._state, self._since, now))
        self._state, self._since = state, now

    def _record_trip(self, event: Transition) -> None:
        self._trip_count += 1
        if self._trip_count > MAX_TRIPS:
            return
        bad_since = self._outage.since
        oldest = self._oldest_in_flight() if bad_since is None else None
        if oldest is not None and event.monotonic - oldest > self._slow_after:
            bad_since = oldest
        evidence = tuple(each.sentence() for each in event.evidence)
        self._trips.append(ReplayTrip(event.monotonic, event.reason.value, evidence, bad_since))

    def _record_failed_recovery(self) -> None:
        if self._trips and self._trip_count <= MAX_TRIPS:
            last = self._trips[-1]
            self._trips[-1] = replace(last, failed_recoveries=last.failed_recoveries + 1)

    def _record_closing(self, now: float) -> None:
        if self._trips and self._trip_count <= MAX_TRIPS and self._trips[-1].closed_at is None:
            self._trips[-1] = replace(self._trips[-1], closed_at=now)


def _shift(trip: ReplayTrip, origin: float) -> ReplayTrip:
    return replace(
        trip,
        at=trip.at + origin,
        bad_since=None if trip.bad_since is None else trip.bad_since + origin,
        closed_at=None if trip.closed_at is None else trip.closed_at + origin,
    )
