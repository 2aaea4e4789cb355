"""Routes for alerting: OpsGenie settings, stages, and silences."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.routing import APIRoute

from breakerd.alerts.settings.alerting import OPSGENIE_SECTION
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.api.http import sections
from breakerd.api.http.admin import ActorDep, AdminContext, AdminDep, OperationDep
from breakerd.api.problems import Problem, openapi_responses
from breakerd.api.schemas.requests import (
    AlertCooldown,
    AlertPriority,
    AlertTags,
    AlertTriggers,
    NewSilence,
    PageDrillBody,
    Toggle,
)
from breakerd.api.schemas.responses import utc_time
from breakerd.api.security.auth import Actor

JsonObject = dict[str, Any]


def breaker_routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes below a breaker's prefix, as in go-breaker."""
    router = APIRouter(route_class=route_class, tags=["alerting"], responses=openapi_responses(404))
    router.get("/staged-alerts")(get_staged_alerts)
    router.get("/opsgenie/status")(get_opsgenie_status)
    unwritten = openapi_responses(409)
    router.post("/opsgenie/toggle", responses=unwritten)(toggle_opsgenie)
    router.post("/opsgenie/priority", responses=unwritten)(set_priority)
    router.post("/opsgenie/triggers", responses=unwritten)(set_triggers)
    router.post("/opsgenie/tags", responses=unwritten)(set_tags)
    router.post("/opsgenie/cooldown", responses=unwritten)(set_cooldown)
    router.post("/drill-page", responses=openapi_responses(503))(drill_page)
    return router


def routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes of the whole process."""
    router = APIRouter(route_class=route_class, tags=["alerting"], responses=openapi_responses(404))
    router.get("/silences")(list_silences)
    router.post("/silences", status_code=201, responses=openapi_responses(503))(add_silence)
    router.delete("/silences", status_code=204, responses=openapi_responses(409, 503))(end_silence)
    return router


def get_staged_alerts(operation: OperationDep) -> JsonObject:
    """Return the alert stages, and the alerts that may still escalate."""
    return operation.admin.require_alerting().staged_alerts(operation.breaker.name)


def get_opsgenie_status(operation: OperationDep) -> JsonObject:
    """Return the OpsGenie settings with the key masked, and whether anyone is paged."""
    return operation.admin.require_alerting().opsgenie_status()


def toggle_opsgenie(operation: OperationDep, body: Toggle) -> JsonObject:
    """Turn OpsGenie on or off."""
    settings = _change_opsgenie(operation.admin, operation.actor, {"enabled": body.enabled})
    state = "enabled" if settings.enabled else "disabled"
    return {"message": f"OpsGenie alerts {state}", "enabled": settings.enabled}


def set_priority(operation: OperationDep, body: AlertPriority) -> JsonObject:
    """Set the priority of alerts without stages."""
    settings = _change_opsgenie(operation.admin, operation.actor, {"priority": body.priority})
    message = f"OpsGenie priority set to {settings.priority}"
    return {"message": message, "priority": settings.priority}


def set_triggers(operation: OperationDep, body: AlertTriggers) -> JsonObject:
    """Set which events open alerts; omitted ones stay."""
    admin = operation.admin
    settings = admin.require_alerting().settings.opsgenie
    if named := body.model_dump(exclude_unset=True):
        settings = _change_opsgenie(admin, operation.actor, named)
    in_force = {name: getattr(settings, name) for name in AlertTriggers.model_fields}
    return {"message": "OpsGenie triggers set", **in_force}


def set_tags(operation: OperationDep, body: AlertTags) -> JsonObject:
    """Set the alert tags; the automatic ones are added to them."""
    settings = _change_opsgenie(operation.admin, operation.actor, {"tags": body.tags})
    return {"message": "OpsGenie tags set", "tags": list(settings.tags)}


def set_cooldown(operation: OperationDep, body: AlertCooldown) -> JsonObject:
    """Set the minimum time between two alerts of a kind, in seconds."""
    values = {"alert_cooldown_seconds": body.cooldown_seconds}
    seconds = _change_opsgenie(operation.admin, operation.actor, values).alert_cooldown_seconds
    return {"message": f"OpsGenie cooldown set to {seconds} s", "cooldown_seconds": seconds}


def drill_page(operation: OperationDep, body: PageDrillBody | None = None) -> JsonObject:
    """Page people for a drill, through all receivers; no call is touched, and it ends by itself."""
    admin, breaker, wanted = operation.admin, operation.breaker.name, body or PageDrillBody()
    alerting = admin.require_alerting()
    drill_id = operation.operate(
        "drill page",
        lambda: alerting.drill_page(
            breaker, wanted.priority, wanted.seconds, by=operation.actor.by
        ),
        detail=f"{wanted.priority} for {wanted.seconds:g} s",
    )
    message = f"Page drill of {wanted.priority} started; it closes after {wanted.seconds:g} s"
    return {"message": message, "id": drill_id, "drill": True, **admin.paging(breaker)}


def list_silences(admin: AdminDep) -> JsonObject:
    """List current and future silences, and the maintenance windows of the file."""
    alerting = admin.require_alerting()
    return {"silences": alerting.silences(), "maintenance": alerting.maintenance()}


def add_silence(admin: AdminDep, actor: ActorDep, body: NewSilence) -> JsonObject:
    """Mute alerts for a time; incidents still active at its end are notified then.

    The answer says what it `matches` now, and in `warnings` which labels and values nothing has.
    """
    alerting = admin.require_alerting()
    added: list[str] = []

    def snapshot() -> JsonObject:
        return _silences(admin, added)

    with admin.audited(actor, "add silence", snapshot=snapshot, detail=body.reason):
        try:
            effect = alerting.preview_silence(**body.conditions())
            added.append(alerting.add_silence(**body.arguments()))
        except ValueError as error:
            raise Problem(422, f"Invalid silence: {error}.") from None
    return {"id": added[0], **body.model_dump(mode="json", exclude={"force"}), **effect}


def end_silence(
    admin: AdminDep,
    actor: ActorDep,
    number: Annotated[str, Query(alias="id", description="From GET /silences.")],
) -> None:
    """End a silence now."""
    alerting = admin.require_alerting()

    def snapshot() -> JsonObject:
        return _silences(admin, [number])

    with admin.audited(actor, "end silence", snapshot=snapshot, detail=number[:100]):
        if number in {window["name"] for window in alerting.maintenance()}:
            where = f"[alerts.maintenance.{number}]"
            raise Problem(409, f"{number!r} is a maintenance window; change {where} in the file.")
        try:
            alerting.end_silence(number)
        except KeyError:
            raise Problem(404, f"Unknown silence {number!r}; see GET /silences.") from None


def _change_opsgenie(
    admin: AdminContext, actor: Actor, values: Mapping[str, object]
) -> OpsGenieSettings:
    changes: dict[tuple[str, ...], object] = {
        (OPSGENIE_SECTION, name): value for name, value in values.items()
    }
    sections.change(admin, actor, changes, action="change opsgenie")
    return admin.require_alerting().settings.opsgenie


def _silences(admin: AdminContext, wanted: Sequence[str]) -> JsonObject:
    """Return for the audit the silences of these ids: there may be a thousand."""
    found = admin.require_alerting().silences() if wanted else []
    return {"silences": [_audited(each) for each in found if each["id"] in wanted]}


def _audited(silence: JsonObject) -> JsonObject:
    kept = {name: silence[name] for name in ("id", "matchers", "author", "reason")}
    return kept | {name: utc_time(silence[name]) for name in ("starts_at", "ends_at")}
