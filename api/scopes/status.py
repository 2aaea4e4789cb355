"""Status of a breaker in a scope: sums and states of its processes beside one process's own."""

from collections.abc import Mapping
from typing import Any, Final

from breakerd.api.http.admin import AdminContext
from breakerd.api.schemas.responses import utc_time
from breakerd.api.scopes.scope import Scoped, read_scope
from breakerd.breaker.breaker import Breaker
from breakerd.breaker.fleet.episode import Episode
from breakerd.breaker.fleet.host_counters.figures import Totals
from breakerd.breaker.fleet.messages import WINDOW_SLOTS
from breakerd.breaker.fleet.views.sums import BreakerSums
from breakerd.breaker.fleet.views.views import ViewScope
from breakerd.breaker.states import DISABLED, REJECTING, State

EXPLANATIONS: Final[Mapping[str, Any]] = {
    "would_be_state": None,
    "reason": None,
    "note": "",
    "note_by": "",
    "drill": False,
    "retry_after_seconds": 0.0,
    "evidence": [],
    "recovery": None,
}
"""Keys of a status that explain its state, with their values where there is nothing to explain."""


def scoped_status(
    admin: AdminContext, breaker: Breaker, wanted: ViewScope | None
) -> dict[str, Any]:
    """Return the status of a breaker in the scope that is wanted.

    State, sums and percentiles are those of the scope's processes, and `calls` those of the host's
    since the beginning; all else is of the process that answers, and what explains a state is left
    out if its own is another one.
    """
    name = breaker.name
    answer = read_scope(admin, wanted, lambda views, scope: views.breaker(name, scope))
    status: dict[str, Any] = {**breaker.status(), **_header(answer)}
    if answer.scope != "process" and admin.views is not None:
        counted = admin.views.host_totals(name)
        status["calls"] = _calls(counted) if counted else status["calls"]
    sums = answer.found
    if sums is None:
        return status
    status |= state_of(sums.holders.state, status)
    if admin.views is None or not admin.views.is_only_ours(sums.holders):
        status |= _figures(sums, status)
    status["members"] = dict(sums.holders.states)
    status["fleet"] = _describe(sums)
    if status["last_trip_time"] is None and sums.episode is not None:
        status["last_trip_time"] = utc_time(sums.episode.opened)
    return status


def state_of(state: State | None, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return what another state changes in a status or a summary: nothing if it is the same."""
    if state is None or own["state"] == state.value:
        return {}
    changed = {
        "state": state.value,
        "triggered": state in REJECTING,
        "enabled": state is not DISABLED,
        **EXPLANATIONS,
    }
    return {key: value for key, value in changed.items() if key in own}


def _header(answer: Scoped[Any]) -> dict[str, Any]:
    return {
        "scope": answer.scope,
        "fleet_problem": answer.problem,
        "members": {},
        "fleet": None,
    }


def _calls(totals: Totals) -> dict[str, int]:
    return {
        "success": totals.success,
        "error": totals.error,
        "abandoned": totals.abandoned,
        "rejected": totals.rejected,
    }


def _figures(sums: BreakerSums, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures that replace those of one process, by their keys in its status."""
    totals = sums.totals
    seconds = sums.percentile(own["percentile_value"])
    percentile = 1000 * (seconds or 0.0)
    limit = own["latency_threshold_ms"]
    return {
        "window_calls": totals.calls,
        "error_rate": round(totals.failures / totals.calls, 6) if totals.calls > 0 else 0.0,
        "in_flight": totals.in_flight,
        "current_percentile_ms": round(percentile),
        "current_percentile_exact_ms": None if seconds is None else round(percentile, 3),
        "latency_percent_of_threshold": round(100 * percentile / limit, 2),
        "latency_ok": percentile <= limit,
    }


def _describe(sums: BreakerSums) -> dict[str, Any]:
    holders, totals = sums.holders, sums.totals
    return {
        "processes": holders.live,
        "silent": holders.silent,
        "hosts": holders.hosts,
        "groups": len(holders.pools),
        "window_seconds": WINDOW_SLOTS,
        "calls": totals.calls,
        "failures": totals.failures,
        "slow": totals.slow,
        "timed_out": totals.timed_out,
        "abandoned": totals.abandoned,
        "rejected": totals.rejected,
        "episode": _episode(sums.episode) if sums.episode else None,
        "worst": [
            {"member": e.member, "host": e.host, "calls": e.calls, "failures": e.failures}
            for e in sums.worst
        ],
    }


def _episode(episode: Episode) -> dict[str, Any]:
    return {
        "phase": episode.phase,
        "reason": episode.reason,
        "opened": utc_time(episode.opened),
        "since": utc_time(episode.since),
        "share": episode.share,
    }
