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
        problems: why alerts may reach nobody, as sentences: no team is set.
        gaps: what else is not set, or only guessed, as sentences; alerts are sent all the same.
    """

    team: str
    environment: str
    bookmaker_id: str
    hostname: str
    business: str
    problems: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


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
    stated = environment or guess.upper() or UNKNOWN.upper()
    origin = f", from the host {host!r}" if guess else ""
    no_team = f"[opsgenie] team is not set; alerts say {UNKNOWN!r} and may reach nobody"
    no_environment = f"[opsgenie] environment is not set; alerts say {stated!r}{origin}"
    no_project = f"[opsgenie] bookmaker_id is not set, nor project_id; alerts say {UNKNOWN!r}"
    return ServiceIdentity(
        team=team or UNKNOWN,
        environment=stated.upper(),
        bookmaker_id=bookmaker_id or UNKNOWN,
        hostname=hostname or UNKNOWN,
        business=business,
        problems=() if team else (no_team,),
        gaps=(() if environment else (no_environment,)) + (() if bookmaker_id else (no_project,)),
    )
