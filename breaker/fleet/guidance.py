"""Recovery that others lead: a fleet's episode says when probes may go, and which share passes.

In place of its own wait and ramp, the breaker does what the `Guide` says, until the episode ends,
its own calls contradict it, or the fleet cannot be asked any more. All functions change the engine;
the breaker's lock must be held. Times are in seconds of the breaker's clock.
"""

from typing import Final, NamedTuple

from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.engine.recovering.guide import Guide
from breakerd.breaker.engine.recovering.phases import RecoveryOutcome, RecoveryPhase
from breakerd.breaker.events.events import Evidence, RecoveryStep
from breakerd.breaker.states import HALF_OPEN, OPEN, Reason


def follow(engine: Engine, now: float, guide: Guide, evidence: tuple[Evidence, ...] = ()) -> None:
    """Open, unless it is open, and wait for leased probes from now on."""
    machine = engine.machine
    if machine.decided is not OPEN:
        engine.open(now, Reason.FLEET, evidence)
    machine.recovery.follow(now, guide)


def lend_probe(engine: Engine, now: float, until: float) -> bool:
    """Let one call pass as a probe before `until`; return False if no probe may go now."""
    machine = engine.machine
    guide = machine.recovery.guide
    if guide is None or engine.conditions.probes_blocked:
        return False
    guide.lend(until)
    if machine.decided is OPEN:
        machine.recovery.skip_wait(now)
        engine.apply_change(now, machine.start_half_open(now))
    return True


_SLACK: Final = 2.0
"""Multiple of the usual concurrent calls with which a member begins."""


class Share(NamedTuple):
    """Share of the calls, 0 to 1, from a time on; it doubles by itself, unless `doubling` is 0."""

    share: float
    since: float
    doubling: float
    usual: float = 0.0
    """Usual number of concurrent calls of this member; 0 if it is not known."""


def ramp(engine: Engine, now: float, share: Share) -> None:
    """Admit that share of the calls."""
    machine = engine.machine
    recovery = machine.recovery
    guide = recovery.guide
    if guide is None or engine.conditions.probes_blocked:
        return
    begins = recovery.phase is not RecoveryPhase.RAMP
    changed = share.share != guide.share
    forward = begins or share.share > guide.share
    if machine.decided is OPEN:
        recovery.skip_wait(now)
        engine.apply_change(now, machine.start_half_open(now))
    if begins:
        recovery.phase = RecoveryPhase.RAMP
        machine.generation_started_at = now
        engine.window.clear()
        engine.shedder.forget_failures(now)
        if share.usual:
            # Half of it, doubled by the fleet's slack: no member begins with more than its part.
            engine.shedder.start_slow(2 * _SLACK, share.usual)
    guide.set_share(share.share, share.since, share.doubling)
    if begins or changed:
        engine.events.send(RecoveryStep, now, share=share.share, forward=forward)


def finish(engine: Engine, now: float) -> None:
    """Close: the episode has ended."""
    recovery = engine.machine.recovery
    if recovery.guide is None:
        return
    recovery.guide = None
    if engine.machine.decided in {OPEN, HALF_OPEN}:
        engine.apply_change(now, engine.machine.settle(now, RecoveryOutcome.RECOVERED))


def leave(engine: Engine, now: float) -> None:
    """Go on with its own recovery, from where it is: the fleet cannot be asked, or is not right."""
    recovery = engine.machine.recovery
    if recovery.guide is None:
        return
    recovery.lead(now)
    if recovery.phase is RecoveryPhase.RAMP and recovery.led_by_limiter:
        engine.shedder.start_slow()
