"""What is in force and not in the file, from all that may cause it."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from breakerd.alerts.settings.alerting import FROM_ENVIRONMENT, OPSGENIE_SECTION
from breakerd.alerts.settings.secrets import read_secrets
from breakerd.api.file_settings import MASKER
from breakerd.api.http.admin import AdminContext
from breakerd.api.schemas.responses import utc_time
from breakerd.breaker.config import Document, Key
from breakerd.breaker.config.following.temporary import value_at
from breakerd.breaker.config_log.drift import Cause, DriftedKey, FileDrift
from breakerd.breaker.config_log.masking import MASK, shown
from breakerd.breaker.fleet.revisions.revision import dotted
from breakerd.breaker.fleet.settings.reading import FROM_ENVIRONMENT as OF_FLEET
from breakerd.breaker.fleet.settings.secrets import SECTION as FLEET_SECTION
from breakerd.breaker.fleet.settings.secrets import read_fleet_secrets


def drift_of(admin: AdminContext, environ: Mapping[str, str] = os.environ) -> list[DriftedKey]:
    """Return the keys whose values in force are not the file's, in their order."""
    config = admin.registry.config
    if config is None:
        return []
    found = [
        *FileDrift(config, MASKER).found(),
        *_of_environment(admin, config.lasting, environ),
        *_of_fleet(admin),
    ]
    return sorted(found, key=lambda each: (each.key, each.cause))


def drift_as_json(drifted: DriftedKey) -> dict[str, Any]:
    """Return it as JSON; secrets are masked."""
    return {
        "key": dotted(drifted.key),
        "in_force": shown(drifted.in_force),
        "in_file": shown(drifted.in_file),
        "cause": drifted.cause.value,
        "text": drifted.text,
        "by": drifted.by,
        "at": utc_time(drifted.at) if drifted.at else None,
    }


def _of_environment(
    admin: AdminContext, document: Document, environ: Mapping[str, str]
) -> Iterator[DriftedKey]:
    """Yield values of variables that are not what the file has."""
    variables: dict[Key, str] = {(FLEET_SECTION, key): name for key, name in OF_FLEET.items()}
    sources = [read_fleet_secrets(document, environ)]
    if admin.alerting is not None:
        variables |= {(OPSGENIE_SECTION, key): name for name, key in FROM_ENVIRONMENT.items()}
        sources.append(read_secrets(document, environ))
    for key, name in variables.items():
        value, in_file = environ.get(name, "").strip(), value_at(document.data, key)
        if value and value != in_file:
            text = f"the environment variable {name} wins over the file"
            yield DriftedKey(key, value, in_file, Cause.ENVIRONMENT, text)
    for source in sources:
        for key, secret in source.values.items():
            in_file = value_at(document.data, key)
            if secret != in_file:
                text = "an environment variable, or a file of its own, has the secret"
                masked = None if in_file is None else MASK
                yield DriftedKey(key, MASK, masked, Cause.ENVIRONMENT, text)


def _of_fleet(admin: AdminContext) -> Iterator[DriftedKey]:
    if admin.fleet is None:
        return
    for each in admin.fleet.drift():
        key = tuple(each.key.split("."))
        text = f"another value was set for all hosts: {each.reason}"
        yield DriftedKey(key, each.own, each.fleet, Cause.FLEET, text, each.by, each.at)
