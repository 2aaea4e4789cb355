"""Settings of `[alerts]`, and how all settings of this package are read."""

import os
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, Field, field_validator

from breakerd.alerts.model.stage import Priority
from breakerd.alerts.settings.checks.label_check import check_labels
from breakerd.alerts.settings.go_breaker import accept
from breakerd.alerts.settings.inhibition import InhibitionSettings
from breakerd.alerts.settings.maintenance import MaintenanceSettings
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.alerts.settings.receivers import ReceiversSettings
from breakerd.alerts.settings.secrets import read_secrets
from breakerd.alerts.settings.texts import RUNBOOK, TemplatesSettings, check_runbook_url
from breakerd.breaker.config import ConfigWarning, Document, Key, ValidationCache, validate
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.settings import SettingsModel, setting

M = TypeVar("M", bound=BaseModel)

OPSGENIE_SECTION: Final = "opsgenie"
ALERTS_SECTION: Final = "alerts"

_ENVIRONMENT: Final = "environment"
_CACHE: Final = ValidationCache()
"""Sections that were read last, so that one that did not change is not validated again."""

FROM_ENVIRONMENT: Final = {
    "OPSGENIE_REGION": "region",
    "OPSGENIE_API_URL": "api_url",
    "Environment": "environment",
}
"""Environment variable -> key of `[opsgenie]`. The variable wins over the file."""


class StageSettings(SettingsModel):
    """One stage of an incident (an entry of `[alerts] stages`)."""

    after: float = setting(
        0.0, "Time between the first alert and this stage.", unit="s", ge=0, le=604_800
    )
    priority: Priority = setting("P3", "Priority from then on.")
    responders: tuple[str, ...] = setting(
        (),
        "Responders beside the team: `team:NAME`, `user:NAME`, `escalation:NAME`, `schedule:NAME`.",
        shown=True,
        strict=False,
    )

    @field_validator("responders")
    @classmethod
    def _check_types(cls, responders: tuple[str, ...]) -> tuple[str, ...]:
        for responder in responders:
            if not re.fullmatch(r"(team|user|escalation|schedule):\S.*", responder):
                raise ValueError("team:NAME, user:NAME, escalation:NAME or schedule:NAME")
        return responders


class AlertsSettings(SettingsModel):
    """Storage and delivery of incidents (`[alerts]`)."""

    database: str = setting("var/breakerd.db", "File that stores incidents.", min_length=1)
    resolve_after: float = setting(
        30.0,
        "How long a breaker must stay healthy before its incident is closed; a breaker that opens "
        "again within this time continues the same incident.",
        unit="s",
        ge=0,
        le=86400,
    )
    stages: tuple[StageSettings, ...] = setting(
        (),
        "Stages of an incident, each with `after` (s), `priority` and optional `responders`, in "
        "ascending order of `after`, the first with `after = 0`. Empty: those of `[opsgenie]`; "
        "if that sets none, P3, after 60 s P2 and after 300 s P1, or from its `priority` on one "
        "more urgent after 60 s and P1 after 300 s.",
        strict=False,
    )
    degraded_stages: tuple[StageSettings, ...] = setting(
        (),
        "Stages of an incident about a degraded breaker, in the form of `stages`. Empty: as an "
        "open breaker if the error budget burns 14.4 times too fast or 10 % of the calls are "
        "shed, one priority lower from 6 times on, else `degraded_priority`.",
        strict=False,
    )
    degraded_after: float = setting(
        60.0,
        "How long a degraded breaker that is less severe than an open one must stay so before "
        "people are notified; at once if it gets as severe. Not for `degraded_stages`. 0: never "
        "waits.",
        unit="s",
        ge=0,
        le=86400,
    )
    on_missed_incident: Literal["notify", "drop"] = setting(
        "notify",
        "Handling of an incident that was due and ended before a receiver could be reached: send "
        "one late alert that is closed at once, or nothing.",
    )
    on_manual_close: Literal["respect", "reopen"] = setting(
        "reopen",
        "Handling of an alert that somebody closes while its cause persists: open it once more "
        "after `reopen_after`, or keep it closed (`respect`).",
    )
    reopen_after: float = setting(1800.0, "See `on_manual_close`.", unit="s", ge=0, le=604_800)
    remind_after: float = setting(
        3600.0,
        "Time until an alert gets its first note that it is still open; each later pause is twice "
        "the one before, up to 6 h. 0: never.",
        unit="s",
        ge=0,
        le=86400,
    )
    group_window: float = setting(
        30.0,
        "Breakers that raise an alert of the same kind within this time of each other share one "
        "alert. 0: one alert each.",
        unit="s",
        ge=0,
        le=3600,
    )
    maintenance: dict[str, MaintenanceSettings] = Field(
        default_factory=dict, description=MaintenanceSettings.__doc__
    )
    inhibit_latency_on_memory: bool = setting(
        True,
        "Mute incidents about latency and the service level while an incident about memory is "
        "open in the same process.",
    )
    inhibition: dict[str, InhibitionSettings] = Field(
        default_factory=dict, description=InhibitionSettings.__doc__
    )
    fallback_after: float = setting(
        120.0,
        "How long an alert may be undelivered before the fallback receivers get it.",
        unit="s",
        ge=0,
        le=86400,
    )
    request_timeout: float = setting(
        10.0, "Maximum time for a complete request to a receiver.", unit="s", gt=0, le=300
    )
    retry_limit: float = setting(
        60.0, "Maximum pause between two attempts of a delivery.", unit="s", ge=1, le=3600
    )
    receivers: ReceiversSettings = Field(
        default=ReceiversSettings(), description=ReceiversSettings.__doc__
    )
    attach_chart: bool = setting(
        True,
        "Attach a picture of the last 15 minutes if the receiver accepts one.",
    )
    dashboard_url: str = setting("", "Link to the dashboard, included in alerts.")
    runbook_url: str = setting(
        RUNBOOK,
        "Link to the runbook, included in alerts. `{breaker}`, `{kind}` and `{topic}` (the section "
        "of the project's page, such as `open-by-latency`) are filled in. Empty: none.",
    )
    templates: TemplatesSettings = Field(
        default=TemplatesSettings(), description=TemplatesSettings.__doc__
    )

    @field_validator("runbook_url")
    @classmethod
    def _check_runbook(cls, url: str) -> str:
        return check_runbook_url(url)

    @field_validator("stages", "degraded_stages")
    @classmethod
    def _check_order(cls, stages: tuple[StageSettings, ...]) -> tuple[StageSettings, ...]:
        times = [stage.after for stage in stages]
        if stages and (times[0] != 0 or sorted(set(times)) != times):
            raise ValueError("stages in ascending order of `after`, the first with after = 0")
        return stages


@dataclass(frozen=True, slots=True)
class AlertingSettings:
    """All settings of this package, with the environment applied."""

    opsgenie: OpsGenieSettings = OpsGenieSettings()  # noqa: RUF009 - frozen
    alerts: AlertsSettings = AlertsSettings()  # noqa: RUF009 - frozen
    warnings: tuple[ConfigWarning, ...] = field(default=(), compare=False)
    """Values of the file that were tolerated."""
    public_url: str = ""
    """Address of breakerd's own pages, `[api] public_url`, without a slash at its end."""


def read_settings(
    document: Document | None, environ: Mapping[str, str] = os.environ
) -> AlertingSettings:
    """Return the settings of a file, with the environment and secret files applied.

    Args:
        document: the parsed file; None for the defaults.
        environ: environment variables.

    Raises:
        ConfigError: every problem in the two sections, the variables and the secret files.
    """
    own, warnings = accept(document) if document else ({}, [])
    data: Mapping[str, Any] = {**(document.data if document else {}), OPSGENIE_SECTION: own}
    secrets = read_secrets(document, environ)
    problems = list(secrets.problems)
    outside = secrets.values | {
        (OPSGENIE_SECTION, key): value for key, value in _variables(environ).items()
    }
    opsgenie, alerts = OpsGenieSettings(), AlertsSettings()
    try:
        opsgenie = _read_section(OpsGenieSettings, OPSGENIE_SECTION, data, outside, document)
    except ConfigError as error:
        problems += error.problems
    try:
        alerts = _read_section(AlertsSettings, ALERTS_SECTION, data, outside, document)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: problem.where == _ENVIRONMENT))
    _CACHE.keep([opsgenie, alerts])
    if document:
        warnings += check_labels(document, opsgenie, alerts.maintenance, alerts.inhibition)
    return AlertingSettings(opsgenie, alerts, tuple(warnings), _public_url(data))


def _public_url(data: Mapping[str, Any]) -> str:
    """Return the one key of `[api]` that alerts need; whoever serves that section checks it."""
    section = data.get("api")
    url = section.get("public_url", "") if isinstance(section, Mapping) else ""
    return url.rstrip("/") if isinstance(url, str) else ""


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    found = {
        key: environ[name].strip()
        for name, key in FROM_ENVIRONMENT.items()
        if environ.get(name, "").strip()
    }
    return found | ({"region": found["region"].lower()} if "region" in found else {})


def _read_section(
    model: type[M],
    section: str,
    data: Mapping[str, Any],
    outside: Mapping[Key, str],
    document: Document | None,
) -> M:
    """Return a section of `data` with the values from outside the file in it.

    Raises:
        ConfigError: every problem in it; `where` is "environment" for values from outside.
    """
    values = {path: value for path, value in outside.items() if path[0] == section}
    own = data.get(section, {})
    whole, replaced = _with_values(own, [(path[1:], value) for path, value in values.items()])
    if replaced:
        # A value from outside does not excuse an invalid one in the file.
        validate(model, own, document=document, prefix=(section,))
    try:
        return _CACHE.validate(model, whole, document=document, prefix=(section,))
    except ConfigError as error:
        keys = {".".join(path) for path in values}
        raise ConfigError(
            [_from_outside(each) if each.key in keys else each for each in error.problems]
        ) from None


def _from_outside(problem: ConfigProblem) -> ConfigProblem:
    key = problem.key.removeprefix(f"{OPSGENIE_SECTION}.")
    return replace(problem, where=_ENVIRONMENT, line=0, key=key)


def _with_values(data: Any, values: Iterable[tuple[Key, str]]) -> tuple[Any, bool]:
    """Return a copy of `data` with the values in it, and True if one replaces another.

    A value below something that is no table is left out; validation reports that.
    """
    whole, replaced = deepcopy(data), False
    for (*tables, key), value in values:
        table = whole
        for name in tables:
            table = table.get(name) if isinstance(table, dict) else None
        if isinstance(table, dict):
            replaced = replaced or key in table
            table[key] = value
    return whole, replaced
