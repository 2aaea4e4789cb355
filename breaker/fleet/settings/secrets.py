"""Passwords of the hub: where each may be found outside the settings."""

import os
from collections.abc import Iterator, Mapping
from typing import Final

from breakerd.breaker.config import Document
from breakerd.breaker.config.secret_source import FILE_SUFFIX, Secret, SecretSource
from breakerd.breaker.fleet.settings.hub_address import PASSWORD_VARIABLE

SECTION: Final = "fleet"
VARIABLES: Final = {
    "password": PASSWORD_VARIABLE,
    "sentinel_password": "BREAKERD_FLEET_SENTINEL_PASSWORD",
}
"""Variable of each secret of `[fleet]`; the same name with `_FILE` names a file that holds it."""


def read_fleet_secrets(
    document: Document | None, environ: Mapping[str, str] = os.environ
) -> SecretSource:
    """Return the passwords that are kept outside the file: in variables and files."""
    section = document.data.get(SECTION, {}) if document else {}
    own = section if isinstance(section, Mapping) else {}
    return SecretSource(_secrets(own), document, environ)


def _secrets(section: Mapping[str, object]) -> Iterator[Secret]:
    for key, variable in VARIABLES.items():
        file = section.get(key + FILE_SUFFIX)
        yield Secret((SECTION, key), variable, file if isinstance(file, str) else "")
