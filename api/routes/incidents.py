"""Routes for incidents: list them with their alerts, and retry or discard dead letters."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query
from fastapi.routing import APIRoute

from breakerd.api.http.admin import ActorDep, AdminContext, AdminDep, Snapshot
from breakerd.api.problems import NO_DEAD_LETTERS, UNKNOWN_ALERT, Problem, openapi_responses
from breakerd.api.schemas.requests import DiscardBody

JsonObject = dict[str, Any]

_AlertId = Annotated[str, Path(alias="id", max_length=100, description="From GET /alerts.")]
_NO_DEAD_LETTERS: Final = "The alert has no dead letters; see GET /alerts/{id}."


def routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes under `/alerts`."""
    router = APIRouter(route_class=route_class, tags=["alerting"], responses=openapi_responses(404))
    router.get("/alerts")(list_alerts)
    router.get("/alerts/{id}")(get_alert)
    router.post("/alerts/{id}/retry", responses=openapi_responses(409, 503))(retry_alert)
    router.post("/alerts/{id}/discard", responses=openapi_responses(409, 503))(discard_alert)
    return router


def list_alerts(
    admin: AdminDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    state: Annotated[
        Literal["active", "resolving", "closed"] | None,
        Query(description="Only incidents in this phase."),
    ] = None,
) -> JsonObject:
    """List the latest incidents with the delivery of their alerts, newest first."""
    return {"alerts": admin.require_alerting().incidents(limit=limit, state=state)}


def get_alert(admin: AdminDep, alert_id: _AlertId) -> JsonObject:
    """Return one incident in full: stages, members, notes, and the delivery per receiver."""
    return _get_incident(admin, alert_id)


def retry_alert(admin: AdminDep, actor: ActorDep, alert_id: _AlertId) -> JsonObject:
    """Deliver an alert's dead letters again, in full."""
    alerting = admin.require_alerting()
    _get_incident(admin, alert_id)
    with admin.audited(
        actor, "retry alert", snapshot=_dead_letters(admin, alert_id), detail=alert_id
    ):
        receivers = alerting.retry(alert_id)
        if not receivers:
            raise Problem(409, _NO_DEAD_LETTERS, kind=NO_DEAD_LETTERS)
    return {"message": "Dead letters requeued", "id": alert_id, "receivers": receivers}


def discard_alert(
    admin: AdminDep, actor: ActorDep, alert_id: _AlertId, body: DiscardBody
) -> JsonObject:
    """Discard an alert's dead letters; they are not delivered any more."""
    alerting = admin.require_alerting()
    _get_incident(admin, alert_id)
    detail = f"{alert_id}: {body.reason}"
    with admin.audited(
        actor, "discard alert", snapshot=_dead_letters(admin, alert_id), detail=detail
    ):
        receivers = alerting.discard(alert_id, actor.user or actor.client, body.reason)
        if not receivers:
            raise Problem(409, _NO_DEAD_LETTERS, kind=NO_DEAD_LETTERS)
    return {"message": "Dead letters discarded", "id": alert_id, "receivers": receivers}


def _get_incident(admin: AdminContext, alert_id: str) -> JsonObject:
    incident = admin.require_alerting().incident(alert_id)
    if incident is None:
        detail = f"Unknown alert {alert_id!r}; see GET /alerts."
        raise Problem(404, detail, kind=UNKNOWN_ALERT)
    return incident


def _dead_letters(admin: AdminContext, alert_id: str) -> Snapshot:
    def snapshot() -> JsonObject:
        deliveries = _get_incident(admin, alert_id)["deliveries"]
        return {
            "dead_letters": [
                name for name, delivery in deliveries.items() if delivery["dead_letter_reason"]
            ]
        }

    return snapshot
