"""List of breakers in a scope: those of this process, and those that only others hold."""

from typing import Any

from breakerd.api.http.admin import AdminContext
from breakerd.api.schemas.responses import BreakersResponse, BreakerSummary
from breakerd.api.scopes.scope import read_scope
from breakerd.api.scopes.status import EXPLANATIONS, state_of
from breakerd.breaker.breaker import Breaker
from breakerd.breaker.fleet.views.sums import Holders
from breakerd.breaker.fleet.views.views import ViewScope
from breakerd.breaker.states import CLOSED


def list_breakers_in(admin: AdminContext, wanted: ViewScope | None) -> BreakersResponse:
    """Return a summary of each breaker, and whether people are paged."""
    answer = read_scope(admin, wanted, lambda views, scope: views.holders(scope))
    held = answer.found or {}
    own = {breaker.name: breaker for breaker in admin.registry}
    names = [*own, *sorted(held.keys() - own.keys())]
    muted = admin.muted(names)
    return BreakersResponse(
        **admin.paging(),
        not_running=admin.not_running(),
        scope=answer.scope,
        fleet_problem=answer.problem,
        breakers=[
            _summary(name, own.get(name), held.get(name), muted.get(name, "")) for name in names
        ],
    )


def _summary(
    name: str, breaker: Breaker | None, holders: Holders | None, muted_by: str
) -> BreakerSummary:
    summary: dict[str, Any] = dict(breaker.status()) if breaker else _nothing(name)
    if holders is not None:
        summary |= state_of(holders.state, summary)
    return BreakerSummary.model_validate(
        {
            **summary,
            "muted_by": muted_by,
            "members": holders.states if holders else {},
            "silent": holders.silent if holders else 0,
        }
    )


def _nothing(name: str) -> dict[str, Any]:
    """Return the summary of a breaker of which only the state of others is known."""
    state = {"state": CLOSED.value, "triggered": False, "enabled": True}
    return {**EXPLANATIONS, **state, "name": name}
