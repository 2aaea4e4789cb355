"""Incidents: what became of their alerts, and what is done about those that were given up."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query
from fastapi.routing import APIRoute

from breakerd.api.http.admin import Admin, ThisActor, ThisAdmin, View
from breakerd.api.problems import NOT_GIVEN_UP, UNKNOWN_ALERT, Problem, documented
from breakerd.api.schemas.requests import Discarding

JsonObject = dict[str, Any]

_AlertId = Annotated[str, Path(alias="id", max_length=100, description="As GET /alerts tells it.")]
_NOTHING_TO_DO: Final = "Nothing of this alert was given up; see GET /alerts/{id}."


def routes(route_class: type[APIRoute]) -> APIRouter:
    """The routes under `/alerts`."""
    router = APIRouter(route_class=route_class, tags=["alerting"], responses=documented(404))
    router.get("/alerts")(list_alerts)
    router.get("/alerts/{id}")(get_alert)
    router.post("/alerts/{id}/retry", responses=documented(409))(retry_alert)
    router.post("/alerts/{id}/discard", responses=documented(409))(discard_alert)
    return router


def list_alerts(
    admin: ThisAdmin,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    state: Annotated[
        Literal["active", "resolving", "closed"] | None,
        Query(description="Only those in this phase."),
    ] = None,
) -> JsonObject:
    """The latest incidents, newest first, and what became of their alerts."""
    return {"alerts": admin.required_alerting().incidents(limit=limit, state=state)}


def get_alert(admin: ThisAdmin, alert_id: _AlertId) -> JsonObject:
    """One incident in full: stages, members, notes, and what each receiver knows."""
    return _existing(admin, alert_id)


def retry_alert(admin: ThisAdmin, actor: ThisActor, alert_id: _AlertId) -> JsonObject:
    """Has what was given up of an alert tried again, in its full form."""
    alerting = admin.required_alerting()
    _existing(admin, alert_id)
    with admin.audited(actor, "retry alert", view=_given_up(admin, alert_id), detail=alert_id):
        receivers = alerting.retry(alert_id)
        if not receivers:
            raise Problem(409, _NOTHING_TO_DO, kind=NOT_GIVEN_UP)
    return {"message": "The alert is sent again", "id": alert_id, "receivers": receivers}


def discard_alert(
    admin: ThisAdmin, actor: ThisActor, alert_id: _AlertId, body: Discarding
) -> JsonObject:
    """Lets be what was given up of an alert: it counts as a dead letter no more."""
    alerting = admin.required_alerting()
    _existing(admin, alert_id)
    detail = f"{alert_id}: {body.reason}"
    with admin.audited(actor, "discard alert", view=_given_up(admin, alert_id), detail=detail):
        receivers = alerting.discard(alert_id, actor.client, body.reason)
        if not receivers:
            raise Problem(409, _NOTHING_TO_DO, kind=NOT_GIVEN_UP)
    return {"message": "The alert is let be", "id": alert_id, "receivers": receivers}


def _existing(admin: Admin, alert_id: str) -> JsonObject:
    incident = admin.required_alerting().incident(alert_id)
    if incident is None:
        detail = f"There is no alert {alert_id!r}; see GET /alerts."
        raise Problem(404, detail, kind=UNKNOWN_ALERT)
    return incident


def _given_up(admin: Admin, alert_id: str) -> View:
    def view() -> JsonObject:
        deliveries = _existing(admin, alert_id)["deliveries"]
        return {
            "given_up": [
                name for name, delivery in deliveries.items() if delivery["dead_letter_reason"]
            ]
        }

    return view
