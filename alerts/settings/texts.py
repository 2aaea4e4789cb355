"""Settings of what an alert says: `[alerts.templates]`, and the link to the runbook."""

import re
from difflib import get_close_matches
from typing import Final

from pydantic import Field, field_validator

from breakerd.alerts.settings.template import template_problem
from breakerd.breaker.settings import SettingsModel, setting

TEMPLATE_FIELDS: Final = (
    "summary", "description", "breaker", "breakers", "count", "service", "environment", "team",
    "host", "kind", "topic", "state", "priority", "since", "duration", "cause", "impact", "next",
    "action", "held", "runbook", "link", "dashboard", "drill",
)  # fmt: skip
"""Names that a template of `[alerts.templates]` may use."""
RUNBOOK: Final = "https://github.com/breakerd/breakerd/blob/main/docs/runbook.md#{topic}"
"""Page of the project, with a section for each topic."""
_RUNBOOK_FIELDS: Final = ("breaker", "kind", "topic")


class TemplateSettings(SettingsModel):
    """Texts of one kind of alert (`[alerts.templates.KIND]`)."""

    message: str = setting(
        "", "Message, with `$NAME` for each field to fill in. Empty: that of `default`, or ours."
    )
    description: str = setting("", "Description, in the same form.")

    @field_validator("message", "description")
    @classmethod
    def _check_fields(cls, template: str) -> str:
        if problem := template_problem(template, TEMPLATE_FIELDS):
            raise ValueError(problem)
        return template


class TemplatesSettings(SettingsModel):
    """Texts of alerts by kind, instead of breakerd's own (`[alerts.templates]`)."""

    default: TemplateSettings = Field(
        default=TemplateSettings(), description="Texts of the kinds that have none of their own."
    )
    open: TemplateSettings = Field(
        default=TemplateSettings(), description="Texts of an alert about an open breaker."
    )
    memory: TemplateSettings = Field(
        default=TemplateSettings(), description="Texts of an alert about memory."
    )
    latency: TemplateSettings = Field(
        default=TemplateSettings(), description="Texts of an alert about latency."
    )
    degraded: TemplateSettings = Field(
        default=TemplateSettings(), description="Texts of an alert about a degraded breaker."
    )

    def for_kind(self, kind: str) -> TemplateSettings:
        """Return the texts of that kind, with those of `default` where it has none."""
        own = getattr(self, kind, self.default) if kind in type(self).model_fields else self.default
        return TemplateSettings(
            message=own.message or self.default.message,
            description=own.description or self.default.description,
        )


def check_runbook_url(url: str) -> str:
    """Return `url` if its `{NAME}` are known.

    Raises:
        ValueError: one is not.
    """
    for name in re.findall(r"\{([^{}]*)\}", url):
        if name not in _RUNBOOK_FIELDS:
            close = get_close_matches(name, _RUNBOOK_FIELDS, n=1)
            meant = f"; did you mean {{{close[0]}}}?" if close else ""
            raise ValueError(f"a URL with {{breaker}}, {{kind}} or {{topic}}{meant}")
    return url
