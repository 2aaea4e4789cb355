"""Routes for the log of configurations: what was in force, by whom, rollback, drift."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.routing import APIRoute

from breakerd.api.config_changes.drift import drift_as_json, drift_of
from breakerd.api.config_changes.options import OptionsDep
from breakerd.api.config_changes.rollback import roll_back
from breakerd.api.config_changes.rows import change_as_json, row_as_json
from breakerd.api.http.admin import ActorDep, AdminContext, AdminDep
from breakerd.api.json_response import JSONResponse
from breakerd.api.problems import NO_CONFIG_LOG, UNKNOWN_CONFIG, Problem, openapi_responses
from breakerd.api.schemas.config_log import (
    ConfigDetails,
    ConfigDifference,
    ConfigHistory,
    DriftList,
    RollbackBody,
    RollbackResult,
)
from breakerd.breaker.config.sections import BREAKERS, FOREIGN_SECTIONS
from breakerd.breaker.config_log import ConfigLog, ConfigRow
from breakerd.breaker.config_log.masking import shown
from breakerd.breaker.config_log.row import difference


def routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes, which need a token."""
    router = APIRouter(route_class=route_class, tags=["configuration"])
    unknown = openapi_responses(404, 409)
    router.get("/config/history", responses=openapi_responses(409))(list_configs)
    router.get("/config/history/{number}", responses=unknown)(get_config_number)
    router.get("/config/diff", responses=unknown)(compare_configs)
    router.get("/config/drift")(get_drift)
    router.post(
        "/config/rollback",
        response_model=None,
        responses={
            200: {"model": RollbackResult, "description": "What was changed, and what was kept."},
            **openapi_responses(404, 409, 412, 503),
        },
    )(roll_back_config)
    return router


def list_configs(
    admin: AdminDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    before: Annotated[
        int | None, Query(ge=1, description="Only configurations with lower numbers.")
    ] = None,
    breaker: Annotated[
        str | None,
        Query(
            description="Only those that have changed settings of this breaker or of the root.",
            examples=["default"],
        ),
    ] = None,
) -> ConfigHistory:
    """List the configurations that were in force, newest first: who changed what, when and why."""
    log = _log_of(admin)
    rows = log.rows(limit if breaker is None else 1000, before)
    if breaker is not None:
        rows = [row for row in rows if _concerns(row, breaker)][:limit]
    return ConfigHistory(configs=[row_as_json(row) for row in rows], problem=log.problem or None)


def get_config_number(admin: AdminDep, number: int) -> ConfigDetails:
    """Return one configuration with all its values, secrets masked."""
    row = _row_of(admin, number)
    values = shown(row.data)
    return ConfigDetails(**row_as_json(row), values=values)


def compare_configs(
    admin: AdminDep,
    start: Annotated[
        int | None, Query(alias="from", description="By default the one before `to`.")
    ] = None,
    to: Annotated[int | None, Query(description="By default the newest.")] = None,
) -> ConfigDifference:
    """Return the keys that differ between two configurations."""
    newest = _row_of(admin, to) if to is not None else _newest(admin)
    oldest = _row_of(admin, start if start is not None else newest.number - 1)
    changes = [change_as_json(each) for each in difference(oldest, newest)]
    return ConfigDifference(**{"from": oldest.number, "to": newest.number, "changes": changes})


def get_drift(admin: AdminDep) -> DriftList:
    """List what is in force and not in the file, and why."""
    found = [drift_as_json(each) for each in drift_of(admin)]
    return DriftList(drift=found, number=_newest_number(admin))


def roll_back_config(
    admin: AdminDep, actor: ActorDep, body: RollbackBody, options: OptionsDep
) -> JSONResponse:
    """Put an earlier configuration in force again, as a change like any other.

    Secrets, and what is changed in the file only, stay as they are; `kept` names them.
    """
    result = roll_back(admin, actor, _row_of(admin, body.to), options)
    return JSONResponse({**result, "number": _newest_number(admin)})


def _log_of(admin: AdminContext) -> ConfigLog:
    if admin.config_log is None:
        why = "has no configuration file" if admin.registry.config is None else "keeps none"
        detail = f"No log of configurations: this process {why}."
        raise Problem(409, detail, kind=NO_CONFIG_LOG)
    return admin.config_log


def _row_of(admin: AdminContext, number: int) -> ConfigRow:
    log = _log_of(admin)
    row = log.row(number)
    if row is None:
        newest = next(iter(log.rows(1)), None)
        known = f"the newest is {newest.number}" if newest else log.problem or "there are none yet"
        detail = f"No configuration {number} in the log: {known}. See GET /config/history."
        raise Problem(404, detail, kind=UNKNOWN_CONFIG)
    return row


def _newest(admin: AdminContext) -> ConfigRow:
    rows = _log_of(admin).rows(1)
    if not rows:
        why = _log_of(admin).problem or "there are none yet"
        raise Problem(404, f"No configuration in the log: {why}.", kind=UNKNOWN_CONFIG)
    return rows[0]


def _newest_number(admin: AdminContext) -> int | None:
    rows = admin.config_log.rows(1) if admin.config_log is not None else []
    return rows[0].number if rows else None


def _concerns(row: ConfigRow, breaker: str) -> bool:
    """Return True if a configuration has changed settings of that breaker, or of the root."""
    for each in row.changes or ():
        first = each.key[0]
        if first == BREAKERS:
            if each.key[1:2] == (breaker,):
                return True
        elif first not in FOREIGN_SECTIONS:
            return True
    return False
