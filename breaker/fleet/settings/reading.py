"""Read and check `[fleet]`, with what environment variables and secret files say."""

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from breakerd.breaker.config import Document, validate
from breakerd.breaker.config.secret_source import ENVIRONMENT
from breakerd.breaker.config.show_value import show_value
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.fleet.settings.hub_address import NONE
from breakerd.breaker.fleet.settings.secrets import SECTION, VARIABLES, read_fleet_secrets
from breakerd.breaker.fleet.settings.tls import tls_context

FROM_ENVIRONMENT: Final = {
    "hub": "BREAKERD_FLEET_HUB",
    "name": "BREAKERD_FLEET_NAME",
    "role": "BREAKERD_FLEET_ROLE",
    "host": "BREAKERD_FLEET_HOST",
}
"""Variable of each key that wins over the file."""
_ALONE: Final = {"hub": NONE}
"""Without a file there is no place where processes could meet."""
_LABELS: Final = "BREAKERD_FLEET_LABELS"
_ALLOWED_LABELS: Final = "NAME=VALUE[,NAME=VALUE…], as zone=eu-1a,pod=web-7"
_TABLE: Final = {"type": "object"}
_TLS_FILES: Final = ("tls_ca_file", "tls_cert_file", "tls_key_file")


def read_fleet_section(
    document: Document | None, environ: Mapping[str, str] = os.environ
) -> FleetSettings:
    """Return `[fleet]`; variables win over the file.

    Args:
        document: the file; None for the defaults.
        environ: environment variables.

    Raises:
        ConfigError: every problem in the section, the variables and the secret files.
    """
    own = _own(document)
    # A value from outside does not excuse an invalid one in the file.
    validate(FleetSettings, own, document=document, prefix=(SECTION,))
    outside, source = _from_outside(own, environ), read_fleet_secrets(document, environ)
    if source.problems:
        raise ConfigError(source.problems)
    secrets = {key: value for (_, key), value in source.values.items()}
    merged = {**({} if document else _ALONE), **own, **outside, **secrets}
    try:
        settings = validate(FleetSettings, merged, document=document, prefix=(SECTION,))
    except ConfigError as error:
        variables = _variables(outside.keys() | secrets.keys())
        raise ConfigError([_relocated(each, variables) for each in error.problems]) from None
    if problems := list(_contradictions(settings, document)):
        raise ConfigError(problems)
    return settings


def _own(document: Document | None) -> dict[str, object]:
    section = document.data.get(SECTION, {}) if document else {}
    if document is None or isinstance(section, dict):
        return dict(section) if isinstance(section, dict) else {}
    found = show_value(section, _TABLE)
    line = document.line_of((SECTION,))
    raise ConfigError(
        [ConfigProblem(str(document.path), line, SECTION, found, f"a table [{SECTION}]")]
    )


def _from_outside(own: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, object]:
    """Return the values of variables; labels are added to those of the file."""
    found: dict[str, object] = {
        key: value
        for key, variable in FROM_ENVIRONMENT.items()
        if (value := environ.get(variable, "").strip())
    }
    if text := environ.get(_LABELS, "").strip():
        labels = own.get("labels", {})
        found["labels"] = {**(labels if isinstance(labels, dict) else {}), **_parse_labels(text)}
    return found


def _parse_labels(text: str) -> dict[str, str]:
    pairs = [re.fullmatch(r"([^=]+)=(.+)", part.strip()) for part in text.split(",")]
    if None in pairs:
        raise ConfigError(
            [ConfigProblem(ENVIRONMENT, 0, _LABELS, "text that is not shown", _ALLOWED_LABELS)]
        )
    return {pair[1].strip(): pair[2].strip() for pair in pairs if pair is not None}


def _variables(keys: set[str]) -> dict[str, str]:
    """Return the variables that the values of `keys` came from, by key."""
    every = {**FROM_ENVIRONMENT, **VARIABLES, "labels": _LABELS}
    return {key: every[key] for key in keys}


def _relocated(problem: ConfigProblem, variables: Mapping[str, str]) -> ConfigProblem:
    """Return the problem at the variable whose value it is of, if any."""
    key = problem.key.split(".")[1:2]
    variable = variables.get(key[0]) if key else None
    return replace(problem, where=ENVIRONMENT, line=0, key=variable) if variable else problem


def _contradictions(settings: FleetSettings, document: Document | None) -> Iterator[ConfigProblem]:
    """Yield the problems of settings that do not fit each other, or the files they name."""
    address = settings.address
    if address.remote and not settings.name:
        allowed = "the name of the fleet, such as 'shop-production', which a hub on a server needs"
        yield _problem(document, "name", "nothing", allowed)
    named = [key for key in _TLS_FILES if getattr(settings, key)]
    if named and not address.tls:
        for key in named:
            yield _problem(document, key, "a file", "no such key, unless `hub` has rediss")
    elif settings.tls_key_file and not settings.tls_cert_file:
        yield _problem(document, "tls_cert_file", "nothing", "the certificate of `tls_key_file`")
    elif named:
        try:
            tls_context(settings)
        except (OSError, ssl.SSLError, ValueError) as error:
            found = f"files that cannot be used: {getattr(error, 'strerror', None) or 'no PEM'}"
            yield _problem(document, named[0], found, "readable files with certificates (PEM)")


def _problem(document: Document | None, key: str, found: str, allowed: str) -> ConfigProblem:
    line = document.line_of((SECTION, key)) if document else 0
    where = str(document.path) if document else ENVIRONMENT
    return ConfigProblem(where, line, f"{SECTION}.{key}", found, allowed)
