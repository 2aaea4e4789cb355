"""Slow path of a breaker and its periodic work: all that `FastPath` cannot handle, and the ticks.

- While nothing is wrong, calls meet only `FastPath`: `allow` pops a prepared decision, `done` logs
  a duration. All else comes here, and reaches the engine under the lock.
- Whoever takes the lock records what was logged first, so it sees every call.
- Nothing is read from the system and no listener is called while the lock is held.
- Time passes on the ticker's thread, from the first use on. With an injected clock nothing runs in
  the background, and the calls themselves let time pass.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from breakerd.breaker.calls.outcome import CallOutcome
from breakerd.breaker.calls.window import SlidingWindow
from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.events.listeners import Listeners
from breakerd.breaker.fork import renew_after_fork
from breakerd.breaker.runtime.gate import Gate
from breakerd.breaker.runtime.lifecycle import Lifecycle
from breakerd.breaker.runtime.permit_planner import PermitPlanner
from breakerd.breaker.runtime.readings import Reading, Readings, log_unavailable
from breakerd.breaker.runtime.recorder import OFF, CallRecorder, check_times
from breakerd.breaker.runtime.schedule import Schedule
from breakerd.breaker.runtime.ticker import TICKER
from breakerd.breaker.runtime.upkeep import Upkeep
from breakerd.breaker.settings import Settings
from breakerd.breaker.signals.load import LoadSignal
from breakerd.breaker.states import WATCHING


class Controller(Lifecycle):
    """Lock, clock and ticks of one breaker around its engine. Thread-safe.

    It never refers to its `Breaker`, which so dies with its last reference.

    Args:
        gate: data of the fast path.
        engine: decides; only called with the lock held.
        readings: memory and load; only read without the lock.
        listeners: queue of the engine's events.
        clock: seconds as a float, never going back.
    """

    __slots__ = (
        "__weakref__",
        "_gate",
        "_planner",
        "_schedule",
        "_sync_limit",
        "engine",
        "externally_ticked",
        "listeners",
        "readings",
        "recorder",
        "upkeep",
    )

    def __init__(
        self,
        gate: Gate,
        engine: Engine,
        readings: Readings,
        listeners: Listeners,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(clock)
        self.engine = engine
        self.externally_ticked = False
        self._gate = gate
        self.readings = readings
        self.listeners = listeners
        now = clock()
        self.recorder = CallRecorder(gate, engine, clock, now)
        self._planner = PermitPlanner(gate, engine, self.recorder)
        self._sync_limit = OFF
        """Batch limit where there is no ticker, and each call needs its own end."""
        self._schedule = Schedule(engine, readings)
        self.upkeep = Upkeep(engine, readings, self.recorder, self._schedule)
        self.upkeep.follow_candidate(now)
        self.upkeep.advance(now, readings.take(load=self.upkeep.watches_load))
        self._refresh_fast_path(now)
        if self._real_time:
            TICKER.add(self)
        renew_after_fork(self)

    # --- slow path of the calls

    def allow(self) -> bool:
        """Decide about one call."""
        if self._locked_by_me():
            return self._allow_reentrant()
        if self.dormant:
            self.use()
        decision = self._renew_decision()
        return self._decide() if decision is None else decision

    def done(self, start: float, end: float, error: bool) -> None:
        """Record a call that is slow, failed, or reported while each one counts."""
        if start <= end and not error and self._log_long_call(end - start):
            return
        check_times("done", start, end)
        if self.dormant:
            self.use()
        if self._locked_by_me() or not self._record_success(start, end, error=error):
            self._report(start, end, CallOutcome.ERROR if error else CallOutcome.SUCCESS)

    def abandon(self, start: float, end: float) -> None:
        """Record a call that its caller gave up."""
        check_times("abandon", start, end)
        if not self._real_time:
            self._report(start, end, CallOutcome.ABANDONED)
            return
        # Finalisers do this amid work that holds other locks: it neither waits, reads nor starts.
        self.recorder.deferred.append((start, end, CallOutcome.ABANDONED))
        if self._locked_by_me():
            return
        try:
            if not self.lock.acquire(blocking=False):
                return  # whoever holds it records the call, or the next tick
            self._release(self._acquire())
        finally:
            if self._locked_by_me():
                self.lock.release()
        self._notify()

    def _report(self, start: float, end: float, outcome: CallOutcome) -> None:
        if self._locked_by_me():
            # The collector closed a generator with a guard in it, or a signal came: no deadlock.
            self.recorder.deferred.append((start, end, outcome))
            return
        reading = self._read_if_late()
        now = self._acquire()
        try:
            self.recorder.record(now, start, end, outcome)
            if now >= self._schedule.next_tick:
                self.upkeep.advance(now, reading)
        finally:
            self._release(now)

    def _renew_decision(self) -> bool | None:
        """Repeat the last decision while it is valid, and prepare more; None if it is not."""
        with self.lock:
            now = self._clock()
            if now >= self._schedule.decision_valid_until:
                return None
            self.recorder.flush(now)
            gate = self._gate
            if not gate.decision:
                gate.count(False)
                gate.refill(False, self._planner.next_budget(False))
                return False
            headroom = self._planner.headroom()
            if not headroom:
                return None
            gate.count(True)
            gate.refill(True, headroom - 1)
        return True

    def _decide(self) -> bool:
        engine, gate = self.engine, self._gate
        reading = self._read_for_call()
        now = self._acquire()
        try:
            if now >= self._schedule.next_tick:
                self.upkeep.advance(now, reading)
            if reading is not None and engine.conditions.checks_memory_per_call:
                self.upkeep.apply(now, reading)
            if engine.shedder.limiting:
                # So that no thread takes a prepared decision while this call is judged.
                gate.refill(gate.decision, 0)
            traffic, shadow = self.recorder.traffic, self.recorder.shadow
            allowed = engine.admit(now, traffic)
            if shadow is not None:
                shadow.ask(now, traffic, admitted=allowed)
            self.recorder.count(now, allowed)
        finally:
            self._release(now)
        return allowed

    def _allow_reentrant(self) -> bool:
        """Repeat the last decision to a finaliser or signal handler."""
        self._gate.count(decision := self._gate.decision)
        return decision

    def _log_long_call(self, seconds: float) -> bool:
        if seconds > self.recorder.batch_limit:
            return False
        with self.lock:
            return self.recorder.log_long(seconds)

    def _record_success(self, start: float, end: float, *, error: bool) -> bool:
        """Record a successful call where there is no ticker, unless it may decide something."""
        current = start >= self.engine.machine.generation_started_at
        if error or not current or not start <= end < self._schedule.next_tick:
            return False
        with self.lock:
            if end - start > self._sync_limit:
                return False
            self.recorder.record_success(self._clock(), end, end - start)
        return True

    def tick(self) -> float:
        """Let time pass: read memory and load, end waits. Return seconds until the next tick."""
        reading = self._read_if_due()
        with self.locked() as now:
            self.upkeep.advance(now, reading)
            seconds = self._schedule.ticked(self._clock())
        log_unavailable(reading, self.engine.load)
        return seconds

    def apply(self, settings: Settings) -> None:
        """Apply new settings; state, window and a running wait are kept."""
        tried = settings.with_candidate() or settings
        asked = LoadSignal(settings).enabled or LoadSignal(tried).enabled
        reading = self.readings.take(load=asked or self.upkeep.watches_load)
        with self.locked() as now:
            due = now + settings.memory_check_interval
            self.readings.next_due = min(self.readings.next_due, due)
            if self.engine.apply(now, settings):
                self.upkeep.follow_candidate(now)
                self.upkeep.apply(now, reading)
        log_unavailable(reading, self.engine.load)

    def after_fork(self) -> None:
        """Make new locks in a forked child, to which the parent's calls will not report."""
        interrupted = not self.lock.acquire(blocking=False)
        self._make_lock()
        if interrupted:  # a thread of the parent was in the middle of recording calls
            self.engine.window.clear()
        if self.recorder.shadow is not None:
            self.recorder.shadow.after_fork(interrupted=interrupted)
        self.sleep()
        self._gate.after_fork()
        self.recorder.after_fork(self._clock())
        self._schedule.after_fork()
        self._planner.stop()
        self.listeners.after_fork()
        self.readings.after_fork()

    def _wake(self) -> None:
        reading = self._read_if_due() if self._real_time else None
        with self.locked() as now:
            if not self.dormant:
                return
            self.dormant, self._background = False, self._real_time
            if self._real_time:
                self.upkeep.advance(now, reading)

    def _pass_time(self) -> None:
        if self._clock() >= self._schedule.next_due:
            self.tick()

    # --- the lock

    @contextmanager
    def locked(self, reading: Reading | None = None) -> Iterator[float]:
        """Hold the lock with all logged calls recorded, yield the time, then apply `reading`."""
        now = self._acquire()
        try:
            yield now
            if reading is not None:
                self.upkeep.apply(now, reading)
        finally:
            self._release(now)

    def current_window(self) -> SlidingWindow:
        """Return the window with all logged calls and without expired ones; hold the lock."""
        now = self._clock()
        self.recorder.flush(now)
        self.engine.window.expire(now)
        return self.engine.window

    @property
    def retry_after(self) -> float:
        """Seconds until a rejected call may succeed; 0 where that is unknown. Takes no lock."""
        return self._schedule.seconds_left(self._clock())

    def _acquire(self) -> float:
        """Take the lock, record what was logged, and return the time. `_release` must follow."""
        try:
            self.lock.acquire()
            now = self._clock()
            self.recorder.flush(now)
            paused = self._schedule.end_pause(now, ticking=self._background)
            if paused and self.recorder.shadow is not None:
                self.recorder.shadow.end_pause(now)
        except BaseException:
            # An interrupt may come before or just after the lock was taken.
            if self._locked_by_me():
                self.lock.release()
            raise
        return now

    def _release(self, now: float) -> None:
        """Refresh the fast path, release the lock, deliver events, wake the ticker."""
        try:
            self.recorder.finish(now)
            self._refresh_fast_path(now)
        finally:
            self.lock.release()
        if not self._locked_by_me():  # else whoever took it first does the rest
            self._notify()

    def _notify(self) -> None:
        """Deliver events and wake the ticker; the lock is not held."""
        self.listeners.deliver()
        schedule = self._schedule
        if schedule.next_due < schedule.ticker_due and self._background:
            schedule.ticker_due = schedule.next_due
            TICKER.wake(self)

    # --- periodic work

    def _read_for_call(self) -> Reading | None:
        """Read the system where the ticker is late, or memory must be checked for each call."""
        reading = self._read_if_late()
        if reading is None and self.engine.conditions.checks_memory_per_call:
            return self.readings.take(load=False)
        return reading

    def _read_if_late(self) -> Reading | None:
        return self._read_if_due() if self._clock() >= self._schedule.next_tick else None

    def _read_if_due(self) -> Reading | None:
        return self.readings.take_if_due(load=self.upkeep.watches_load)

    def _refresh_fast_path(self, now: float) -> None:
        """Derive from the state what the fast path may do by itself; the lock is held."""
        engine = self.engine
        machine, ticking = engine.machine, self._background or self.externally_ticked
        watching = machine.decided in WATCHING
        self._schedule.refresh(now, ticking=ticking)
        limit = engine.slow_after if watching and not engine.must_check_each_call else OFF
        # A call that ends from now on and takes less began after the last transition.
        batch_limit = min(limit, now - machine.generation_started_at) if self._background else OFF
        self._sync_limit = OFF if self._background else limit
        self.recorder.limit_batches(batch_limit)
        if self.dormant:
            until = self._planner.stop()  # the first call is to come here, and start what it needs
        else:
            until = self._planner.refill(now, background=self._background, ticking=ticking)
        self._schedule.decision_valid_until = min(until, self._schedule.next_tick)
