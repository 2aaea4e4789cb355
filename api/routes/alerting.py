"""Alerting: who is paged and how, and silences."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.routing import APIRoute

from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.api.http.admin import Admin, ThisActor, ThisAdmin, ThisOperation, View
from breakerd.api.problems import Problem, documented
from breakerd.api.schemas.requests import (
    AlertCooldown,
    AlertPriority,
    AlertTags,
    AlertTriggers,
    NewSilence,
    Switch,
)
from breakerd.api.security.auth import Actor

JsonObject = dict[str, Any]


def breaker_routes(route_class: type[APIRoute]) -> APIRouter:
    """The routes that stand under a breaker's prefix, as in go-breaker."""
    router = APIRouter(route_class=route_class, tags=["alerting"], responses=documented(404))
    router.get("/staged-alerts")(get_staged_alerts)
    router.get("/opsgenie/status")(get_opsgenie_status)
    unwritten = documented(409)
    router.post("/opsgenie/toggle", responses=unwritten)(toggle_opsgenie)
    router.post("/opsgenie/priority", responses=unwritten)(set_priority)
    router.post("/opsgenie/triggers", responses=unwritten)(set_triggers)
    router.post("/opsgenie/tags", responses=unwritten)(set_tags)
    router.post("/opsgenie/cooldown", responses=unwritten)(set_cooldown)
    return router


def routes(route_class: type[APIRoute]) -> APIRouter:
    """The routes that are about the whole process."""
    router = APIRouter(route_class=route_class, tags=["alerting"], responses=documented(404))
    router.get("/silences")(list_silences)
    router.post("/silences", status_code=201)(add_silence)
    router.delete("/silences", status_code=204, responses=documented(409))(end_silence)
    return router


def get_staged_alerts(operation: ThisOperation) -> JsonObject:
    """The stages of alerting, and the alerts that may still be escalated."""
    return operation.admin.required_alerting().staged_alerts(operation.breaker.name)


def get_opsgenie_status(operation: ThisOperation) -> JsonObject:
    """The settings of OpsGenie, the key masked; whether anyone is paged, and what hinders it."""
    return operation.admin.required_alerting().opsgenie_status()


def toggle_opsgenie(operation: ThisOperation, body: Switch) -> JsonObject:
    """Turns OpsGenie on or off."""
    settings = _change(operation.admin, operation.actor, {"enabled": body.enabled})
    words = "enabled" if settings.enabled else "disabled"
    return {"message": f"OpsGenie alerts {words}", "enabled": settings.enabled}


def set_priority(operation: ThisOperation, body: AlertPriority) -> JsonObject:
    """Sets the priority of alerts that have no stages."""
    settings = _change(operation.admin, operation.actor, {"priority": body.priority})
    message = f"OpsGenie priority set to {settings.priority}"
    return {"message": message, "priority": settings.priority}


def set_triggers(operation: ThisOperation, body: AlertTriggers) -> JsonObject:
    """Sets which events page; those not named stay."""
    admin = operation.admin
    settings = admin.required_alerting().settings.opsgenie
    if named := body.model_dump(exclude_unset=True):
        settings = _change(admin, operation.actor, named)
    in_force = {name: getattr(settings, name) for name in AlertTriggers.model_fields}
    return {"message": "OpsGenie triggers set", **in_force}


def set_tags(operation: ThisOperation, body: AlertTags) -> JsonObject:
    """Sets the tags of alerts; the automatic ones come in addition."""
    settings = _change(operation.admin, operation.actor, {"tags": body.tags})
    return {"message": "OpsGenie tags set", "tags": list(settings.tags)}


def set_cooldown(operation: ThisOperation, body: AlertCooldown) -> JsonObject:
    """Sets the shortest time between two alerts of a kind, in seconds."""
    values = {"alert_cooldown_seconds": body.cooldown_seconds}
    seconds = _change(operation.admin, operation.actor, values).alert_cooldown_seconds
    return {"message": f"OpsGenie cooldown set to {seconds} s", "cooldown_seconds": seconds}


def list_silences(admin: ThisAdmin) -> JsonObject:
    """The silences that are not over, and the maintenance windows of the file."""
    alerting = admin.required_alerting()
    return {"silences": alerting.silences(), "maintenance": alerting.maintenance()}


def add_silence(admin: ThisAdmin, actor: ThisActor, body: NewSilence) -> JsonObject:
    """Holds alerts back for a time; what still goes on at its end is told then."""
    alerting = admin.required_alerting()
    with admin.audited(actor, "add silence", view=_silences(admin), detail=body.reason):
        try:
            number = alerting.add_silence(**body.wanted())
        except ValueError as error:
            raise Problem(422, f"This silence makes no sense: {error}.") from None
    return {"id": number, **body.model_dump(mode="json")}


def end_silence(
    admin: ThisAdmin,
    actor: ThisActor,
    number: Annotated[str, Query(alias="id", description="As GET /silences tells it.")],
) -> None:
    """Ends a silence now."""
    alerting = admin.required_alerting()
    with admin.audited(actor, "end silence", view=_silences(admin), detail=number[:100]):
        if number in {window["name"] for window in alerting.maintenance()}:
            where = f"[alerts.maintenance.{number}]"
            raise Problem(409, f"It is a maintenance window: change {where} in the file.")
        try:
            alerting.end_silence(number)
        except KeyError:
            raise Problem(404, f"There is no silence {number!r}; see GET /silences.") from None


def _change(admin: Admin, actor: Actor, values: Mapping[str, object]) -> OpsGenieSettings:
    alerting = admin.required_alerting()

    def view() -> dict[str, object]:
        settings = alerting.settings.opsgenie.model_dump(mode="json")
        return {name: settings[name] for name in values}

    with admin.audited(actor, "change opsgenie", view=view):
        return alerting.change(values)


def _silences(admin: Admin) -> View:
    alerting = admin.required_alerting()
    return lambda: {"silences": [silence["id"] for silence in alerting.silences()]}
