"""Recovery that others lead: a fleet's episode says when probes may go, and which share passes.

In place of its own wait and ramp, the breaker does what the `Guide` says, until the episode ends,
its own calls contradict it, or the fleet cannot be asked any more. All functions change the engine;
the breaker's lock must be held. Times are in seconds of the breaker's clock.
"""

from math import inf
from typing import NamedTuple

from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.engine.guide import Guide
from breakerd.breaker.engine.recovery import RecoveryOutcome, RecoveryPhase
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


class Share(NamedTuple):
    """Share of the calls, 0 to 1, from a time on; it doubles by itself, unless `doubling` is 0."""

    share: float
    since: float
    doubling: float


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
    guide.set_share(*share)
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
    machine = engine.machine
    recovery = machine.recovery
    if recovery.guide is None:
        return
    recovery.guide = None
    if machine.decided is HALF_OPEN and recovery.phase is RecoveryPhase.RAMP:
        engine.shedder.start_slow()
        recovery.until = now
    elif recovery.until == inf or machine.decided is OPEN:
        recovery.wait(now, now + recovery.backoff.adaptive_wait(now, relapses=False))
        if machine.decided is HALF_OPEN:
            recovery.start_probing(recovery.until)
