"""The settings of receivers beside OpsGenie: `[alerts.sinks.TYPE.NAME]`."""

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, field_validator

from breakerd.alerts.model.stage import Priority
from breakerd.breaker.settings import SettingsModel, setting

_ADDRESS: Final = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"


def _sendable(secret: SecretStr) -> SecretStr:
    """A header holds nothing else."""
    if not re.fullmatch(r"[!-~]*", secret.get_secret_value()):
        raise ValueError("letters, digits and signs of ASCII, without spaces")
    return secret


def _one_line(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[ -~]*", secret.get_secret_value()):
        raise ValueError("letters, digits, spaces and signs of ASCII, in one line")
    return secret


def _reachable(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"(https?://[^\s/?#]+([/?][!-~]*)?)?", secret.get_secret_value()):
        raise ValueError("an address that begins with https:// or http://, of ASCII without spaces")
    _check_port(secret.get_secret_value())
    return secret


def _check_port(url: str) -> None:
    try:
        # Reading the port is what checks it.
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError("an address whose port, if given, is 0 to 65535") from None


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,50}$")]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$")]
Key = Annotated[SecretStr, AfterValidator(_sendable)]
HeaderValue = Annotated[SecretStr, AfterValidator(_one_line)]
SecretAddress = Annotated[SecretStr, AfterValidator(_reachable)]


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

    @field_validator("api_url", check_fields=False)
    @classmethod
    def _has_a_port_that_exists(cls, url: str | None) -> str | None:
        _check_port(url or "")
        return url


class JsmSettings(SinkSettings):
    """Jira Service Management, through an integration (`[alerts.sinks.jsm.NAME]`)."""

    key: Key | None = setting(
        None, "Key of the integration; better BREAKERD_JSM_NAME_KEY or `key_file`.", strict=False
    )
    key_file: str | None = setting(None, "File that holds the key; read again when it changes.")
    api_url: str | None = setting(None, "Replaces Atlassian's address.", pattern=_ADDRESS)


class JsmOpsSettings(SinkSettings):
    """Jira Service Management, through the Operations API (`[alerts.sinks.jsm_ops.NAME]`)."""

    cloud_id: str = setting(..., "Id of the site.", min_length=1)
    user: str = setting(..., "E-mail address of the user that the token belongs to.", min_length=1)
    key: Key | None = setting(
        None, "API token; better BREAKERD_JSM_OPS_NAME_KEY or `key_file`.", strict=False
    )
    key_file: str | None = setting(None, "File that holds the token; read again when it changes.")
    responders: tuple[str, ...] = setting(
        (), "Whom to tell: `team:ID`, `user:ID`, `escalation:ID`, `schedule:ID`.", strict=False
    )
    heartbeat: str = setting(
        "",
        "Name of a heartbeat that is pinged as long as alerts can leave. Empty: none.",
        max_length=200,
    )
    heartbeat_team: str = setting("", "Id of the team that the heartbeat belongs to.")
    api_url: str | None = setting(None, "Replaces Atlassian's address.", pattern=_ADDRESS)


class PagerDutySettings(SinkSettings):
    """PagerDuty's Events API v2 (`[alerts.sinks.pagerduty.NAME]`)."""

    key: Key | None = setting(
        None, "Routing key; better BREAKERD_PAGERDUTY_NAME_KEY or `key_file`.", strict=False
    )
    key_file: str | None = setting(None, "File that holds the key; read again when it changes.")
    api_url: str | None = setting(
        None, "Replaces https://events.pagerduty.com, for the EU for instance.", pattern=_ADDRESS
    )


class WebhookSettings(SinkSettings):
    """An HTTP endpoint of one's own (`[alerts.sinks.webhook.NAME]`)."""

    url: SecretAddress | None = setting(
        None, "Where to POST; better BREAKERD_WEBHOOK_NAME_URL or `url_file`.", strict=False
    )
    url_file: str | None = setting(None, "File that holds the address.")
    key: SecretStr | None = setting(
        None, "What to sign with; better BREAKERD_WEBHOOK_NAME_KEY or `key_file`.", strict=False
    )
    key_file: str | None = setting(None, "File that holds the key; read again when it changes.")
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, description="Headers to send as well.", strict=False
    )
    template: str = setting(
        "", "The body, with `$NAME` for what is to be filled in. Empty: breakerd's own form."
    )

    @field_validator("template")
    @classmethod
    def _can_be_filled_in(cls, template: str) -> str:
        # Imported here, since sinks need settings.
        from breakerd.alerts.receivers.webhook import template_problem

        if problem := template_problem(template):
            raise ValueError(problem)
        return template


class SlackSettings(SinkSettings):
    """An incoming webhook of Slack or Mattermost (`[alerts.sinks.slack.NAME]`)."""

    url: SecretAddress | None = setting(
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

    def named(self) -> dict[str, SinkSettings]:
        """Every one that is switched on, by `TYPE.NAME`."""
        return {
            f"{kind}.{name}": sink
            for kind in type(self).model_fields
            for name, sink in getattr(self, kind).items()
            if sink.enabled
        }
