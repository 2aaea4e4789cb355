"""What `breakerd init` has to know, each checked by the settings model that it is for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.alerts.settings.secrets import variable_of as secret_variable
from breakerd.api.settings import ApiSettings
from breakerd.breaker.config import validate
from breakerd.breaker.config.sections import NAME_ALLOWED, valid_name
from breakerd.breaker.errors import ConfigError
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.settings import Settings, Slo

NO_RECEIVER: Final = "none"
OPSGENIE: Final = "opsgenie"
SECRET_OF: Final[Mapping[str, str]] = {
    OPSGENIE: "key",
    "jsm": "key",
    "pagerduty": "key",
    "slack": "url",
    "webhook": "url",
}
"""Receivers that need nothing but one secret, and whether that is a key or a URL."""
RECEIVER_NAME: Final = "main"
"""Name of a receiver beside OpsGenie in a new file."""
BY_LEVEL: Final = "level"
BY_THRESHOLD: Final = "threshold"


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that a new file says.

    Attributes:
        service: name of the service.
        breakers: names of the dependencies that get a table of their own.
        slo: success rate and time-out in s; None where there is a threshold.
        latency_threshold: threshold in ms; None where there is a service level.
        receiver: type of the receiver, or "none".
        secret_file: file that holds its key or URL; empty: a variable holds it.
        team: team that is paged; empty where nobody is.
        environment: environment of the service.
        region: region of OpsGenie.
        public_url: address at which people reach breakerd's pages; empty: none.
        hub: where the processes meet.
        fleet: name of the fleet; empty where none is needed.
    """

    service: str
    breakers: tuple[str, ...]
    slo: tuple[float, float] | None
    latency_threshold: float | None
    receiver: str
    secret_file: str
    team: str
    environment: str
    region: str
    public_url: str
    hub: str
    fleet: str


def service_name(text: str) -> str:
    """Return the name of a service.

    Raises:
        ValueError: it has another form; the message says what is allowed, as in all functions here.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", text):
        raise ValueError("1 to 80 ASCII letters, digits, '.', '_', '-'")
    return text


def breaker_names(text: str) -> tuple[str, ...]:
    """Return names of breakers, which commas or spaces separate."""
    names = tuple(dict.fromkeys(re.split(r"[\s,]+", text.strip()))) if text.strip() else ()
    if wrong := [name for name in names if not valid_name(name)]:
        raise ValueError(f"names of {NAME_ALLOWED}, not {wrong[0]!r}")
    return names


def judged_by(text: str) -> str:
    """Return "level" or "threshold"."""
    return _one_of(text, (BY_LEVEL, BY_THRESHOLD))


def service_level(text: str) -> tuple[float, float]:
    """Return the success rate and the seconds of `RATE,SECONDS`."""
    form = "RATE,SECONDS, such as 0.95,2: the share of calls that should succeed, and in what time"
    parts = text.split(",")
    if len(parts) != 2:
        raise ValueError(form)
    try:
        rate, timeout = float(parts[0]), float(parts[1])
    except ValueError:
        raise ValueError(form) from None
    _check(Slo, {"success_rate": rate, "timeout": timeout})
    return rate, timeout


def latency_threshold(text: str) -> float:
    """Return a latency threshold in ms."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError("a number (ms)") from None
    _check(Settings, {"latency_threshold": value})
    return value


def receiver(text: str) -> str:
    """Return a type of receiver, or "none"."""
    return _one_of(text, (NO_RECEIVER, *SECRET_OF))


def secret_file(text: str) -> str:
    """Return the path of a file with a secret; it must be there, or the new file were an error."""
    if not text:
        return text
    path = Path(text)
    if not path.is_file():
        raise ValueError("a file that is there already, or nothing where a variable holds it")
    return text


def team(text: str) -> str:
    """Return the team that is paged."""
    if not text.strip():
        raise ValueError("the name of the team that is paged")
    _check(OpsGenieSettings, {"team": text.strip()})
    return text.strip()


def environment(text: str) -> str:
    """Return the environment of the service."""
    _check(OpsGenieSettings, {"environment": text.strip()})
    return text.strip()


def region(text: str) -> str:
    """Return the region of OpsGenie."""
    return _one_of(text.lower(), ("us", "eu"))


def public_url(text: str) -> str:
    """Return the address at which people reach breakerd's pages; empty for none."""
    _check(ApiSettings, {"public_url": text.strip()})
    return text.strip()


def hub(text: str) -> str:
    """Return where the processes meet."""
    _check(FleetSettings, {"hub": text.strip()})
    return text.strip()


def fleet_name(text: str) -> str:
    """Return the name of a fleet."""
    if not text:
        raise ValueError("a name, such as shop-production")
    _check(FleetSettings, {"name": text})
    return text


def _one_of(text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise ValueError(f"one of {', '.join(allowed)}")
    return text


def _check(model: type[BaseModel], data: Mapping[str, object]) -> None:
    try:
        validate(model, data)
    except ConfigError as error:
        raise ValueError(error.problems[0].allowed) from None


def variable_of(kind: str) -> str:
    """Return the environment variable that holds the secret of a receiver in a new file."""
    if kind == OPSGENIE:
        return secret_variable((OPSGENIE, "api_key"))
    return secret_variable(("alerts", "receivers", kind, RECEIVER_NAME, SECRET_OF[kind]))
