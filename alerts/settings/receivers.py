"""Settings of receivers beside OpsGenie: `[alerts.receivers.TYPE.NAME]`."""

from pydantic import Field, SecretStr, field_validator

from breakerd.alerts.model.stage import Priority
from breakerd.alerts.settings.field_types import (
    HTTP_URL,
    Day,
    HeaderName,
    HeaderValue,
    Key,
    Name,
    SecretUrl,
    check_port,
)
from breakerd.alerts.settings.template import template_problem
from breakerd.breaker.settings import SettingsModel, setting


class ReceiverSettings(SettingsModel):
    """Settings that all receivers share."""

    enabled: bool = setting(True, "Send alerts to this receiver.")
    min_priority: Priority = setting(
        "P5", "Lowest priority that is sent to it; P5 sends every incident."
    )
    fallback: bool = setting(
        False,
        "Send it only what no other receiver has confirmed: after `fallback_after`, or at once if "
        "all others reject their key.",
    )

    @field_validator("api_url", check_fields=False)
    @classmethod
    def _check_api_url(cls, url: str | None) -> str | None:
        check_port(url or "")
        return url


class JsmSettings(ReceiverSettings):
    """Jira Service Management through an integration (`[alerts.receivers.jsm.NAME]`)."""

    key: Key | None = setting(
        None, "Key of the integration; better BREAKERD_JSM_NAME_KEY or `key_file`.", strict=False
    )
    key_file: str | None = setting(None, "File that holds the key; read again when it changes.")
    api_url: str | None = setting(None, "Replaces Atlassian's address.", pattern=HTTP_URL)


class JsmOpsSettings(ReceiverSettings):
    """Jira Service Management through the Operations API (`[alerts.receivers.jsm_ops.NAME]`)."""

    cloud_id: str = setting(..., "Id of the site.", min_length=1)
    user: str = setting(..., "E-mail address of the user that owns the token.", min_length=1)
    key: Key | None = setting(
        None, "API token; better BREAKERD_JSM_OPS_NAME_KEY or `key_file`.", strict=False
    )
    key_file: str | None = setting(None, "File that holds the token; read again when it changes.")
    token_expires: Day | None = setting(
        None,
        "Day on which the token ends, at most 365 after its creation; `doctor` warns in time.",
        shown=True,
        strict=False,
    )
    responders: tuple[str, ...] = setting(
        (),
        "Responders of every alert: `team:ID`, `user:ID`, `escalation:ID`, `schedule:ID`.",
        strict=False,
    )
    heartbeat: str = setting(
        "",
        "Name of a heartbeat that is pinged while alerts can be delivered. Empty: none.",
        max_length=200,
    )
    heartbeat_team: str = setting("", "Id of the team that owns the heartbeat.")
    api_url: str | None = setting(None, "Replaces Atlassian's address.", pattern=HTTP_URL)


class PagerDutySettings(ReceiverSettings):
    """PagerDuty's Events API v2 (`[alerts.receivers.pagerduty.NAME]`)."""

    key: Key | None = setting(
        None, "Routing key; better BREAKERD_PAGERDUTY_NAME_KEY or `key_file`.", strict=False
    )
    key_file: str | None = setting(None, "File that holds the key; read again when it changes.")
    api_url: str | None = setting(
        None, "Replaces https://events.pagerduty.com, for the EU for instance.", pattern=HTTP_URL
    )


class WebhookSettings(ReceiverSettings):
    """Custom HTTP endpoint (`[alerts.receivers.webhook.NAME]`)."""

    url: SecretUrl | None = setting(
        None, "URL to POST to; better BREAKERD_WEBHOOK_NAME_URL or `url_file`.", strict=False
    )
    url_file: str | None = setting(None, "File that holds the URL.")
    key: SecretStr | None = setting(
        None, "Signing key; better BREAKERD_WEBHOOK_NAME_KEY or `key_file`.", strict=False
    )
    key_file: str | None = setting(None, "File that holds the key; read again when it changes.")
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, description="Additional headers.", strict=False
    )
    template: str = setting(
        "", "Body, with `$NAME` for each field to fill in. Empty: breakerd's own JSON."
    )

    @field_validator("template")
    @classmethod
    def _check_template(cls, template: str) -> str:
        if problem := template_problem(template):
            raise ValueError(problem)
        return template


class SlackSettings(ReceiverSettings):
    """Slack, with a token or an incoming webhook (`[alerts.receivers.slack.NAME]`)."""

    url: SecretUrl | None = setting(
        None,
        "URL of an incoming webhook; better BREAKERD_SLACK_NAME_URL or `url_file`. Not used if "
        "there is a token.",
        strict=False,
    )
    url_file: str | None = setting(None, "File that holds the URL of the webhook.")
    token: Key | None = setting(
        None,
        "Token of an app with the scope `chat:write`; better BREAKERD_SLACK_NAME_TOKEN or "
        "`token_file`.",
        strict=False,
    )
    token_file: str | None = setting(None, "File that holds the token; read again when it changes.")
    channel: str = setting(
        "",
        "Channel to post to with a token: its id, as C0123456789, or its name.",
        pattern=r"^\S*$",
        max_length=100,
    )
    api_url: str | None = setting(None, "Replaces https://slack.com/api.", pattern=HTTP_URL)


class AppriseSettings(ReceiverSettings):
    """Any service that the package apprise supports (`[alerts.receivers.apprise.NAME]`)."""

    url: SecretStr | None = setting(
        None,
        "apprise URLs, separated by spaces; better BREAKERD_APPRISE_NAME_URL or `url_file`.",
        strict=False,
    )
    url_file: str | None = setting(None, "File that holds the URLs.")
    notes: bool = setting(False, "Send notes too.")


class ReceiversSettings(SettingsModel):
    """Receivers beside OpsGenie, each under a name of its own (`[alerts.receivers]`)."""

    jsm: dict[Name, JsmSettings] = Field(default_factory=dict, description=JsmSettings.__doc__)
    jsm_ops: dict[Name, JsmOpsSettings] = Field(
        default_factory=dict, description=JsmOpsSettings.__doc__
    )
    pagerduty: dict[Name, PagerDutySettings] = Field(
        default_factory=dict, description=PagerDutySettings.__doc__
    )
    webhook: dict[Name, WebhookSettings] = Field(
        default_factory=dict, description=WebhookSettings.__doc__
    )
    slack: dict[Name, SlackSettings] = Field(
        default_factory=dict, description=SlackSettings.__doc__
    )
    apprise: dict[Name, AppriseSettings] = Field(
        default_factory=dict, description=AppriseSettings.__doc__
    )

    def named(self) -> dict[str, ReceiverSettings]:
        """Return the enabled receivers by `TYPE.NAME`."""
        return {
            f"{kind}.{name}": receiver
            for kind in type(self).model_fields
            for name, receiver in getattr(self, kind).items()
            if receiver.enabled
        }
