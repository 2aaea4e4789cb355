"""Slack: through an incoming webhook, or through the Web API with a token."""

from breakerd.alerts.receivers.slack.bot import SlackBotReceiver
from breakerd.alerts.receivers.slack.webhook import SlackReceiver

__all__ = ["SlackBotReceiver", "SlackReceiver"]
