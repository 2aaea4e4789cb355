"""One breaker's part in a fleet: what it reports, and what it does with the view.

It follows the widest episode in force that its own calls do not contradict, and proposes changes of
episodes when its test of the pooled evidence accepts. Not thread-safe: one exchange at a time. The
breaker's lock is taken for each step, and never while the hub is asked.
"""

from collections.abc import Callable
from math import log
from typing import Final

from breakerd.breaker.engine.recovering.guide import Guide
from breakerd.breaker.engine.recovering.phases import RecoveryPhase
from breakerd.breaker.engine.recovery import MIN_REJECTIONS_BETWEEN_PROBES
from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.fleet import guidance
from breakerd.breaker.fleet.episode import NONE, OPEN, OVERLOAD, RAMP, Episode, closed, opened
from breakerd.breaker.fleet.evidence import find_trouble
from breakerd.breaker.fleet.local_window import LocalWindow, UsualLoad
from breakerd.breaker.fleet.messages import (
    FLEET,
    BreakerReport,
    BreakerView,
    Lease,
    LeaseResult,
    PoolView,
    ScopeReport,
)
from breakerd.breaker.fleet.ramp import LONG, find_overload, first_step, next_step
from breakerd.breaker.runtime.controller import Controller
from breakerd.breaker.states import RECOVERING, WATCHING, Reason

ALONE_REJECTIONS: Final = 8
"""Calls rejected between two probes by a member that cannot ask the fleet: others probe as well."""
_ISOLATED_REJECTIONS: Final = 5
"""Calls rejected between two probes by a member in trouble of its own, while the fleet is well."""
_ENOUGH: Final = 2
"""Calls from which on a member's own calls can contradict an episode."""


class Follower:
    """One breaker in a fleet.

    Args:
        pool: the breaker's name and its group, as `NAME|GROUP`.
        scopes: the member's scopes, the narrowest first.
        core: the breaker's controller.
        hub_time: returns the hub's time for a time of the breaker's clock.
        credit: 0 to 1, different for each member; see `Guide`.
        driven: True if the clock is driven, so that no thread lets time pass for the breaker.
    """

    def __init__(
        self,
        pool: str,
        scopes: tuple[str, ...],
        core: Controller,
        hub_time: Callable[[float], float],
        credit: float,
        *,
        driven: bool,
    ) -> None:
        self.pool = pool
        self._core = core
        self._driven = driven
        self._hub_time = hub_time
        self._credit = credit
        self._window = LocalWindow(hub_time)
        self._usual = UsualLoad()
        self._known: dict[str, Episode] = dict.fromkeys(scopes, NONE)
        self._views: dict[str, PoolView] = {}
        self._proposals: dict[str, Episode] = {}
        self._contradicts: dict[str, bool] = dict.fromkeys(scopes, False)
        self._followed: str | None = None
        self._lease: Lease | None = None
        self._result: LeaseResult | None = None
        with core.locked() as now:
            core.engine.meter = self._window
            guidance.leave(core.engine, now)  # a forked child has its parent's orders

    # --- report

    @property
    def has_result(self) -> bool:
        """True if a leased probe has ended that the fleet does not know of. Takes no lock."""
        guide = self._guide
        return guide is not None and bool(guide.results)

    @property
    def follows(self) -> bool:
        """True while it follows an episode. Takes no lock."""
        return self._followed is not None

    def report(self, *, evidence: bool = True) -> BreakerReport:
        """Return the report of this breaker at the present time, without evidence if so wished."""
        engine = self._core.engine
        if self._driven:
            self._core.tick()
        with self._core.locked() as now:
            self._window.threshold = engine.settings.latency_threshold / 1000
            self._window.read(now, engine.window)
            self._take_result(now)
            self._window.long = LONG * self._timeout
            learn = engine.machine.decided in WATCHING
            self._usual.update(now, self._window.busy, learn=learn)
            return BreakerReport(
                pool=self.pool,
                state=engine.machine.state.value.lower(),
                slots=self._window.slots(now) if evidence else (),
                totals=self._window.totals(
                    usual=self._usual.in_flight, in_flight=self._core.recorder.in_flight
                ),
                sketch=self._window.sketch(),
                scopes=tuple(self._scope_report(s, now) for s in self._known if evidence),
            )

    def _scope_report(self, scope: str, now: float) -> ScopeReport:
        known, followed = self._known[scope], scope == self._followed
        probing = followed and self._lease is None and self._may_probe(known, now)
        return ScopeReport(
            scope=scope,
            generation=known.generation,
            expected=known.version,
            wants=round(self._window.wanted(now), 3) if probing else 0.0,
            result=self._result if followed else None,
            proposal=self._proposals.get(scope),
        )

    def _may_probe(self, known: Episode, now: float) -> bool:
        """Return True if the fleet probes now: not before a wait that the settings state."""
        settings = self._core.engine.settings
        wait = 0.0 if settings.recovers_adaptively else settings.wait_time
        return known.phase == OPEN and self._hub_time(now) >= known.since + wait

    def _take_result(self, now: float) -> None:
        """Find out what became of the lease, and propose the ramp after a good probe."""
        guide, lease, scope = self._guide, self._lease, self._followed
        if guide is None or lease is None or scope is None:
            return
        if guide.results:
            good = any(guide.results)
            guide.results.clear()
            self._result = LeaseResult(lease.id, "good" if good else "bad")
            if good and self._known[scope].phase == OPEN:
                seconds, hub_now = self._window.latest, self._hub_time(now)
                view, known = self._views[scope], self._known[scope]
                self._proposals[scope] = first_step(view, known, seconds, self._timeout, hub_now)
            self._lease = None
        elif guide.lends and self._hub_time(now) >= lease.until:
            guide.revoke()
            self._result, self._lease = LeaseResult(lease.id, "unused"), None

    # --- view

    def apply(self, view: BreakerView) -> bool:
        """Do what the view asks for; return True if there is something to say at once."""
        self._result = None
        self._proposals.clear()
        with self._core.locked() as now:
            for pool in view.scopes:
                self._views[pool.scope] = pool
                self._learn(pool)
            members = view.scopes[-1].members if view.scopes else 1
            self._be_one_of(max(1, members), _ISOLATED_REJECTIONS)
            self._follow(now)
            for pool in view.scopes:
                self._propose(pool, now)
        return bool(self._proposals)

    def end_episodes(self) -> None:
        """Propose the end of all episodes: an operator has reset the breaker."""
        with self._core.locked() as now:
            hub_now = self._hub_time(now)
            self._proposals = {s: closed(known, hub_now) for s, known in self._known.items()}
            self._stop_following()

    def decide_alone(self) -> None:
        """Follow nobody: the hub is silent."""
        with self._core.locked() as now:
            self._be_one_of(1, ALONE_REJECTIONS)
            self._proposals.clear()
            self._leave(now)

    def end(self) -> None:
        """Follow nobody any more, and let nobody else probe for it."""
        with self._core.locked() as now:
            self._be_one_of(1, MIN_REJECTIONS_BETWEEN_PROBES)
            self._proposals.clear()
            self._leave(now)

    def _be_one_of(self, members: int, min_rejections: int) -> None:
        """Decide as one of so many: each of them may be wrong, and each of them probes."""
        engine = self._core.engine
        engine.machine.recovery.min_rejections = min_rejections
        if engine.shedder.streak is not None:
            engine.shedder.streak.caution = log(members) / 2

    def _leave(self, now: float) -> None:
        if self._followed is not None:
            guidance.leave(self._core.engine, now)
        self._stop_following()

    def _learn(self, pool: PoolView) -> None:
        """Take the hub's episode, unless the hub has forgotten what this member knows."""
        known, told = self._known[pool.scope], pool.episode or NONE
        if told.version < known.version:
            self._proposals[pool.scope] = known
            return
        if told.generation != known.generation:
            calls, failures = self._window.since(told.first_slot)
            self._contradicts[pool.scope] = calls >= _ENOUGH and 2 * failures < calls
            self._window.begin_generation()
        self._known[pool.scope] = told

    def _follow(self, now: float) -> None:
        engine = self._core.engine
        if self._guide is None:
            self._stop_following()  # its own calls made it open, or an operator did
        scope = next((s for s in reversed(self._known) if self._known[s].in_force), None)
        if scope is None or not engine.machine.decides:
            if self._followed is not None:
                self._stop_following()
                guidance.finish(engine, now)
            return
        episode = self._known[scope]
        if self._followed is None:
            if self._objects(scope, episode):
                return
            guidance.follow(engine, now, Guide(self._credit), _evidence(scope, episode))
        self._followed = scope
        self._obey(now, scope, episode)

    def _objects(self, scope: str, episode: Episode) -> bool:
        """Return True if its own calls, or an operator's trip, contradict the episode.

        That its calls go well does not contradict an overload, which they are part of.
        """
        engine = self._core.engine
        is_open = engine.machine.decided in RECOVERING
        if is_open and (
            episode.phase == RAMP or engine.transitions.last_trip.reason is Reason.MANUAL
        ):
            return True
        if episode.reason == OVERLOAD:
            return False
        calls, failures = self._window.since(episode.first_slot)
        if calls >= _ENOUGH or failures:
            self._contradicts[scope] = 2 * failures < calls
        return self._contradicts[scope]

    def _obey(self, now: float, scope: str, episode: Episode) -> None:
        engine = self._core.engine
        recovery = engine.machine.recovery
        if episode.phase == RAMP:
            self._lease = None
            since = now + episode.since - self._hub_time(now)
            usual = episode.usual_milli / 1000 / max(1, self._views[scope].members)
            share = guidance.Share(episode.share, since, episode.doubling, usual)
            guidance.ramp(engine, now, share)
            return
        if recovery.phase is RecoveryPhase.RAMP:
            guidance.follow(engine, now, Guide(self._credit), _evidence(scope, episode))
        lease = self._views[scope].lease
        if lease is not None and lease != self._lease and self._lease is None:
            until = now + lease.until - self._hub_time(now)
            if guidance.lend_probe(engine, now, until):
                self._lease = lease
            else:
                self._result = LeaseResult(lease.id, "unused")

    def _propose(self, pool: PoolView, now: float) -> None:
        """Propose a change of the episode of that scope, if it is due."""
        scope, hub_now = pool.scope, self._hub_time(now)
        if scope in self._proposals:
            return
        known = self._known[scope]
        if self._is_part_of_wider(pool):
            step = closed(known, hub_now) if known.in_force else None
        elif known.in_force:
            step = next_step(pool, known, self._timeout, hub_now)
        elif found := find_trouble(pool, hub_now):
            step = opened(known, hub_now, found)
        else:
            sheds = scope == FLEET and self._core.engine.settings.limiter.enabled
            step = find_overload(pool, known, self._timeout, hub_now) if sheds else None
        if step is not None:
            self._proposals[scope] = step

    def _is_part_of_wider(self, pool: PoolView) -> bool:
        """Return True if a wider scope is in trouble, or has no other members than this one."""
        scopes = list(self._known)
        wider = scopes[scopes.index(pool.scope) + 1 :]
        return any(
            self._known[each].in_force or self._views[each].members <= pool.members
            for each in wider
        )

    def _stop_following(self) -> None:
        self._followed = self._lease = self._result = None

    @property
    def _timeout(self) -> float:
        """Seconds after which an answer is of no use; infinite where no setting says so."""
        return self._core.engine.settings.useful_time

    @property
    def _guide(self) -> Guide | None:
        return self._core.engine.machine.recovery.guide


def _evidence(scope: str, episode: Episode) -> tuple[Evidence, ...]:
    detail: dict[str, str | float | int | bool] = {"scope": scope}
    if episode.reason == OVERLOAD:
        return (
            Evidence(
                signal=Signal.OVERLOAD,
                value=float(episode.bad),
                threshold=float(episode.units),
                unit="calls",
                samples=episode.bad,
                detail=detail,
            ),
        )
    return (
        Evidence(
            signal=Signal.SLO,
            value=round(episode.bad / max(1, episode.units), 4),
            threshold=0.5,
            unit="fraction",
            samples=episode.units,
            detail=detail | {"units_in_trouble": episode.bad, "units": episode.units},
        ),
    )
