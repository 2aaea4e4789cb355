"""Identity of this service: the five fields that every alert must have."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from breakerd.alerts.settings.opsgenie import OpsGenieSettings

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ServiceIdentity:
    """Team, environment, project, host and business unit of this service.

    Attributes:
        problems: one sentence for each field that is not set, or only guessed.
    """

    team: str
    environment: str
    bookmaker_id: str
    hostname: str
    business: str
    problems: tuple[str, ...] = ()


def resolve_identity(
    settings: OpsGenieSettings, environ: Mapping[str, str] = os.environ
) -> ServiceIdentity:
    """Return the fields, in go-breaker's order: the file, variables, guesses from the host name."""
    host = socket.gethostname()
    variable = environ.get

    def first(*values: str | None) -> str:
        return next((value for value in values if value), "")

    team = first(settings.team, variable("OPSGENIE_TEAM"))
    environment = first(
        settings.environment,
        variable("DEPLOYMENT_ENV"),
        settings.api_namespace,
    )
    guess = next((name for name in ("prod", "staging", "dev") if name in host), "")
    bookmaker_id = first(
        settings.bookmaker_id,
        settings.project_id,
        *map(variable, ("BOOKMAKER_ID", "PROJECT_ID", "CLIENT_ID", "SERVICE_ID")),
        settings.api_name,
    )
    hostname = first(
        settings.host_override,
        settings.hostname,
        *map(variable, ("HOSTNAME", "HOST", "CONTAINER_NAME", "POD_NAME")),
        host,
    )
    business = first(
        settings.business,
        settings.business_unit,
        *map(variable, ("BUSINESS_UNIT", "BUSINESS", "DEPARTMENT")),
        "internal",
    )
    found = {"team": team, "environment": environment, "bookmaker_id": bookmaker_id}
    problems = tuple(
        f"[opsgenie] {name} is not set; alerts say {UNKNOWN!r} and may reach nobody"
        if name != "environment" or not guess
        else f"[opsgenie] {name} is not set; alerts say {guess.upper()!r}, from the host {host!r}"
        for name, value in found.items()
        if not value
    )
    return ServiceIdentity(
        team=team or UNKNOWN,
        environment=(environment or guess or UNKNOWN).upper(),
        bookmaker_id=bookmaker_id or UNKNOWN,
        hostname=hostname or UNKNOWN,
        business=business,
        problems=problems,
    )
