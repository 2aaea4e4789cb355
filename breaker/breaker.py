"""The breaker: `allow()` before a call, `done()` after it, and all that can be asked of it.

`Breaker` inherits the two methods of the fast path, and what it tells of itself;
`docs/architecture.md` shows its parts.
"""

import time
from collections.abc import Callable
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Unpack

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.context import Priority
from breakerd.breaker.drills import Drills
from breakerd.breaker.engine import operator_commands
from breakerd.breaker.engine.transitions import Remark
from breakerd.breaker.events.listeners import Listener, Listeners
from breakerd.breaker.events.stream import EventStream
from breakerd.breaker.guards import calls
from breakerd.breaker.guards.decorators import Decorator, P, R
from breakerd.breaker.guards.fast_guard import guard_class_for
from breakerd.breaker.guards.guard import NEW, Guard, make_guard
from breakerd.breaker.guards.options import CallOptions, Timeout
from breakerd.breaker.guards.rules import (
    ExceptionRule,
    LocalRules,
    ResultRule,
    RuleArguments,
    Rules,
)
from breakerd.breaker.host.load import LoadReading
from breakerd.breaker.instances import Instances
from breakerd.breaker.machinery import Machinery, assemble
from breakerd.breaker.runtime.jitter import default_jitter
from breakerd.breaker.runtime.view import BreakerView
from breakerd.breaker.settings import Settings, Slo
from breakerd.breaker.states import Reason, State

if TYPE_CHECKING:
    from pathlib import Path

    from breakerd.breaker.runtime.lifecycle import Lifecycle


class Breaker(BreakerView):
    """A circuit breaker for one kind of call. Safe under threads and in asyncio.

    Args:
        settings: thresholds and times.
        name: its name in metrics, events and alerts.
        clock: seconds as a float, never going back. With any other clock than `time.monotonic`
            nothing runs in the background: calls, and `tick`, let time pass. With it, a thread
            does, from the first use in a process on: making and reading a breaker starts none.
        memory: returns the used share of the memory limit, 0 to 1, or None if unknown. Called on a
            timer, without a lock. By default reads the control group, else the host.
        load: returns the machine's load, where `[load]` has a threshold. By default reads the
            control group and the host; with an injected clock, nothing.
        externally_ticked: whoever drives the clock calls `tick` when due, so calls need not.
        jitter: returns random numbers from 0 to 1; waits are up to a tenth longer by them. By
            default `random.random`; with an injected clock 0, so that a run can be repeated.
        rules: what counts as a failure, for each call that does not say otherwise:

            - `ignore`: exceptions that are an answer and not a failure: classes, or a predicate.
            - `failures`: exceptions that are failures, likewise; all others are answers then.
            - `failed_result`: predicate on a result, true for one that is a failure.
            - `fallback`: returns a result in place of a failure or a rejection, from its exception;
              for `call`, `call_async` and decorated functions.

    Raises:
        TypeError: a rule is of no use as what it is given for.
    """

    # With a dictionary beside the slots, instances can be patched.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "_guard_class",
        "config_file",
        "drills",
        "lifecycle",
        "rules",
    )

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        name: str = "default",
        clock: Callable[[], float] = time.monotonic,
        memory: Callable[[], float | None] | None = None,
        load: Callable[[], LoadReading] | None = None,
        externally_ticked: bool = False,
        jitter: Callable[[], float] | None = None,
        **rules: Unpack[RuleArguments],
    ) -> None:
        if CLOCK.stands_for(clock):
            clock = CLOCK.monotonic
        machinery = assemble(
            name,
            settings or Settings(),
            Listeners(),
            clock=clock,
            jitter=jitter or default_jitter(clock),
            memory=memory,
            load=load,
            externally_ticked=externally_ticked,
        )
        super().__init__(name, *machinery)
        self.rules = Rules(**rules)
        """Rules of what counts as a failure; others may be set at any time."""
        self.config_file: Path | None = None
        """TOML file that its settings come from, if any."""
        self.lifecycle: Lifecycle = machinery.core
        """Lifecycle of its own machinery, also while a test has given it another."""
        self.install(machinery)
        BREAKERS.add(self)

    @classmethod
    def from_file(
        cls,
        path: str | PathLike[str],
        *,
        name: str = "default",
        **rules: Unpack[RuleArguments],
    ) -> "Breaker":
        """Return the breaker `name` of a TOML file, which is watched and applied while it runs.

        Raises:
            ConfigError: the file is missing or wrong; holds every problem found.
            TypeError: a rule is of no use as what it is given for.
        """
        Rules(**rules)  # checked before the file is watched
        # By name: a registry is made of breakers, and a static import would be a circle.
        registry = import_module("breakerd.breaker.registry")
        opened: Breaker = registry.open_breaker(path, name, **rules)
        return opened

    def abandon(self, start: float, end: float | None = None) -> None:
        """Report a call that was allowed and that its caller gave up, before anything was known.

        It is neither a success nor an error. Given up before it was slow, it counts for nothing,
        and frees a probe's place; after `latency_threshold`, it counts as a slow call, after the
        stated time-out as a late one, and a probe has failed then. Thread-safe.

        Args:
            start: `clock()` before the call, in seconds; see `done`.
            end: `clock()` when it was given up; None: now.

        Raises:
            ValueError: a time is not a finite number.
        """
        self._core.abandon(start, self.clock() if end is None else end)

    def snapshot(self) -> dict[str, Any]:
        """Return state, recovery and window as versioned, JSON-able data for `restore`."""
        from breakerd.breaker.persistence import snapshot as snapshots  # only for those who ask

        self._core.look()
        with self._core.locked() as now:
            return snapshots.take(self._core.engine, now)

    def reset(self, *, by: str = "") -> None:
        """Close, end drills, and clear the window. `DISABLED` and `OBSERVE` stay in force.

        `by`, here and below, is the name of whoever does it, for events, alerts and status.
        """
        override = self._core.engine.machine.override
        kept = None if override is State.FORCED_OPEN else override
        self._set_override(kept, Reason.RESET, Remark(actor=by))

    def enable(self, *, by: str = "") -> None:
        """End the operator's override (`disable`, `force_open`, `observe`), and reset."""
        self._set_override(None, Reason.RESET, Remark(actor=by))

    def disable(self, *, by: str = "") -> None:
        """Admit every call and decide nothing, until `enable`."""
        self._set_override(State.DISABLED, Reason.OPERATOR, Remark(actor=by))

    def observe(self, *, by: str = "") -> None:
        """Decide and report, but reject nothing, until `enable`: shadow mode."""
        self._set_override(State.OBSERVE, Reason.OPERATOR, Remark(actor=by))

    def force_open(self, reason: str = "", *, by: str = "") -> None:
        """Reject every call until `reset` or `enable`; `reason` is shown to those who ask."""
        self._set_override(State.FORCED_OPEN, Reason.OPERATOR, Remark(reason, by))

    def trip(self, reason: str = "manual", *, by: str = "", drill: bool = False) -> None:
        """Open as if a signal had tripped it; if open already, the wait starts anew.

        Raises:
            BreakerStateError: it is disabled, or forced open.
        """
        self._core.command()
        with self._core.locked() as now:
            remark = Remark("" if reason == "manual" else reason, by)
            operator_commands.trip(self._core.engine, now, remark, drill=drill)

    def apply(self, settings: Settings) -> None:
        """Apply new settings; state, newest calls and running waits are kept. In force at once."""
        self._core.apply(settings)

    def apply_slo(self, slo: Slo | None) -> None:
        """Apply another service level, or none, without a new warm-up; writes no file."""
        self.apply(self.settings.model_copy(update={"slo": slo}))

    def restore(self, data: dict[str, Any]) -> None:
        """Resume from a snapshot; the time since it was taken counts as passed.

        Raises:
            SnapshotError: the data is no snapshot of a known version; nothing is changed then.
        """
        from breakerd.breaker.persistence import snapshot as snapshots  # only for those who ask

        core = self._core
        with core.locked() as now:
            core.recorder.exclude(snapshots.restore(core.engine, now, data))
            core.upkeep.follow_candidate(now, anew=True)

    def watch_loop(self) -> None:
        """Measure the lag of the running event loop, for `loop_lag_threshold`; the latest counts.

        Raises:
            RuntimeError: no asyncio loop is running in this thread.
        """
        self._core.readings.loop_lag.watch()

    def tick(self) -> float:
        """Let time pass on an injected clock; return seconds until the next tick is due."""
        return self._core.tick()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each `Event` from now on; return a function that ends that.

        It runs without locks on the thread that moved the breaker: be quick. Errors are logged.
        """
        return self._core.listeners.subscribe(listener)

    def events(self, maxsize: int = 1000) -> EventStream:
        """Return events from now on, for `async for`; a slow reader gets `EventsMissed`."""
        return EventStream(self.subscribe, maxsize, name=self.name)

    def close(self) -> None:
        """End its background work. It goes on deciding, driven by its calls."""
        self._core.close()

    @property
    def machinery(self) -> Machinery:
        """Return what decides at present."""
        return Machinery(self._gate, self._core, self.clock)

    def install(self, machinery: Machinery) -> None:
        """Decide by `machinery` from now on; internal, see `breakerd.testing.take_over`.

        A call that began before ends on the new machinery, which may not know it.
        """
        self._gate, self._core, self.clock = machinery
        self._slow_path = machinery.core
        self.drills = Drills(machinery.core)
        self._guard_class = guard_class_for(self)

    # The arguments are to be named; that they need not be saves each call 20 ns.
    def guard(
        self,
        timeout: Timeout | None = None,
        priority: Priority | None = None,
        ignore: ExceptionRule | None = None,
        failures: ExceptionRule | None = None,
        failed_result: ResultRule | None = None,
    ) -> Guard:
        """Return a context manager, sync and async, for one call; see `Guard` for what it raises.

        Methods patched on an instance are not seen: use `force_open` in tests.

        Args:
            timeout: seconds. `async with` cancels its body then; plain `with` passes the deadline
                down and counts a late result as an error. "slo": the stated service level's.
            priority: importance of the call, and of all that is called inside.
            ignore: exceptions that are an answer and not a failure, for this call; as for the
                breaker.
            failures: exceptions that are failures, likewise.
            failed_result: predicate on the result that the block gives to `Guard.judge`.

        Raises:
            ValueError: `timeout` is not a finite number above 0.
            TypeError: a rule is neither exception classes nor a function of one argument.
        """
        if (
            timeout is None
            and priority is None
            and ignore is None
            and failures is None
            and failed_result is None
        ):
            # Called in one step, it would be looked up as if it were a method: 30 ns.
            guard_class = self._guard_class
            guard = guard_class()
            guard.breaker, guard._timeout, guard._phase = self, None, NEW  # noqa: SLF001 - in place of an `__init__`
            return guard
        return make_guard(self, timeout, priority, ignore, failures, failed_result)

    def guarded(
        self,
        *,
        timeout: Timeout | None = None,
        priority: Priority | None = None,
        **rules: Unpack[RuleArguments],
    ) -> Decorator:
        """Return a decorator with the arguments of `guard`: `@breaker.guarded(timeout=0.8)`.

        Beside them it takes `fallback`; see the class.

        Raises:
            ValueError: `timeout` is not a finite number above 0.
            TypeError: a rule is of no use as what it is given for.
        """
        own = LocalRules(rules) if rules else None
        return Decorator(self, CallOptions(timeout, priority), own)

    # Not called from methods of their own, which would cost as much as the breaker.
    call = calls.call
    call_async = calls.call_async

    def __call__(self, fn: Callable[P, R]) -> Callable[P, R]:
        """Decorate a function, sync or async, so that each of its calls is guarded."""
        return Decorator(self)(fn)

    def __repr__(self) -> str:
        return f"<Breaker {self.name!r} {self.state.value}>"

    def _set_override(self, override: State | None, reason: Reason, remark: Remark) -> None:
        self._core.command()
        with self._core.locked(self._core.readings.take(load=False)) as now:
            operator_commands.set_override(self._core.engine, now, override, reason, remark)
            shadow = self._core.recorder.shadow
            if shadow is not None and override not in {State.DISABLED, State.FORCED_OPEN}:
                shadow.restart(now)


BREAKERS: Final[Instances[Breaker]] = Instances()
"""All breakers of this process."""
