"""Route for the fleet: all processes that share breakers with the one that answers."""

from collections import Counter
from math import isfinite

from fastapi import APIRouter
from fastapi.routing import APIRoute

from breakerd.api.http.admin import AdminContext, AdminDep
from breakerd.api.problems import Problem, openapi_responses
from breakerd.api.schemas.fleet_responses import (
    FleetAlertsResponse,
    FleetMemberResponse,
    FleetResponse,
    HubResponse,
)
from breakerd.api.schemas.responses import utc_time
from breakerd.api.schemas.shared_settings import DriftResponse
from breakerd.breaker.fleet.drift import Drift
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError, MemberEntry
from breakerd.breaker.fleet.runtime.hub_report import HubReport


def routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes that need a token."""
    router = APIRouter(route_class=route_class, tags=["process"])
    router.get("/fleet", responses=openapi_responses(404))(get_fleet)
    return router


def get_fleet(admin: AdminDep) -> FleetResponse:
    """Return the processes that share breakers with this one, and the hub where they meet.

    A control plane without calls of its own is none of them.
    """
    if admin.fleet is None:
        raise Problem(404, "This process is in no fleet.")
    hub = admin.fleet.hub()
    members = _members(admin)
    digests = Counter(each.info.digest for each in members)
    usual = digests.most_common(1)[0][0] if digests else ""
    return FleetResponse(
        alerts=_alerts(admin),
        hub=_hub(hub),
        member=hub.member,
        members=[_member(each, usual) for each in members],
        drift=[_drift(each) for each in admin.fleet.drift()],
    )


def _members(admin: AdminContext) -> tuple[MemberEntry, ...]:
    """Return the processes in the order of their hosts; nobody while the hub is away."""
    if admin.views is None:
        return ()
    try:
        found = admin.views.members()
    except HubUnavailableError:
        return ()
    return tuple(sorted(found, key=lambda each: (each.info.host, each.info.pid, each.info.id)))


def _alerts(admin: AdminContext) -> FleetAlertsResponse | None:
    found = admin.alerting.fleet_role() if admin.alerting is not None else None
    return FleetAlertsResponse(role=found.role, sender=found.sender) if found else None


def _hub(hub: HubReport) -> HubResponse:
    return HubResponse(
        kind=hub.kind,
        name=hub.name,
        up=hub.up,
        problem=hub.problem,
        epoch=hub.epoch,
        exchanges=hub.exchanges[-1][1] if hub.exchanges else 0,
        exchange_p50_seconds=_bound(hub, 0.5),
        exchange_p99_seconds=_bound(hub, 0.99),
    )


def _bound(hub: HubReport, share: float) -> float | None:
    """Return the bound of the histogram's bucket up to which so many exchanges took.

    The last bound where it has none; None before the first exchange.
    """
    count = hub.exchanges[-1][1] if hub.exchanges else 0
    if not count:
        return None
    found = next(bound for bound, upto in hub.exchanges if upto >= share * count)
    return found if isfinite(found) else hub.exchanges[-2][0]


def _member(entry: MemberEntry, usual: str) -> FleetMemberResponse:
    info = entry.info
    return FleetMemberResponse(
        id=info.id,
        host=info.host,
        zone=info.zone,
        role=info.role,
        pid=info.pid,
        version=info.version,
        settings=info.digest,
        settings_differ=info.digest != usual,
        labels=dict(info.labels),
        age_seconds=round(entry.age, 3),
        silent=entry.silent,
        # A pool is the name of a breaker and the group of those that are alike.
        breakers={pool.partition("|")[0]: state for pool, state in entry.breakers},
    )


def _drift(drift: Drift) -> DriftResponse:
    return DriftResponse(
        key=drift.key,
        own=drift.own,
        fleet=drift.fleet,
        by=drift.by,
        at=utc_time(drift.at),
        since=utc_time(drift.since),
        reason=drift.reason,
    )
