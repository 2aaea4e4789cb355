"""Settings of OpsGenie (`[opsgenie]`), with go-breaker's names."""

from typing import Final, Literal

from pydantic import Field, SecretStr, field_validator

from breakerd.alerts.model.stage import Priority
from breakerd.alerts.settings.field_types import check_header_token, check_port
from breakerd.breaker.settings import SettingsModel, setting

_STAGE_KEYS: Final = frozenset(
    {"time_before_send_alert", "initial_alert_priority", "escalated_alert_priority"}
)


class ContactDetails(SettingsModel):
    """Contacts shown in the alert (`[opsgenie.contact_details]`)."""

    primary_contact: str = setting("", "Person or list to contact first.")
    escalation_team: str = setting("", "Team to contact next.")
    slack_channel: str = setting("", "Slack channel of the service.")
    phone_number: str = setting("", "Emergency phone number.")
    additional_emails: tuple[str, ...] = setting(
        (), "Further e-mail addresses, shown in the alert. Nothing is sent to them.", strict=False
    )


class EnvironmentPolicy(SettingsModel):
    """Overrides for one environment (`[opsgenie.environment_settings.NAME]`)."""

    enabled: bool = setting(True, "Send alerts from this environment.")
    priority: Priority | None = setting(None, "Replaces `priority` in this environment.")


class OpsGenieSettings(SettingsModel):
    """Recipients, triggers and content of alerts (`[opsgenie]`)."""

    enabled: bool = setting(False, "Send alerts to OpsGenie.")
    api_key: SecretStr | None = setting(
        None, "Key of the API integration; better set as OPSGENIE_API_KEY.", strict=False
    )
    api_key_file: str | None = setting(
        None,
        "File that holds the key; read again when it changes. OPSGENIE_API_KEY_FILE wins over it.",
    )
    flavour: Literal["opsgenie", "jsm"] = setting(
        "opsgenie",
        "Product that receives the alerts: OpsGenie, or an integration of Jira Service Management, "
        "which replaces it on 5 April 2027.",
    )
    min_priority: Priority = setting(
        "P5", "Lowest priority that is sent to it; P5 sends every incident."
    )
    heartbeat: str = setting(
        "",
        "Name of a heartbeat that is pinged while alerts can be delivered. Empty: none.",
        max_length=200,
    )
    region: Literal["us", "eu"] = setting("us", "Region that hosts the account.")
    api_url: str | None = setting(
        None, "Replaces the region's address.", pattern=r"^(https?://[^\s/?#@]+(/[^\s?#]*)?)?$"
    )
    priority: Priority = setting(
        "P3",
        "Priority at which an alert begins. If a key of the two stages is set, and "
        "`time_before_send_alert` is 0: its only priority.",
    )
    source: str = setting("breakerd", "Source shown in the alert.", min_length=1, max_length=100)
    tags: tuple[str, ...] = setting(
        (), "Tags of every alert, as `key:value`; at most 50 characters each count.", strict=False
    )
    use_environments: bool = setting(False, "Apply `environment_settings`.")
    environment_settings: dict[str, EnvironmentPolicy] = Field(
        default_factory=dict, description="Overrides by environment: whether it sends, priority."
    )
    trigger_on_breaker_open: bool = setting(True, "Alert when a breaker opens.")
    trigger_on_breaker_reset: bool = setting(
        True, "Add a note and close the alert when the incident is over. Off: people close it."
    )
    trigger_on_memory_threshold: bool = setting(True, "Alert when memory crosses its threshold.")
    trigger_on_latency_threshold: bool = setting(True, "Alert when latency crosses its threshold.")
    trigger_on_degraded: bool = setting(
        True,
        "Alert when a breaker is degraded: it misses its service level, calls are anomalous, or a "
        "threshold of `[load]` is crossed.",
    )
    degraded_priority: Priority = setting(
        "P4",
        "Priority of an alert about a degraded breaker that burns little of its error budget and "
        "sheds few calls; see `[alerts] degraded_stages`.",
    )
    include_latency_metrics: bool = setting(True, "Include latency in the alert.")
    include_memory_metrics: bool = setting(True, "Include memory in the alert.")
    include_system_info: bool = setting(True, "Include host, process and versions in the alert.")
    alert_cooldown_seconds: int = setting(
        300,
        "Minimum time between two alerts for one breaker and kind of event. Delays alerts, never "
        "drops them.",
        unit="s",
        ge=0,
        le=86400,
    )
    time_before_send_alert: int = setting(
        0,
        "Duration of an incident after which its priority is raised from "
        "`initial_alert_priority` to `escalated_alert_priority`. 0: one stage, at `priority`. If "
        "none of the three is set, alerts have the stages of `[alerts] stages`.",
        unit="s",
        ge=0,
        le=86400,
    )
    initial_alert_priority: Priority = setting("P3", "Priority of the first of two stages.")
    escalated_alert_priority: Priority = setting("P1", "Priority of the second of two stages.")
    team: str = setting("", "Team that is paged, by its name in OpsGenie. Mandatory.")
    environment: str = setting("", "DEV, UAT, PROD … Mandatory.", max_length=20)
    bookmaker_id: str = setting("", "Project or client. Mandatory.", max_length=50)
    project_id: str = setting("", "Alias of `bookmaker_id`.", max_length=50)
    hostname: str = setting("", "Host shown in the alert. Mandatory; detected if empty.")
    host_override: str = setting("", "Wins over `hostname`.")
    business: str = setting("", "Business unit. Mandatory; `internal` if empty.")
    business_unit: str = setting("", "Alias of `business`.")
    additional_context: str = setting("", "Further text for a tag and a detail.")
    api_namespace: str = setting("", "Namespace of the service.")
    api_name: str = setting("", "Name of the service.")
    api_version: str = setting("", "Version of the service.")
    api_owner: str = setting("", "Owner of the service.")
    api_dependencies: tuple[str, ...] = setting((), "Dependencies of the service.", strict=False)
    api_endpoints: tuple[str, ...] = setting((), "Endpoints of the service.", strict=False)
    api_description: str = setting("", "Purpose of the service.")
    api_priority: str = setting("", "Importance of the service, as text.")
    service_tier: str = setting("", "Tier of the service, as text.")
    contact_details: ContactDetails = Field(
        default=ContactDetails(), description=ContactDetails.__doc__
    )
    api_custom_attributes: dict[str, str] = Field(
        default_factory=dict, description="Further details of the alert, one for each entry."
    )

    @property
    def active(self) -> bool:
        """True if alerts are sent to OpsGenie in the configured environment."""
        policy = self._environment_policy
        return self.enabled and (policy is None or policy.enabled)

    @property
    def effective_priority(self) -> Priority:
        """Priority of alerts without stages, in the configured environment."""
        policy = self._environment_policy
        return policy.priority if policy and policy.priority else self.priority

    @property
    def has_two_stages(self) -> bool:
        """True if a key of go-breaker's stages is set: the stages are go-breaker's then."""
        return not _STAGE_KEYS.isdisjoint(self.model_fields_set)

    @property
    def _environment_policy(self) -> EnvironmentPolicy | None:
        if not self.use_environments:
            return None
        wanted = self.environment.casefold()
        found = (
            policy
            for name, policy in self.environment_settings.items()
            if name.casefold() == wanted
        )
        return next(found, None)

    @field_validator("api_key")
    @classmethod
    def _check_key(cls, key: SecretStr | None) -> SecretStr | None:
        """Strip the line feed that mounted secrets often end with; turn an empty key into None."""
        value = key.get_secret_value().strip() if key else ""
        check_header_token(value)
        return SecretStr(value) if value else None

    @field_validator("api_url")
    @classmethod
    def _check_api_url(cls, url: str | None) -> str | None:
        check_port(url or "")
        return url or None
