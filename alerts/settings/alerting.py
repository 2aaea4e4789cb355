"""The settings of `[opsgenie]`, with go-breaker's names, and of `[alerts]`."""

import os
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from breakerd.alerts.model.stage import Priority
from breakerd.alerts.settings.inhibition import InhibitionSettings
from breakerd.alerts.settings.maintenance import MaintenanceSettings
from breakerd.alerts.settings.receivers import SinksSettings
from breakerd.alerts.settings.secrets import Secrets
from breakerd.breaker.config import Document, validate
from breakerd.breaker.errors import ConfigError
from breakerd.breaker.settings import SettingsModel, setting

SECTION = "opsgenie"
OURS = "alerts"

_FROM_ENVIRONMENT = {
    "OPSGENIE_REGION": "region",
    "OPSGENIE_API_URL": "api_url",
    "Environment": "environment",
}
"""Environment variable -> key of `[opsgenie]`. The variable wins over the file."""


class ContactDetails(SettingsModel):
    """Whom to ask (`[opsgenie.contact_details]`); shown in the alert."""

    primary_contact: str = setting("", "Person or list to ask first.")
    escalation_team: str = setting("", "Team to turn to next.")
    slack_channel: str = setting("", "Where it is talked about.")
    phone_number: str = setting("", "Number for emergencies.")
    additional_emails: tuple[str, ...] = setting((), "Others to write to.", strict=False)


class EnvironmentPolicy(SettingsModel):
    """What differs in one environment (`[opsgenie.environment_settings.NAME]`)."""

    enabled: bool = setting(True, "Whether this environment sends alerts.")
    priority: Priority | None = setting(None, "Replaces `priority` in this environment.")


class OpsGenieSettings(SettingsModel):
    """Whom to page, when, and with what (`[opsgenie]`)."""

    enabled: bool = setting(False, "Whether alerts are sent to OpsGenie.")
    api_key: SecretStr | None = setting(
        None, "Key of the API integration; better set as OPSGENIE_API_KEY.", strict=False
    )
    api_key_file: str | None = setting(
        None,
        "File that holds the key; read again when it changes. OPSGENIE_API_KEY_FILE wins over it.",
    )
    flavour: Literal["opsgenie", "jsm"] = setting(
        "opsgenie",
        "Which product takes the alerts: OpsGenie, or an integration of Jira Service Management, "
        "which replaces it on 5 April 2027.",
    )
    min_priority: Priority = setting(
        "P5", "It hears only of incidents that are at least this urgent."
    )
    heartbeat: str = setting(
        "",
        "Name of a heartbeat that is pinged as long as alerts can leave. Empty: none.",
        max_length=200,
    )
    region: Literal["us", "eu"] = setting("us", "Where the account is hosted.")
    api_url: str | None = setting(
        None, "Replaces the region's address.", pattern=r"^(https?://[^\s/?#@]+(/[^\s?#]*)?)?$"
    )
    priority: Priority = setting("P3", "Priority of alerts that have no stages.")
    source: str = setting("breakerd", "Source shown in the alert.", min_length=1, max_length=100)
    tags: tuple[str, ...] = setting(
        (), "Tags of every alert, as `key:value`; at most 50 characters each count.", strict=False
    )
    use_environments: bool = setting(False, "Whether `environment_settings` are looked at.")
    environment_settings: dict[str, EnvironmentPolicy] = Field(
        default_factory=dict, description="By environment: whether it sends, and its priority."
    )
    trigger_on_breaker_open: bool = setting(True, "Alert when a breaker opens.")
    trigger_on_breaker_reset: bool = setting(
        True, "Note and close the alert when it is over. Off: people close it."
    )
    trigger_on_memory_threshold: bool = setting(True, "Alert when memory crosses its threshold.")
    trigger_on_latency_threshold: bool = setting(True, "Alert when latency crosses its threshold.")
    trigger_on_trouble: bool = setting(
        True,
        "Alert when the stated service level is missed, calls are not as they usually are, or a "
        "threshold of `[load]` is crossed.",
    )
    trouble_priority: Priority = setting(
        "P4", "Priority of such an alert, as long as nothing weightier joins it."
    )
    include_latency_metrics: bool = setting(True, "Put latency into the alert.")
    include_memory_metrics: bool = setting(True, "Put memory into the alert.")
    include_system_info: bool = setting(True, "Put host, process and versions into the alert.")
    alert_cooldown_seconds: int = setting(
        300,
        "Shortest time between two alerts for one breaker and kind of event. Holds back, "
        "never drops.",
        unit="s",
        ge=0,
        le=86400,
    )
    time_before_send_alert: int = setting(
        0,
        "How long an incident lasts before its priority is raised. 0: one stage, at `priority`.",
        unit="s",
        ge=0,
        le=86400,
    )
    initial_alert_priority: Priority = setting("P3", "Priority of the first stage.")
    escalated_alert_priority: Priority = setting("P1", "Priority of the second stage.")
    team: str = setting("", "Team that is paged, as it is called in OpsGenie. Mandatory.")
    environment: str = setting("", "DEV, UAT, PROD … Mandatory.", max_length=20)
    bookmaker_id: str = setting("", "Project or client. Mandatory.", max_length=50)
    project_id: str = setting("", "Other name of `bookmaker_id`.", max_length=50)
    hostname: str = setting("", "Host shown in the alert. Mandatory; found out if not given.")
    host_override: str = setting("", "Wins over `hostname`.")
    business: str = setting("", "Business unit. Mandatory; `internal` if not given.")
    business_unit: str = setting("", "Other name of `business`.")
    additional_context: str = setting("", "Anything else worth a tag and a detail.")
    api_namespace: str = setting("", "Namespace of the service.")
    api_name: str = setting("", "Name of the service.")
    api_version: str = setting("", "Version of the service.")
    api_owner: str = setting("", "Who is responsible for the service.")
    api_dependencies: tuple[str, ...] = setting((), "What it depends on.", strict=False)
    api_endpoints: tuple[str, ...] = setting((), "What it offers.", strict=False)
    api_description: str = setting("", "What it is for.")
    api_priority: str = setting("", "How important it is, in words.")
    service_tier: str = setting("", "Its tier, in words.")
    contact_details: ContactDetails = Field(
        default=ContactDetails(), description=ContactDetails.__doc__
    )
    api_custom_attributes: dict[str, str] = Field(
        default_factory=dict, description="Anything else, each entry a detail of the alert."
    )

    @field_validator("api_key")
    @classmethod
    def _can_be_sent(cls, key: SecretStr | None) -> SecretStr | None:
        """A key from a mounted secret often ends in a line feed; an empty one is none."""
        value = key.get_secret_value().strip() if key else ""
        if not re.fullmatch(r"[!-~]*", value):
            raise ValueError("letters, digits and signs of ASCII, without spaces")
        return SecretStr(value) if value else None

    @field_validator("api_url")
    @classmethod
    def _has_a_port_that_exists(cls, url: str | None) -> str | None:
        try:
            # Reading the port is what checks it.
            _ = urlsplit(url or "").port
        except ValueError:
            raise ValueError("an address whose port, if given, is 0 to 65535") from None
        return url or None

    @property
    def active(self) -> bool:
        """True if alerts are sent to OpsGenie in the present environment."""
        policy = self._environment_policy()
        return self.enabled and (policy is None or policy.enabled)

    @property
    def effective_priority(self) -> Priority:
        """Priority of alerts without stages in the present environment."""
        policy = self._environment_policy()
        return policy.priority if policy and policy.priority else self.priority

    def _environment_policy(self) -> EnvironmentPolicy | None:
        if not self.use_environments:
            return None
        wanted = self.environment.casefold()
        policies = self.environment_settings.items()
        return next((policy for name, policy in policies if name.casefold() == wanted), None)


class StageSettings(SettingsModel):
    """One stage of an incident (an entry of `[alerts] stages`)."""

    after: float = setting(
        0.0, "How long after the incident began to be told.", unit="s", ge=0, le=604_800
    )
    priority: Priority = setting("P3", "Priority from then on.")
    responders: tuple[str, ...] = setting(
        (),
        "Whom to tell beside the team: `team:NAME`, `user:NAME`, `escalation:NAME`, "
        "`schedule:NAME`.",
        strict=False,
    )

    @field_validator("responders")
    @classmethod
    def _of_known_types(cls, responders: tuple[str, ...]) -> tuple[str, ...]:
        for responder in responders:
            if not re.fullmatch(r"(team|user|escalation|schedule):\S.*", responder):
                raise ValueError("team:NAME, user:NAME, escalation:NAME or schedule:NAME")
        return responders


class AlertsSettings(SettingsModel):
    """How incidents are kept and delivered (`[alerts]`)."""

    database: str = setting("var/breakerd.db", "File in which incidents are kept.", min_length=1)
    quiet_time: float = setting(
        30.0,
        "How long a breaker must stay well before its incident is closed; opening again within it "
        "goes on with the same one.",
        unit="s",
        ge=0,
        le=86400,
    )
    stages: tuple[StageSettings, ...] = setting(
        (),
        "The stages of an incident, each with `after` (s), `priority` and, if wanted, "
        "`responders`; the first with `after = 0`, each later than the one before. Empty: the two "
        "of `[opsgenie]`.",
        strict=False,
    )
    missed_incidents: Literal["tell", "drop"] = setting(
        "tell",
        "What becomes of an incident that was due and is over before a receiver could be told: "
        "one late alert that is closed at once, or nothing.",
    )
    closed_by_people: Literal["respect", "reopen"] = setting(
        "respect",
        "What happens when somebody closes an alert whose cause goes on: it stays closed, or is "
        "opened once more after `reopen_after`.",
    )
    reopen_after: float = setting(1800.0, "See `closed_by_people`.", unit="s", ge=0, le=604_800)
    remind_after: float = setting(
        900.0,
        "When an alert gets its first note that it is still open; each pause is twice the one "
        "before, up to 6 h. 0: never.",
        unit="s",
        ge=0,
        le=86400,
    )
    group_window: float = setting(
        30.0,
        "Breakers that get into trouble of the same kind within this time of each other are told "
        "in one alert. 0: each in its own.",
        unit="s",
        ge=0,
        le=3600,
    )
    maintenance: dict[str, MaintenanceSettings] = Field(
        default_factory=dict, description=MaintenanceSettings.__doc__
    )
    memory_explains: bool = setting(
        True,
        "Whether an incident that is about memory holds back those about latency and the service "
        "level of the same process, until it is over.",
    )
    inhibition: dict[str, InhibitionSettings] = Field(
        default_factory=dict, description=InhibitionSettings.__doc__
    )
    fallback_after: float = setting(
        120.0,
        "How long an alert may be undelivered before the sinks that are a fallback are told.",
        unit="s",
        ge=0,
        le=86400,
    )
    request_timeout: float = setting(
        10.0, "Longest wait for an answer of a receiver.", unit="s", gt=0, le=300
    )
    retry_limit: float = setting(
        60.0, "Longest pause between two attempts of a delivery.", unit="s", ge=1, le=3600
    )
    sinks: SinksSettings = Field(default=SinksSettings(), description=SinksSettings.__doc__)
    attach_chart: bool = setting(
        True,
        "Whether a picture of the latest calls is attached, where the receiver takes one and the "
        "extra `plot` is installed.",
    )
    dashboard_url: str = setting("", "Link to the dashboard, put into alerts.")
    runbook_url: str = setting("", "Link to what to do, put into alerts.")

    @field_validator("stages")
    @classmethod
    def _rising(cls, stages: tuple[StageSettings, ...]) -> tuple[StageSettings, ...]:
        times = [stage.after for stage in stages]
        if stages and (times[0] != 0 or sorted(set(times)) != times):
            raise ValueError("stages whose first is at `after = 0`, and each later than the last")
        return stages


@dataclass(frozen=True, slots=True)
class AlertingSettings:
    """All settings of this package, the environment taken into account."""

    opsgenie: OpsGenieSettings = OpsGenieSettings()  # noqa: RUF009 - frozen
    alerts: AlertsSettings = AlertsSettings()  # noqa: RUF009 - frozen


def read_settings(
    document: Document | None, environ: Mapping[str, str] = os.environ
) -> AlertingSettings:
    """The settings of a file, or the defaults, with the environment and secret files over them.

    Raises:
        ConfigError: every problem in the two sections, in the variables and in secret files.
    """
    data: Mapping[str, Any] = document.data if document else {}
    secrets = secrets_of(document, environ)
    problems = list(secrets.problems)
    for name, model in ((SECTION, OpsGenieSettings), (OURS, AlertsSettings)):
        try:
            validate(model, data.get(name, {}), document=document, prefix=(name,))
        except ConfigError as error:
            problems += error.problems
    variables = _variables(environ)
    try:
        validate(OpsGenieSettings, variables, where="environment")
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(problems)
    whole = _with_secrets({SECTION: data.get(SECTION, {}), OURS: data.get(OURS, {})}, secrets)
    return AlertingSettings(
        validate(OpsGenieSettings, whole[SECTION] | variables, where="environment"),
        validate(AlertsSettings, whole[OURS], prefix=(OURS,), where="environment"),
    )


def secrets_of(document: Document | None, environ: Mapping[str, str] = os.environ) -> Secrets:
    """The secrets that stand outside that file."""
    return Secrets(document.data if document else {}, environ)


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    found = {
        key: environ[name].strip()
        for name, key in _FROM_ENVIRONMENT.items()
        if environ.get(name, "").strip()
    }
    return found | ({"region": found["region"].lower()} if "region" in found else {})


def _with_secrets(data: dict[str, Any], secrets: Secrets) -> dict[str, Any]:
    """A copy of `data` with the secrets where they belong."""
    whole = deepcopy(data)
    for path, value in secrets.values.items():
        *tables, key = path
        table = whole
        for name in tables:
            table = table[name]
        table[key] = value
    return whole
