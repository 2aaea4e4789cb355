"""Route for the fleet: all processes that share breakers with the one that answers."""

from fastapi import APIRouter
from fastapi.routing import APIRoute

from breakerd.api.http.admin import AdminDep
from breakerd.api.problems import Problem, openapi_responses
from breakerd.api.schemas.responses import FleetMemberResponse, FleetResponse, HubResponse
from breakerd.breaker.fleet.hub.protocol import MemberEntry


def routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes that need a token."""
    router = APIRouter(route_class=route_class, tags=["process"])
    router.get("/fleet", responses=openapi_responses(404))(get_fleet)
    return router


def get_fleet(admin: AdminDep) -> FleetResponse:
    """Return the processes that share breakers with this one, and the hub where they meet."""
    if admin.fleet is None:
        raise Problem(404, "This process is in no fleet.")
    hub = admin.fleet.hub()
    return FleetResponse(
        hub=HubResponse(
            kind=hub.kind, name=hub.name, up=hub.up, problem=hub.problem, epoch=hub.epoch
        ),
        member=hub.member,
        members=[_member(each) for each in admin.fleet.members()],
    )


def _member(entry: MemberEntry) -> FleetMemberResponse:
    info = entry.info
    return FleetMemberResponse(
        id=info.id,
        host=info.host,
        zone=info.zone,
        role=info.role,
        pid=info.pid,
        version=info.version,
        settings=info.digest,
        labels=dict(info.labels),
        age_seconds=round(entry.age, 3),
        silent=entry.silent,
        # A pool is the name of a breaker and the group of those that are alike.
        breakers={pool.partition("|")[0]: state for pool, state in entry.breakers},
    )
