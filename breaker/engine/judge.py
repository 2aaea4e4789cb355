"""Judge the calls in the window: what speaks for opening, with its evidence."""

from functools import cache, partial

from breakerd.breaker.baseline import Baseline
from breakerd.breaker.calls.window import SlidingWindow
from breakerd.breaker.engine.breaches import BreachTracker
from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.settings import Settings
from breakerd.breaker.signals.burn_rate import BurnRateSignal
from breakerd.breaker.signals.error_rate import ErrorRateSignal
from breakerd.breaker.signals.hang import HangSignal
from breakerd.breaker.signals.latency import LatencySignal
from breakerd.breaker.signals.service_level import SloSignal


class Judge:
    """The signals that read the window and the baseline."""

    def __init__(self, settings: Settings, window: SlidingWindow, breaches: BreachTracker) -> None:
        self._window = window
        self._breaches = breaches
        self.hang = HangSignal(settings.latency_threshold / 1000)
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Apply new settings to the window, which has them already.

        Signals that were breached stay so until the next verdict.
        """
        self._settings = settings
        threshold = settings.latency_threshold / 1000
        if threshold != self.hang.threshold:
            self.hang = HangSignal(threshold)
        self.latency = LatencySignal(settings)
        self.errors = ErrorRateSignal(settings)
        self.slo = SloSignal(settings)
        self.burn = BurnRateSignal(settings)
        self.recount()

    def record(self, start: float, end: float, *, error: bool) -> None:
        """Take the times of the call that was just added to the window, if it is slow or failed."""
        window = self._window
        if end - start > self.hang.threshold:
            self.hang.returned()
        if self._renumbered != window.renumbered:
            self.recount()
        elif len(window):  # else it had expired when it was reported
            self._record(window.total - 1, start, end, error=error)

    def add_slow(self, now: float, seconds: float) -> bool:
        """Add a call that went well and was slow; return True if a verdict is due."""
        self._window.add(now, seconds, error=False)
        self.record(now - seconds, now, error=False)
        return self.latency.breached(self._window)

    def recount(self) -> None:
        """Take the times of all calls in the window anew, which others put there or renumbered."""
        self._renumbered = self._window.renumbered
        self.latency.forget()
        self.errors.forget()
        for sequence, (end, seconds, error) in enumerate(self._window.dump(), self._window.oldest):
            self._record(sequence, end - seconds, end, error=error)

    def _record(self, sequence: int, start: float, end: float, *, error: bool) -> None:
        self.latency.record(sequence, start, end)
        if error:
            self.errors.record(sequence, start, end)

    @property
    def next_call_may_trip(self) -> bool:
        """True if the window is about to hold enough calls, so that even a good one may trip."""
        window = self._window
        enough = max(self.latency.min_calls, self.errors.min_calls)
        return len(window) < enough and (window.slow_count > 0 or window.failure_count > 0)

    def verdict(self, now: float, baseline: Baseline) -> tuple[Evidence, ...]:
        """Return the evidence for opening, empty if there is none; emit breaches on the way."""
        if self._settings.slo is not None or self._breaches:
            self._judge_service_level(now, baseline)
        found = [*self._judge_latency(now), *self._judge_errors(now)]
        return tuple(found)

    @property
    def latency_ok(self) -> bool:
        """True if latency is within its threshold, calls that hang included, or unknown."""
        hang, window = self.hang, self._window
        hangs = self.latency.hangs(window, hang.calls, blocked=hang.blocked)
        return not (hangs or self.latency.breached(window))

    def latency_evidence(self) -> Evidence:
        """Return the evidence of latency now: of the calls that hang, if they are the most."""
        if self.hang.calls > self._window.slow_count:
            return self.hang.evidence()
        return self.latency.evidence(self._window)

    def probe_evidence(self, seconds: float, *, error: bool) -> Evidence:
        """Return the evidence of a failed probe that took `seconds`."""
        if error and seconds <= self.slo.timeout:
            limit = self._settings.max_error_rate or 0.0
            return Evidence(
                signal=Signal.ERRORS,
                value=1.0,
                threshold=limit,
                unit="fraction",
                samples=1,
                detail={"failed_calls": 1, "probe": True},
            )
        return Evidence(
            signal=Signal.LATENCY,
            value=round(seconds * 1000, 3),
            threshold=round(self._settings.slow_after * 1000, 3),
            unit="ms",
            samples=1,
            detail={"percentile_name": "probe"},
        )

    def _judge_service_level(self, now: float, baseline: Baseline) -> None:
        """Emit whether the stated service level is missed; it rejects nothing."""
        breached = self.burn.breached(baseline)
        gather = self.burn.evidence if breached else self.burn.evidence_within_budget
        self._breaches.update(now, Signal.SLO, partial(gather, baseline), breached=breached)

    def _judge_latency(self, now: float) -> list[Evidence]:
        hang, slow = self.hang, self.latency.breached(self._window)
        hangs = self.latency.hangs(self._window, hang.new_calls, blocked=hang.blocked)
        trips = slow and self.latency.trips(self._window)
        trips = trips or (hangs and self.latency.trips_on(hang))
        # Evidence costs a sort: gather it when it is emitted, not at every slow call.
        gather = cache(self.latency_evidence)
        self._breaches.update(now, Signal.LATENCY, gather, breached=slow or hangs)
        return [gather()] if trips else []

    def _judge_errors(self, now: float) -> list[Evidence]:
        failing = self.errors.breached(self._window)
        gather = partial(self.errors.evidence, self._window)
        self._breaches.update(now, Signal.ERRORS, gather, breached=failing)
        return [gather()] if failing else []


def window_settings(settings: Settings) -> tuple[int, float, float, float]:
    """Return the arguments of `SlidingWindow` that `settings` ask for."""
    return (
        settings.latency_window_size,
        settings.latency_max_age,
        settings.percentile,
        settings.latency_threshold / 1000,
    )
