"""The shadow that the settings of a breaker ask for, and what it tells."""

import time

from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.shadow.figures import ShadowFigures, sum_figures
from breakerd.breaker.shadow.identity import differences, digest_of
from breakerd.breaker.shadow.report import Comparison, ShadowReport, describe_shadow
from breakerd.breaker.shadow.shadow import Shadow


def followed(shadow: Shadow | None, active: Engine, now: float) -> Shadow | None:
    """Return the shadow that the settings of `active` ask for: the same while neither changed."""
    tried = active.settings.with_candidate()
    if tried is None:
        return None
    if shadow is not None and shadow.digest == digest_of(active.settings):
        return shadow
    return Shadow(active, tried, now)


def report_shadow(shadow: Shadow) -> ShadowReport:
    """Return what was compared so far: in this process, and in those that have told."""
    beside = shadow.beside
    figures, since = compared(shadow)
    comparison = Comparison(
        digest=shadow.digest,
        differences=differences(shadow.active_settings),
        state=shadow.engine.machine.decided.value,
        since=since,
        scope="process" if beside is None else "host",
        promise=None if beside is None else beside.promise,
        settled=None if beside is None else beside.settled,
    )
    return describe_shadow(figures, comparison, time.time())


def compared(shadow: Shadow) -> tuple[ShadowFigures, float]:
    """Return the sums of all that was compared, and since when, in seconds since the epoch."""
    beside = shadow.beside
    if beside is None:
        return shadow.figures.copy(), shadow.began_at
    total = sum_figures([shadow.figures, beside.figures])
    return total, min(beside.since, shadow.began_at)
