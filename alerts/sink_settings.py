"""The settings of receivers beside OpsGenie: `[alerts.sinks.TYPE.NAME]`."""

from pydantic import Field, SecretStr, field_validator

from alerts.priority import Priority
from breaker.settings import SettingsModel, setting

_ADDRESS = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"


class SinkSettings(SettingsModel):
    """What all receivers have in common."""

    enabled: bool = setting(True, "Whether it is told.")
    min_priority: Priority = setting(
        "P5", "It hears only of incidents that are at least this urgent."
    )
    fallback: bool = setting(
        False,
        "Told only what no other receiver has confirmed: after `fallback_after`, or at once where "
        "all others refuse their key.",
    )


class JsmSettings(SinkSettings):
    """Jira Service Management, through an integration (`[alerts.sinks.jsm.NAME]`)."""

    key: SecretStr | None = setting(
        None, "Key of the integration; better BREAKERD_JSM_NAME_KEY or `key_file`.", strict=False
    )
    key_file: str | None = setting(None, "File that holds the key; read again when it changes.")
    api_url: str | None = setting(None, "Replaces Atlassian's address.", pattern=_ADDRESS)


class JsmOpsSettings(SinkSettings):
    """Jira Service Management, through the Operations API (`[alerts.sinks.jsm_ops.NAME]`)."""

    cloud_id: str = setting(..., "Id of the site.", min_length=1)
    user: str = setting(..., "E-mail address of the user that the token belongs to.", min_length=1)
    key: SecretStr | None = setting(
        None, "API token; better BREAKERD_JSM_OPS_NAME_KEY or `key_file`.", strict=False
    )
    key_file: str | None = setting(None, "File that holds the token; read again when it changes.")
    responders: tuple[str, ...] = setting(
        (), "Whom to tell: `team:ID`, `user:ID`, `escalation:ID`, `schedule:ID`.", strict=False
    )
    api_url: str | None = setting(None, "Replaces Atlassian's address.", pattern=_ADDRESS)


class PagerDutySettings(SinkSettings):
    """PagerDuty's Events API v2 (`[alerts.sinks.pagerduty.NAME]`)."""

    key: SecretStr | None = setting(
        None, "Routing key; better BREAKERD_PAGERDUTY_NAME_KEY or `key_file`.", strict=False
    )
    key_file: str | None = setting(None, "File that holds the key; read again when it changes.")
    api_url: str | None = setting(
        None, "Replaces https://events.pagerduty.com, for the EU for instance.", pattern=_ADDRESS
    )


class WebhookSettings(SinkSettings):
    """An HTTP endpoint of one's own (`[alerts.sinks.webhook.NAME]`)."""

    url: SecretStr | None = setting(
        None, "Where to POST; better BREAKERD_WEBHOOK_NAME_URL or `url_file`.", strict=False
    )
    url_file: str | None = setting(None, "File that holds the address.")
    key: SecretStr | None = setting(
        None, "What to sign with; better BREAKERD_WEBHOOK_NAME_KEY or `key_file`.", strict=False
    )
    key_file: str | None = setting(None, "File that holds the key; read again when it changes.")
    headers: dict[str, SecretStr] = Field(
        default_factory=dict, description="Headers to send as well.", strict=False
    )
    template: str = setting(
        "", "The body, with `$NAME` for what is to be filled in. Empty: breakerd's own form."
    )

    @field_validator("template")
    @classmethod
    def _can_be_filled_in(cls, template: str) -> str:
        # Imported here, since sinks need settings.
        from alerts.sinks.webhook import template_problem  # noqa: PLC0415

        if problem := template_problem(template):
            raise ValueError(problem)
        return template


class SlackSettings(SinkSettings):
    """An incoming webhook of Slack or Mattermost (`[alerts.sinks.slack.NAME]`)."""

    url: SecretStr | None = setting(
        None, "The webhook; better BREAKERD_SLACK_NAME_URL or `url_file`.", strict=False
    )
    url_file: str | None = setting(None, "File that holds the webhook.")


class AppriseSettings(SinkSettings):
    """Whatever the package apprise knows (`[alerts.sinks.apprise.NAME]`)."""

    url: SecretStr | None = setting(
        None,
        "apprise's addresses, with spaces between them; better BREAKERD_APPRISE_NAME_URL or "
        "`url_file`.",
        strict=False,
    )
    url_file: str | None = setting(None, "File that holds the addresses.")
    notes: bool = setting(False, "Whether notes are sent as well.")


class SinksSettings(SettingsModel):
    """Receivers beside OpsGenie, each under a name of its own (`[alerts.sinks]`)."""

    jsm: dict[str, JsmSettings] = Field(default_factory=dict, description=JsmSettings.__doc__)
    jsm_ops: dict[str, JsmOpsSettings] = Field(
        default_factory=dict, description=JsmOpsSettings.__doc__
    )
    pagerduty: dict[str, PagerDutySettings] = Field(
        default_factory=dict, description=PagerDutySettings.__doc__
    )
    webhook: dict[str, WebhookSettings] = Field(
        default_factory=dict, description=WebhookSettings.__doc__
    )
    slack: dict[str, SlackSettings] = Field(default_factory=dict, description=SlackSettings.__doc__)
    apprise: dict[str, AppriseSettings] = Field(
        default_factory=dict, description=AppriseSettings.__doc__
    )

    def named(self) -> dict[str, SinkSettings]:
        """Every one that is switched on, by `TYPE.NAME`."""
        return {
            f"{kind}.{name}": sink
            for kind in type(self).model_fields
            for name, sink in getattr(self, kind).items()
            if sink.enabled
        }
